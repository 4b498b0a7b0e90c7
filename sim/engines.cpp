#include "sim/engines.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay::sim {
namespace {

// A DMA thread wakes at most this often to issue requests: those that fall into one window are issued
// together, each with its own time. Part of the model: it bounds by how much the two DMA engines'
// requests may reach HBM out of order.
constexpr Cycle kIssueWindow{16};

}  // namespace

// ----------------------------------------------------------------------------------------------- DMA

DmaModule::DmaModule(sc_core::sc_module_name name, bool to_hbm, const Machine& machine,
                     memory::LocalMemory& local, HbmModule& hbm, SemaphoreModule& semaphores,
                     Supervision& supervision)
    : EngineModule(name, to_hbm ? Phase::dma_out : Phase::dma_in, machine, semaphores, supervision),
      socket("socket"),
      to_hbm_(to_hbm),
      machine_(machine),
      local_(local),
      hbm_(hbm),
      timing_(machine) {}

Cycle DmaModule::launch(CommandRecord& record, Cycle ready) {
  const auto& command = std::get<isa::DmaCommand>(record.command);
  const core::Transfer transfer = core::make_transfer(command, to_hbm_);
  const std::string problem = core::check(transfer, local_, hbm_.direct());
  if (!problem.empty()) throw core::CommandFault(problem);
  record.start = ready;
  const Cycle begin = ready + Cycle(machine_.dma.setup_cycles);
  if (timing_.last_done() <= ready) ledger_.mark(begin, core::Owner::setup);
  if (to_hbm_ && local_.has_values()) core::move_values(transfer, local_, hbm_.direct());
  const std::uint64_t requests = counters_.requests;
  const Cycle issued = issue_requests(transfer, begin);
  record.requests = counters_.requests - requests;
  if (!to_hbm_ && local_.has_values()) core::move_values(transfer, local_, hbm_.direct());
  record.end = timing_.last_done();
  ++counters_.transfers;
  counters_.bytes += Bytes(transfer.bytes());
  return issued;
}

// Puts every request of the transfer on the fabric; returns when the last one has left.
Cycle DmaModule::issue_requests(const core::Transfer& transfer, Cycle begin) {
  core::RequestWalk walk(transfer, std::min(hbm_.timing().interleave_bytes(), machine_.dma.request_bytes));
  core::RequestWalk::Request request{};
  const Cycle latency(machine_.fabric.latency_cycles);
  Cycle at = begin;
  while (walk.next(request)) {
    at = timing_.next_issue(at);
    if (at >= current_cycle() + kIssueWindow) wait_until(at, phase());
    const Cycle done =
        hbm_request(socket, at, latency, request.offset, request.bytes, to_hbm_, nullptr) + jitter().next();
    timing_.issued(at, request.bytes, done);
    ++counters_.requests;
  }
  return at + Cycle(1);
}

// Bytes are in flight until the last answer: that time is busy whoever the queue waits for.
void DmaModule::account_gap(const Gap& gap) {
  ledger_.mark(std::min(gap.to, timing_.last_done()), core::Owner::useful);
  ledger_.mark(gap.to, gap.owner);
}

void DmaModule::finish(Cycle total) {
  ledger_.mark(timing_.last_done(), core::Owner::useful);
  EngineModule::finish(total);
}

// ----------------------------------------------------------------------------------------------- MXU

Cycle MxuModule::launch(CommandRecord& record, Cycle ready) {
  const auto& command = std::get<isa::MxuCommand>(record.command);
  const core::CommandTimes times = unit_.execute(command, ready);
  record.start = times.start;
  record.end = times.end;
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

void MxuModule::finish(Cycle total) {
  ledger().mark(unit_.drained(), core::Owner::drain);
  EngineModule::finish(total);
}

// ----------------------------------------------------------------------------------------------- VXU

Cycle VxuModule::launch(CommandRecord& record, Cycle ready) {
  const core::CommandTimes times = unit_.execute(std::get<isa::VxuCommand>(record.command), ready);
  record.start = times.start;
  record.end = times.end;
  return times.next_accept;
}

}  // namespace assay::sim
