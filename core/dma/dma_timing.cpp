#include "core/dma/dma_timing.hpp"

#include <algorithm>

namespace assay::core {
namespace {

// News comes almost in order of time: its place is at the end, or near it.
template <typename T, typename Time>
void insert_by_time(std::deque<T>& list, T item, Time time) {
  list.push_back(item);
  for (std::size_t i = list.size() - 1; i > 0 && time(list[i]) < time(list[i - 1]); --i)
    std::swap(list[i], list[i - 1]);
}

}  // namespace

DmaTiming::DmaTiming(const Machine& machine, bool to_hbm)
    : width_(machine.fabric.bytes_per_cycle),
      outstanding_(machine.dma.outstanding_requests),
      queue_(to_hbm ? machine.hbm.controller.write_queue : machine.hbm.controller.read_queue),
      credits_(machine.hbm.table.channels()) {}

std::optional<DmaTiming::Issue> DmaTiming::next_issue(Cycle now, const Target& target) {
  Issue issue{std::max({now, from_, Cycle(link_free_ / width_)}), Owner::useful};
  while (!returns_.empty() && returns_.front().at <= issue.at) returns_.pop_front();
  if (unknown_ + returns_.size() >= outstanding_) {
    if (returns_.empty()) return std::nullopt;
    issue = {returns_.front().at, returns_.front().cause};
    from_ = issue.at;
    returns_.pop_front();
  }
  Credits& credits = credits_[target.channel];
  while (!credits.back.empty() &&
         (credits.back.front().first <= issue.at || credits.used + target.accesses > queue_)) {
    if (credits.back.front().first > issue.at)
      issue = {from_ = credits.back.front().first, Owner::stall_hbm_queue};
    credits.used -= credits.back.front().second;
    credits.back.pop_front();
  }
  if (credits.used + target.accesses > queue_) return std::nullopt;
  return issue;
}

void DmaTiming::issued(Cycle at, std::uint64_t bytes, const Target& target) {
  link_free_ = std::max(link_free_, at.count() * width_.number()) + bytes;
  credits_[target.channel].used += target.accesses;
  ++unknown_;
}

void DmaTiming::reached(Cycle reach, Owner cause) {
  --unknown_;
  insert_by_time(returns_, {reach, cause}, [](const Return& r) { return r.at; });
  last_done_ = std::max(last_done_, reach);
}

void DmaTiming::credited(Cycle credit, const Target& target) {
  insert_by_time(credits_[target.channel].back, {credit, target.accesses},
                 [](const auto& c) { return c.first; });
}

Owner owner_of(const memory::PortAnswer& answer) {
  switch (answer.cause) {
    case memory::DramLoss::refresh: return Owner::stall_hbm_refresh;
    case memory::DramLoss::turnaround: return Owner::stall_hbm_turnaround;
    case memory::DramLoss::row:
    case memory::DramLoss::activates:
    case memory::DramLoss::group:
    case memory::DramLoss::command: return Owner::stall_hbm_row;
    case memory::DramLoss::bus:
    case memory::DramLoss::idle: break;
  }
  return answer.link ? Owner::stall_fabric : Owner::stall_hbm_bandwidth;
}

}  // namespace assay::core
