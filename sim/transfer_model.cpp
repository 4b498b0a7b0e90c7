#include "sim/transfer_model.hpp"

#include <algorithm>
#include <cmath>

#include "core/dma/transfer.hpp"

namespace assay::sim {
namespace {

constexpr std::size_t kDmaOut = static_cast<std::size_t>(isa::Engine::dma_out);

double cycles(Cycle c) { return static_cast<double>(c.count()); }
Cycle whole(double c) { return Cycle(static_cast<std::uint64_t>(std::llround(std::max(0.0, c)))); }

double in_cycles(const Machine& machine, double ns) { return ns * machine.freq_mhz / 1000.0; }

// A request's way through the memory when nothing else is there: activate, read, its bytes over the pins of
// one channel; and the channel's refresh, by its chance.
double latency_of(const Machine& machine) {
  const HbmTable& table = machine.hbm.table;
  const double refresh =
      machine.hbm.per_bank_refresh() ? 0 : table.tRFC_ns * table.tRFC_ns / table.tREFI_ns / 2;
  const double channel = machine.hbm_bytes_per_cycle() / table.channels();
  return in_cycles(machine, table.tRCDRD_ns + table.tCL_ns + refresh) + machine.dma.request_bytes / channel;
}

}  // namespace

TransferModel::TransferModel(const Machine& machine, double loss)
    : machine_(machine),
      byte_cycles_(loss / machine.hbm_bytes_per_cycle()),
      latency_(latency_of(machine)),
      refresh_(machine.hbm.per_bank_refresh() ? 0 : in_cycles(machine, machine.hbm.table.tRFC_ns)),
      places_(std::size_t{machine.hbm.table.channels()} * machine.hbm.table.burst_bytes() *
              machine.hbm.controller.write_queue / machine.dma.request_bytes) {}

void TransferModel::start(std::size_t engine, const TransferCost& cost, double head) {
  Flow& flow = flows_[engine];
  flow.cost = cost;
  flow.left = cost.requests;
  flow.at = head + machine_.dma.setup_cycles;
  flow.answered = 0;
  flow.tail = engine == kDmaOut ? 0 : slowest_channel(cost.requests);
}

// A transfer's data are there with those of the slowest channel: of the channels that it touches, some
// refresh, and the longest of m such waits is m / (m + 1) of a refresh.
double TransferModel::slowest_channel(std::uint64_t requests) const {
  const HbmTable& table = machine_.hbm.table;
  const double touched = static_cast<double>(std::min<std::uint64_t>(requests, table.channels()));
  const double refreshing = touched * table.tRFC_ns / table.tREFI_ns;
  return refresh_ * refreshing / (refreshing + 1);
}

// A request waits for its engine's link, for a place among the engine's requests, and for one in the memory's
// queue.
Cycle TransferModel::next(std::size_t engine) const {
  const Flow& flow = flows_[engine];
  double at = std::max(flow.at, flow.link_free);
  const auto wait_for = [&at](const std::deque<double>& times, std::size_t places) {
    if (times.size() >= places) at = std::max(at, times[times.size() - places]);
  };
  std::size_t places = machine_.dma.outstanding_requests;
  if (engine == kDmaOut) wait_for(written_, std::max(to_write_.size() + 1, places_) - to_write_.size());
  else places = std::min(places, places_);
  wait_for(flow.answers, places);
  return Cycle(static_cast<std::uint64_t>(at));
}

void TransferModel::issue(std::size_t engine) {
  Flow& flow = flows_[engine];
  flow.at = cycles(next(engine));
  flow.link_free = std::max(flow.link_free, flow.at) + flow.cost.bytes / machine_.fabric.bytes_per_cycle;
  const double fabric = machine_.fabric.latency_cycles, arrival = flow.at + fabric;
  const double time = flow.cost.bytes * byte_cycles_;
  write_until(arrival);
  double answer = arrival + fabric;
  if (engine == kDmaOut) take(arrival, time);
  else answer = read(arrival, time) + fabric;
  flow.answered = std::max(flow.answered, answer);
  flow.answers.push_back(answer);
  if (flow.answers.size() > machine_.dma.outstanding_requests) flow.answers.pop_front();
  --flow.left;
}

double TransferModel::read(double arrival, double time) {
  server_free_ = std::max(server_free_, arrival) + time;
  return server_free_ + latency_;
}

// The queue takes a write; where it is nearly full, the writes are carried out before any read.
void TransferModel::take(double arrival, double time) {
  if (to_write_.empty()) server_free_ = std::max(server_free_, arrival);
  to_write_.push_back(time);
  const Machine::MemoryController& queue = machine_.hbm.controller;
  if (to_write_.size() > places_ * queue.write_high / queue.write_queue)
    while (to_write_.size() > places_ * queue.write_low / queue.write_queue) write();
}

// Writes go on while no read comes.
void TransferModel::write_until(double arrival) {
  while (!to_write_.empty() && server_free_ + to_write_.front() <= arrival) write();
}

void TransferModel::write() {
  server_free_ += to_write_.front();
  to_write_.pop_front();
  written_.push_back(server_free_ + machine_.fabric.latency_cycles);
  if (written_.size() > places_) written_.pop_front();
}

Cycle TransferModel::accept(std::size_t engine) const { return whole(flows_[engine].at + 1); }

Cycle TransferModel::end(std::size_t engine) const {
  return whole(std::ceil(flows_[engine].answered + flows_[engine].tail));
}

std::vector<TransferCost> transfer_costs(const RunResult& run) {
  std::vector<TransferCost> costs(run.log.size());
  for (std::size_t c = 0; c < run.log.size(); ++c) {
    const auto* command = std::get_if<isa::DmaCommand>(&run.log[c].command);
    if (command == nullptr) continue;
    const bool to_hbm = run.log[c].engine == isa::Engine::dma_out;
    costs[c].requests = std::max<std::uint64_t>(1, run.log[c].requests);
    costs[c].bytes = static_cast<double>(core::make_transfer(*command, to_hbm).bytes()) /
                     static_cast<double>(costs[c].requests);
  }
  return costs;
}

}  // namespace assay::sim
