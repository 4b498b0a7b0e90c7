#include "core/dma/dma_timing.hpp"

#include <algorithm>

namespace assay::core {

Cycle DmaTiming::next_issue(Cycle now) const {
  Cycle at = std::max(now, Cycle(link_free_ / machine_.fabric.bytes_per_cycle));
  if (answers_.size() >= machine_.dma.outstanding_requests) at = std::max(at, Cycle(answers_.top()));
  return at;
}

void DmaTiming::issued(Cycle at, std::uint64_t bytes, Cycle done) {
  link_free_ = std::max(link_free_, at.count() * machine_.fabric.bytes_per_cycle) + bytes;
  last_done_ = std::max(last_done_, done);
  answers_.push(done.count());
  if (answers_.size() > machine_.dma.outstanding_requests) answers_.pop();
}

}  // namespace assay::core
