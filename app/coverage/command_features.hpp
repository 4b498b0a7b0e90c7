// Inside the coverage of runs only: samples of single commands.
#pragma once

#include "app/coverage/run_features.hpp"

namespace assay::app {

void declare_command_features(coverage::FeatureTable& table);
void sample_commands(const sim::RunResult& run, const Machine& machine, coverage::Sampler& sampler);

void declare_hazard_features(coverage::Schema& schema);
void sample_hazards(const sim::RunResult& run, const Machine& machine, coverage::Sampler& sampler);

// "dma_in", "dma_out", "mxu", "vxu".
std::vector<std::string> engine_names();

}  // namespace assay::app
