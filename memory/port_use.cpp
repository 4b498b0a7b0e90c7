#include "memory/port_use.hpp"

#include <algorithm>

namespace assay::memory {

std::uint64_t& PortUse::window(std::uint64_t index) {
  if (index < first_ || index - first_ >= kAhead) return beyond_ = 0;
  if (index - first_ >= used_.size()) used_.resize(index - first_ + 1);
  return used_[index - first_];
}

void PortUse::book(Cycle from, Cycle to, std::uint64_t bytes) {
  const std::uint64_t begin = from.count(),
                      cycles = std::max<std::uint64_t>(1, to > from ? (to - from).count() : 0);
  if (begin / kWindow == (begin + cycles - 1) / kWindow) {  // all of it in one window
    if (begin / kWindow < first_ + kAhead) window(begin / kWindow) += bytes;
    return;
  }
  std::uint64_t booked = 0;
  for (std::uint64_t at = begin; at < begin + cycles && at / kWindow < first_ + kAhead;) {
    const std::uint64_t next = std::min(begin + cycles, (at / kWindow + 1) * kWindow);
    const std::uint64_t until_next = bytes * (next - begin) / cycles;
    window(at / kWindow) += until_next - booked;
    booked = until_next;
    at = next;
  }
}

Cycle PortUse::fit(Cycle from, Cycle cycles, std::uint64_t bytes) {
  const std::uint64_t start = from.count() / kWindow;
  while (first_ < start && !used_.empty()) used_.pop_front(), ++first_;
  if (used_.empty()) first_ = std::max(first_, start);

  std::uint64_t at = from.count(), left = bytes;
  while (left > 0) {
    const std::uint64_t span = (at / kWindow + 1) * kWindow - at;
    std::uint64_t& used = window(at / kWindow);
    // What is left of the window, evenly over it.
    const std::uint64_t left_over = used < window_bytes_ ? window_bytes_ - used : 0;
    const std::uint64_t room = std::min(left_over, window_bytes_ / kWindow * span);
    const std::uint64_t moved = std::min({left, room, ceil_div(bytes * span, cycles.count())});
    used += moved;
    left -= moved;
    const std::uint64_t pace = ceil_div(moved * cycles.count(), bytes);
    at += left > 0 ? span : std::max(pace, ceil_div(span * moved, std::max<std::uint64_t>(1, room)));
  }
  return std::max(from + cycles, Cycle(at));
}

}  // namespace assay::memory
