// Every command and every fence of a run: where it came from, what it was, when it ran.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "base/units.hpp"
#include "core/ledger.hpp"
#include "isa/generated/commands.hpp"

namespace assay::sim {

struct CommandRecord {
  std::uint64_t id = 0;  // position in program order
  std::uint64_t pc = 0;
  isa::Engine engine = isa::Engine::dma_in;
  isa::Command command;
  Cycle asked, issued;  // the host reached its launch; put it into the queue, which was full until then
  Cycle
      host_memory;   // of the host's time before `asked`: accesses to SPM and HBM, since the start of the run
  Cycle head;        // at the head of its queue, and taken up: a wait begins to wait, a launch has the unit
  Cycle start, end;  // first activity; all its writes visible
  Cycle accept;      // the queue moves on: the next command is taken up
  std::uint64_t requests = 0;              // of a transfer, on the fabric
  core::Owner held = core::Owner::useful;  // of a transfer: what made its last answer wait
  std::vector<std::int32_t> index;         // of a gather that the machine can execute, from its start on
};

// A fence.ai of the host.
struct FenceRecord {
  std::uint64_t pc = 0;
  std::uint64_t commands = 0;  // launched before it
  std::uint32_t engines = 0;   // bit e: engine e
  Cycle asked, released;       // the host reached it; went on
  Cycle host_memory;           // as above
};

// Records keep their address as the log grows.
using CommandLog = std::deque<CommandRecord>;
using FenceLog = std::deque<FenceRecord>;

}  // namespace assay::sim
