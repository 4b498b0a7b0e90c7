// The features of a run of the machine, whatever program it ran: its commands with their typed fields, the
// hazards between them, what queues, semaphores and memories went through, who owned each unit's cycles.
#pragma once

#include "base/machine.hpp"
#include "sim/platform.hpp"
#include "testgen/coverage/model.hpp"

namespace assay::app {

// Scope::Command from the ISA's table, Hazard, Unit and Run; and the rule engine_reaches_memory.
void declare_run_features(coverage::Schema& schema);

// Takes every sample of a run that halted; the sampler's schema must live as long as the program. A run of
// more than kMostCommands is looked at up to there.
inline constexpr std::size_t kMostCommands = 20'000;
void sample_run(const sim::RunResult& run, const Machine& machine, coverage::Sampler& sampler);

}  // namespace assay::app
