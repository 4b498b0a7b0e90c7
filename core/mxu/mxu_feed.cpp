#include "core/mxu/mxu_feed.hpp"

#include <algorithm>

#include "memory/bank_conflicts.hpp"

namespace assay::core {

std::uint64_t feed_cycles(const Machine::LocalMemory& spm, const Feed& feed) {
  const auto stride = static_cast<std::int64_t>(feed.stride);
  if (feed.contiguous_across)
    return memory::conflict_cycles(spm, feed.per_step, storage_bytes(feed.type, feed.across), stride).count();
  // All line buffers refill once in `steps` steps, spread over them by the array's skew.
  const std::uint64_t refill = memory::conflict_cycles(spm, feed.across, spm.bank_bytes, stride).count();
  return std::max<std::uint64_t>(
      1, ceil_div(refill * feed.per_step * bits_of(feed.type), 8 * std::uint64_t{spm.bank_bytes}));
}

std::uint64_t feed_cycles(const Machine::LocalMemory& spm, const PatternFeed& feed) {
  constexpr std::size_t kSample = 256;
  const std::size_t sample = std::min(feed.along.size(), kSample);
  const std::size_t together = std::min<std::size_t>(feed.per_step, sample);
  std::vector<std::int64_t> step;
  for (const std::int64_t place : feed.across)
    for (std::size_t i = 0; i < together; ++i) step.push_back(place + feed.along[i]);
  const std::uint64_t by_step = memory::conflict_cycles(spm, std::move(step)).count();
  if (by_step == 1) return 1;
  std::uint64_t refills = 0;
  std::int64_t word = -1;
  for (std::size_t i = 0; i < sample; ++i) {
    const std::int64_t next =
        (feed.across.front() + feed.along[i]) / static_cast<std::int64_t>(spm.bank_bytes);
    refills += next != word ? 1 : 0;
    word = next;
  }
  const std::uint64_t refill = memory::conflict_cycles(spm, feed.across).count();
  const std::uint64_t buffered = ceil_div(refill * refills, ceil_div(sample, feed.per_step));
  return std::max<std::uint64_t>(1, std::min(by_step, buffered));
}

}  // namespace assay::core
