// What the ports of SPM or of ACC carry, and who gives way.
//
// Every bank has one read and one write port a cycle, so that all together carry `banks x bank_bytes` each
// way. Streams of different engines that sweep the banks meet now and then; a few words of buffer on each
// side let them pass, as long as together they do not ask for more than there is. So what counts is the sum,
// in windows of time: the array cannot wait and transfers come from a link that does not, so both book what
// they need; a vector pass takes what they leave, and lasts longer where that is too little. Patterns that
// crowd into few banks cost their own unit more than that: bank_conflicts.hpp.
#pragma once

#include <cstdint>
#include <deque>

#include "base/units.hpp"

namespace assay::memory {

class PortUse {
 public:
  static constexpr std::uint64_t kWindow = 32;  // cycles

  explicit PortUse(std::uint64_t bytes_per_cycle) : window_bytes_(bytes_per_cycle * kWindow) {}

  // `bytes` pass evenly between two cycles (at least one), whatever else does.
  void book(Cycle from, Cycle to, std::uint64_t bytes);
  // `bytes` would pass evenly in `cycles` from `from` on; returns when they have, with what is booked in
  // their way, and books them. Calls do not go back in time, and forget what lies before them.
  Cycle fit(Cycle from, Cycle cycles, std::uint64_t bytes);

 private:
  static constexpr std::size_t kAhead = 1 << 20;  // windows that are kept

  std::uint64_t& window(std::uint64_t index);

  std::uint64_t window_bytes_;
  std::uint64_t first_ = 0;         // the number of the first window kept
  std::deque<std::uint64_t> used_;  // bytes
  std::uint64_t beyond_ = 0;        // of windows that are not kept
};

}  // namespace assay::memory
