#include "core/mxu/mxu_feed.hpp"

#include <algorithm>

#include "memory/bank_conflicts.hpp"

namespace assay::core {

std::uint64_t feed_cycles(const Machine::LocalMemory& spm, const Feed& feed) {
  const auto stride = static_cast<std::int64_t>(feed.stride);
  if (feed.contiguous_across)
    return memory::conflict_cycles(spm, feed.per_step, feed.across * feed.element, stride).count();
  // All line buffers refill once in `steps` steps, spread over them by the array's skew.
  const std::uint64_t consumed = feed.per_step * feed.element;  // bytes of each buffer a step
  const std::uint64_t refill = memory::conflict_cycles(spm, feed.across, spm.bank_bytes, stride).count();
  return std::max<std::uint64_t>(1, ceil_div(refill * consumed, spm.bank_bytes));
}

}  // namespace assay::core
