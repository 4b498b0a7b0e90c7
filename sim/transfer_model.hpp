// When transfers leave and end on a machine with other resources: a model for the what-if, far simpler than
// the memory, that takes from a run only how much slower than its pins the memory was.
//
// A request leaves over its engine's link (`fabric.bytes_per_cycle`), while the engine has a place for it
// (`dma.outstanding_requests`) and the memory's queues have. The memory is one server for both engines. A
// read passes after those before it. A write is taken at once, and carried out while no read comes, or before
// any read once the queue is nearly full. A byte takes the pins' time x `loss`: rows, turns, refresh. A read
// transfer waits at its end for the slowest channel.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/machine.hpp"
#include "sim/platform.hpp"

namespace assay::sim {

struct TransferCost {
  std::uint64_t requests = 1;
  double bytes = 0;  // of a request
};

class TransferModel {
 public:
  // `loss`: at least 1.
  TransferModel(const Machine& machine, double loss);

  void start(std::size_t engine, const TransferCost& cost, double head);
  bool active(std::size_t engine) const { return flows_[engine].left > 0; }
  // When its next request may leave; both engines' requests are issued in the order of these times.
  Cycle next(std::size_t engine) const;
  void issue(std::size_t engine);
  // Of the transfer whose last request has left.
  Cycle accept(std::size_t engine) const;
  Cycle end(std::size_t engine) const;

 private:
  struct Flow {
    TransferCost cost;
    std::uint64_t left = 0;  // requests
    double at = 0, link_free = 0, answered = 0, tail = 0;
    std::deque<double> answers;  // of the last requests
  };
  double read(double arrival, double time);
  double slowest_channel(std::uint64_t requests) const;
  void take(double arrival, double time);
  void write_until(double arrival);
  void write();

  const Machine& machine_;
  double byte_cycles_, latency_, refresh_;  // cycles; refresh_: of a channel, 0 where banks refresh alone
  std::size_t places_;                      // in the memory's queues, for requests of one kind
  std::array<Flow, 2> flows_;
  double server_free_ = 0;
  std::deque<double> to_write_,
      written_;  // times that writes in the queue will take; when the last ones left it
};

// Of every transfer of a run, by position in its log.
std::vector<TransferCost> transfer_costs(const RunResult& run);

}  // namespace assay::sim
