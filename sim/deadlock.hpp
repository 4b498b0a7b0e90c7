// Who waits for whom, once nothing can happen any more.
#pragma once

#include <string>
#include <vector>

#include "sim/engine_module.hpp"
#include "sim/sanitizer/finding.hpp"

namespace assay::sim {

struct Deadlock {
  std::string text;                // one clause per waiter, the host first
  std::vector<FindingSite> sites;  // the waits, then the signals that would have freed them
};

// `host`: the host's stalled instruction at `host_pc`; empty where it has halted.
Deadlock explain_deadlock(const std::string& host, std::uint64_t host_pc,
                          const std::vector<const EngineModule*>& engines);

}  // namespace assay::sim
