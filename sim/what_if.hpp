// How long a run would take on a machine with other resources, from the run alone: its command graph timed
// anew.
//
// The host's own time between its steps and the order of all commands stay; queues, semaphores and fences
// hold as they do on the platform; the matrix and the vector unit's commands take what their closed forms say
// for the other machine; transfers what sim/transfer_model.hpp says.
#pragma once

#include <optional>

#include "sim/platform.hpp"

namespace assay::sim {

// Of a run on `machine` that halted, without jitter. For the same machine: the run's own cycles. Nothing
// where the run would never end: its queues are too short for the order of its commands.
std::optional<Cycle> retime(const RunResult& run, const Machine& machine, const Machine& other);

}  // namespace assay::sim
