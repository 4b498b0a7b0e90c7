// What every command of a run waited for: the graph behind the critical path and the what-if. Made after the
// run, from its logs alone; it knows nothing of how a memory or a unit computes its times.
#pragma once

#include <array>
#include <vector>

#include "base/machine.hpp"
#include "sim/platform.hpp"

namespace assay::sim {

inline constexpr std::size_t kNoCommand = ~std::size_t{0};

// A command's edges, as indices into the log.
struct CommandNode {
  std::size_t previous = kNoCommand;  // before it in its engine's queue
  std::size_t room = kNoCommand;      // the one whose leaving made room for it in the queue
  std::size_t signal = kNoCommand;    // of a wait: the signal that it takes
  std::size_t visible = kNoCommand;   // of a signal: the earlier command of its engine that ends last
  std::size_t step = 0;               // the host's
};

// What the host does outside itself: a launch or a fence, in program order.
struct HostStep {
  std::size_t command = kNoCommand;  // a launch; or
  std::size_t fence = kNoCommand;    // a fence
  std::uint64_t pc = 0;
  Cycle asked, done;  // the host reached it; went on
  Cycle memory;       // the host's accesses to memories before it, since the start
  std::vector<std::size_t>
      waited_for;  // of a fence: of each engine the command that ends last, and the last one
};

struct CommandGraph {
  CommandGraph(const RunResult& run, const Machine& machine);

  std::vector<CommandNode> nodes;  // of every command
  std::vector<HostStep> steps;
  std::array<std::vector<std::size_t>, 4> queues;  // commands by engine, in order
};

}  // namespace assay::sim
