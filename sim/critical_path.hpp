// The chain of waits and work that a run's time consists of: from its end back to cycle 0, along what each
// command waited for last.
//
// Its steps follow each other without a gap, so that their cycles sum to the run's. Inside a command the time
// belongs to its unit's owners (core/owner.def); beside them there are
//   host   issue    a launch on its way into an idle engine
//   sync   signal   a signal on its way to the waiting queue
//   hbm    write    what the memory had taken and not written yet at the end
//   dma_*  latency  the fabric, there and back;  useful: the bytes at the pins' rate;  the rest is owned by
//   what the
//                   transfer's last answer waited for
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "sim/platform.hpp"

namespace assay::sim {

struct PathStep {
  std::string_view unit;
  Cycle from, to;
  std::uint64_t pc = 0;          // of the command, or of what the host came to; 0: the end of the run
  const CommandRecord* command;  // the host: what it launched then; null: a fence, or the end
  std::vector<std::pair<std::string_view, Cycle>> parts;  // by owner; they sum to `to` - `from`
};

// Of a run that halted, the last step first. The machine: the one that it ran on.
std::vector<PathStep> critical_path(const RunResult& run, const Machine& machine);

}  // namespace assay::sim
