// Every command of a run: where it came from, what it was, when it ran.
#pragma once

#include <cstdint>
#include <deque>

#include "base/units.hpp"
#include "isa/generated/commands.hpp"

namespace assay::sim {

struct CommandRecord {
  std::uint64_t id = 0;  // position in program order
  std::uint64_t pc = 0;
  isa::Engine engine = isa::Engine::dma_in;
  isa::Command command;
  Cycle issued;      // the host put it into the queue
  Cycle start, end;  // first activity; all its writes visible
};

// Records keep their address as the log grows.
using CommandLog = std::deque<CommandRecord>;

}  // namespace assay::sim
