// The vector unit: executes vxu.pass. Arithmetic in vector_pass.hpp, time here.
//
// Time: a pass costs setup_cycles and then one cycle a beat. A beat is `lanes` neighbouring elements of
// a row, or as many whole short rows as fit. Each operand's own bank conflicts (strided short rows, a
// reduction's results) multiply it. A beat of divisions takes divide_cycles_per_beat where its banks do not
// need more. All operands together, and beside them the other engines, share the ports (memory/port_use.hpp).
#pragma once

#include <cstdint>

#include "base/machine.hpp"
#include "core/ledger.hpp"
#include "core/mxu/mxu.hpp"
#include "isa/generated/commands.hpp"
#include "memory/local_memory.hpp"

namespace assay::core {

struct VxuCounters {
  std::uint64_t elements = 0;
  std::uint64_t passes = 0;
};

class Vxu {
 public:
  Vxu(const Machine& machine, memory::LocalMemory& local)
      : machine_(machine), local_(local), split_(machine.vxu.lanes) {}

  CommandTimes execute(const isa::VxuCommand& command, Cycle ready);
  CommandTimes pass(const isa::VxuCommand& command, Cycle ready);  // throws CommandFault

  const VxuCounters& counters() const { return counters_; }
  Ledger& ledger() { return ledger_; }
  Cycle writes_visible() const { return writes_visible_; }

 private:
  void check(const isa::VxuCommand& command) const;
  // Beats of a pass, and the cycles of one: what its operation needs, and with the slowest operand's banks.
  struct Beats {
    std::uint64_t count, operation, with_banks;
  };
  Beats beats(const isa::VxuCommand& command) const;
  std::uint64_t bank_cycles(const isa::VxuCommand& command, std::uint64_t rows) const;
  Cycle pass_ports(const isa::VxuCommand& command, Cycle begin, Cycle cycles);
  void account(Cycle begin, Cycle end, const Beats& beats, std::uint64_t elements);
  void run_values(const isa::VxuCommand& command);

  const Machine& machine_;
  memory::LocalMemory& local_;
  VxuCounters counters_;
  Ledger ledger_;
  WorkSplit split_;  // a slot: a lane for a cycle
  Cycle writes_visible_;
};

}  // namespace assay::core
