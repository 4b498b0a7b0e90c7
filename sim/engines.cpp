#include "sim/engines.hpp"

#include <algorithm>

namespace assay::sim {
// ----------------------------------------------------------------------------------------------- MXU

Cycle MxuModule::launch(CommandRecord& record, Cycle ready) {
  const auto& command = std::get<isa::MxuCommand>(record.command);
  const core::CommandTimes times = unit_.execute(command, ready);
  record.start = times.start;
  record.end = times.end;
  executed(record);
  return times.next_accept;
}

// Before a gap the queue moved on while the loader was still busy: an mxu.load holds the array up by its load
// alone. A gap in which nothing was queued begins with the drain.
void MxuModule::account_gap(const Gap& gap) {
  ledger().mark(gap.from, core::Owner::stall_load);
  if (gap.owner == core::Owner::stall_host)
    ledger().mark(std::min(gap.to, unit_.drained()), core::Owner::drain);
  ledger().mark(gap.to, gap.owner);
}

void MxuModule::close(core::Ledger& books, Cycle total) const {
  books.mark(unit_.drained(), core::Owner::drain);
  EngineModule::close(books, total);
}

// ----------------------------------------------------------------------------------------------- VXU

Cycle VxuModule::launch(CommandRecord& record, Cycle ready) {
  const core::CommandTimes times = unit_.execute(std::get<isa::VxuCommand>(record.command), ready);
  record.start = times.start;
  record.end = times.end;
  executed(record);
  return times.next_accept;
}

}  // namespace assay::sim
