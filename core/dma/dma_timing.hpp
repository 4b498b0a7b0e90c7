// When a DMA engine may put its next request on the fabric.
//
// Requests share a link of `fabric.bytes_per_cycle`; at most `dma.outstanding_requests` may be under
// way, each giving its credit back with its own answer. The fabric adds `fabric.latency_cycles` each way.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

#include "base/machine.hpp"
#include "base/units.hpp"

namespace assay::core {

class DmaTiming {
 public:
  explicit DmaTiming(const Machine& machine) : machine_(machine) {}

  // The first cycle at or after `now` at which a request may be issued.
  Cycle next_issue(Cycle now) const;
  // A request was issued at `at` (as next_issue allowed) and its answer is back at `done`.
  void issued(Cycle at, std::uint64_t bytes, Cycle done);

  Cycle last_done() const { return last_done_; }

 private:
  const Machine& machine_;
  std::uint64_t link_free_ = 0;  // in bytes: cycle * bytes_per_cycle + bytes already sent in that cycle
  // Answers, the earliest on top. At most `outstanding_requests`: those that lie in the past stand for
  // credits that are free.
  std::priority_queue<std::uint64_t, std::vector<std::uint64_t>, std::greater<>> answers_;
  Cycle last_done_;
};

}  // namespace assay::core
