#include "memory/interconnect.hpp"

#include <algorithm>
#include <tuple>

namespace assay::memory {

Interconnect::Interconnect(const Machine& machine, DramObserver* observer)
    : dram_(machine.hbm, machine.freq_mhz, observer),
      latency_(machine.fabric.latency_cycles),
      requests_(machine.fabric.bytes_per_cycle),
      responses_(machine.fabric.bytes_per_cycle) {}

void Interconnect::issue(Port port, Cycle at, const DramRequest& request) {
  issued_[static_cast<std::size_t>(port)].push_back({at, request});
}

bool Interconnect::busy() const {
  const bool issued =
      std::any_of(issued_.begin(), issued_.end(), [](const auto& queue) { return !queue.empty(); });
  return issued || !travelling_.empty() || !held_.empty() || dram_.busy();
}

void Interconnect::advance(Cycle now, std::vector<PortAnswer>& answers) {
  const Cycle horizon = now + latency_;
  send(now);
  std::size_t sent = 0;
  for (; sent < travelling_.size() && travelling_[sent].arrival < horizon; ++sent)
    dram_.submit(travelling_[sent].arrival, travelling_[sent].request);
  travelling_.erase(travelling_.begin(), travelling_.begin() + static_cast<std::ptrdiff_t>(sent));
  dram_.advance(horizon, held_);
  receive(horizon, answers);
}

// Puts everything issued before `now` on the link, by time and then by port.
void Interconnect::send(Cycle now) {
  const std::size_t before = travelling_.size();
  for (;;) {
    std::size_t first = kPorts;
    for (std::size_t p = 0; p < kPorts; ++p)
      if (!issued_[p].empty() && issued_[p].front().at < now &&
          (first == kPorts || issued_[p].front().at < issued_[first].front().at))
        first = p;
    if (first == kPorts) break;
    Issued next = issued_[first].front();
    issued_[first].pop_front();
    if (free_ways_.empty()) {
      free_ways_.push_back(ways_.size());
      ways_.emplace_back();
    }
    const std::uint64_t way = free_ways_.back();
    free_ways_.pop_back();
    ways_[way] = {static_cast<Port>(first), next.request.id, next.request.bytes};
    next.request.id = way;
    const Cycle leaves = next.request.write ? requests_.pass(next.at, next.request.bytes) : next.at;
    travelling_.push_back({leaves + latency_, next.request});
  }
  if (travelling_.size() > before)
    std::stable_sort(travelling_.begin(), travelling_.end(),
                     [](const Travelling& a, const Travelling& b) { return a.arrival < b.arrival; });
}

// Sends back every answer that none can precede any more.
void Interconnect::receive(Cycle horizon, std::vector<PortAnswer>& answers) {
  const auto last =
      std::partition(held_.begin(), held_.end(), [horizon](const DramAnswer& a) { return a.done < horizon; });
  std::sort(held_.begin(), last, [this](const DramAnswer& a, const DramAnswer& b) {
    const Way &x = ways_[a.id], &y = ways_[b.id];
    return std::tie(a.done, x.port, x.id, a.kind) < std::tie(b.done, y.port, y.id, b.kind);
  });
  for (auto a = held_.begin(); a != last; ++a) answers.push_back(answer(*a));
  held_.erase(held_.begin(), last);
}

PortAnswer Interconnect::answer(const DramAnswer& from) {
  const Way& way = ways_[from.id];
  PortAnswer answer{way.port,   way.id, from.kind, from.done + latency_, from.freed + latency_,
                    from.cause, false};
  if (from.kind == ChannelAnswer::Kind::read) {
    const Cycle passed = responses_.pass(from.done, way.bytes);
    answer.link = passed > from.done;
    answer.reach = passed + latency_;
  }
  if (from.kind != ChannelAnswer::Kind::write_taken) free_ways_.push_back(from.id);
  return answer;
}

}  // namespace assay::memory
