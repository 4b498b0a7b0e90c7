#include "core/dma/dma_timing.hpp"

#include <algorithm>

namespace assay::core {

Cycle DmaTiming::next_issue(Cycle now) const {
  Cycle at = std::max(now, Cycle(link_free_ / machine_.fabric.bytes_per_cycle));
  if (under_way_.size() >= machine_.dma.outstanding_requests)
    at = std::max(at, under_way_[under_way_.size() - machine_.dma.outstanding_requests]);
  return at;
}

void DmaTiming::issued(Cycle at, std::uint64_t bytes, Cycle done) {
  link_free_ = std::max(link_free_, at.count() * machine_.fabric.bytes_per_cycle) + bytes;
  last_done_ = std::max(last_done_, done);
  under_way_.push_back(last_done_);
  while (under_way_.size() > machine_.dma.outstanding_requests) under_way_.pop_front();
}

}  // namespace assay::core
