#include "sim/dma_module.hpp"

#include <algorithm>

namespace assay::sim {

DmaModule::DmaModule(sc_core::sc_module_name name, bool to_hbm, const Machine& machine,
                     memory::LocalMemory& local, HbmModule& hbm, SemaphoreModule& semaphores,
                     Supervision& supervision)
    : EngineModule(name, to_hbm ? Phase::dma_out : Phase::dma_in, machine, semaphores, supervision),
      to_hbm_(to_hbm),
      machine_(machine),
      local_(local),
      hbm_(hbm),
      timing_(machine, to_hbm) {
  hbm_.attach(to_hbm ? memory::Port::dma_out : memory::Port::dma_in, *this);
}

void DmaModule::prepare(CommandRecord& record) {
  const auto& command = std::get<isa::DmaCommand>(record.command);
  if (command.gather && core::check_gather(command, local_).empty())
    record.index = core::read_index(command, local_);
}

Cycle DmaModule::launch(CommandRecord& record, Cycle ready) {
  const auto& command = std::get<isa::DmaCommand>(record.command);
  std::string problem = core::check_gather(command, local_);
  if (!problem.empty()) throw core::CommandFault(problem);
  const core::Transfer transfer = core::make_transfer(command, to_hbm_, record.index);
  problem = core::check(transfer, local_, hbm_.direct());
  if (!problem.empty()) throw core::CommandFault(problem);
  if (command.gather) {
    gathered_ = true;
    local_.reads(command.index_addr).book(ready, ready, record.index.size() * sizeof record.index[0]);
  }
  record.start = ready;
  const Cycle begin = ready + Cycle(machine_.dma.setup_cycles);
  if (!moving(ready)) ledger_.mark(begin, core::Owner::setup);
  under_way_.push_back({&record, transfer.local, 0, false, begin, 0});
  if (to_hbm_ && local_.has_values()) core::move_values(transfer, local_, hbm_.direct());
  const std::uint64_t requests = counters_.requests;
  const Cycle issued = issue_requests(transfer, begin);
  record.requests = counters_.requests - requests;
  if (!to_hbm_ && local_.has_values()) core::move_values(transfer, local_, hbm_.direct());
  under_way_.back().issued = true;
  ++counters_.transfers;
  counters_.bytes += Bytes(transfer.bytes());
  settle();
  return issued;
}

// Puts every request of the transfer on the fabric; returns when the last one has left.
Cycle DmaModule::issue_requests(const core::Transfer& transfer, Cycle begin) {
  core::RequestWalk walk(transfer,
                         std::min(hbm_.dram().map().interleave_bytes(), machine_.dma.request_bytes));
  core::RequestWalk::Request request{};
  Cycle at = begin;
  while (walk.next(request)) at = issue(request, at);
  return at + Cycle(1);
}

// One request, at `at` or as soon as there is room for it; returns when.
Cycle DmaModule::issue(const core::RequestWalk::Request& request, Cycle at) {
  const core::DmaTiming::Target target{hbm_.dram().channel_of(request.offset),
                                       hbm_.dram().accesses(request.offset, request.bytes)};
  std::optional<core::DmaTiming::Issue> issue;
  while (!(issue = timing_.next_issue(at, target))) wait(answered_);
  ledger_.mark(at, core::Owner::useful);
  ledger_.mark(issue->at, issue->waited);
  if (issue->at >= current_cycle() + hbm_.lookahead()) wait_until(issue->at, phase());
  timing_.issued(issue->at, request.bytes, target);
  if (free_requests_.empty()) {
    free_requests_.push_back(requests_.size());
    requests_.emplace_back();
  }
  const std::uint64_t id = free_requests_.back();
  free_requests_.pop_back();
  requests_[id] = {settled_ + under_way_.size() - 1, target, request.bytes};
  ++under_way_.back().left;
  ++counters_.requests;
  if (to_hbm_) local_.reads(under_way_.back().local).book(issue->at, issue->at, request.bytes);
  hbm_.issue(to_hbm_ ? memory::Port::dma_out : memory::Port::dma_in, issue->at,
             {id, request.offset, request.bytes, to_hbm_});
  return issue->at;
}

void DmaModule::answered(const memory::PortAnswer& answer) {
  const Request request = requests_[answer.id];
  if (answer.kind != memory::ChannelAnswer::Kind::write_taken) {
    timing_.credited(answer.credit, request.target);
    free_requests_.push_back(answer.id);
  }
  if (answer.kind != memory::ChannelAnswer::Kind::write_drained) {
    const Cycle reach = answer.reach + jitter().next();
    timing_.reached(reach, core::owner_of(answer));
    UnderWay& transfer = under_way_[request.transfer - settled_];
    if (reach >= transfer.last) transfer.record->held = core::owner_of(answer);
    transfer.last = std::max(transfer.last, reach);
    if (!to_hbm_) local_.writes(transfer.local).book(reach, reach, request.bytes);
    --transfer.left;
    settle();
  }
  answered_.notify(sc_core::SC_ZERO_TIME);
}

// Ends what has all its answers, in order.
void DmaModule::settle() {
  while (!under_way_.empty()) {
    UnderWay& first = under_way_.front();
    if (first.record != nullptr && (!first.issued || first.left > 0)) return;
    visible_ = std::max(visible_, first.last);
    if (first.record == nullptr) {
      post(first.semaphore, visible_);
    } else {
      first.record->end = visible_;
      executed(*first.record);
    }
    under_way_.pop_front();
    ++settled_;
  }
  tell_idle();
}

void DmaModule::signal(std::uint32_t semaphore, Cycle now) {
  under_way_.push_back({nullptr, {}, 0, true, now, semaphore});
  settle();
}

// Bytes are in flight until the last answer: that time is useful, whoever the queue waits for.
void DmaModule::account_gap(const Gap& gap) {
  ledger_.mark(moving(gap.to) ? gap.to : timing_.last_done(), core::Owner::useful);
  ledger_.mark(gap.to, gap.owner);
}

void DmaModule::close(core::Ledger& books, Cycle total) const {
  books.mark(std::min(total, timing_.last_done()), core::Owner::useful);
  EngineModule::close(books, total);
}

}  // namespace assay::sim
