// What watches over a run beside the machine itself: the place that keeps its fault, the kernel sanitizer,
// traces and debuggers, and the jitter with which a test shakes the machine's timing.
#pragma once

#include <cstdint>
#include <memory>

#include "base/units.hpp"
#include "sim/fault.hpp"
#include "sim/observer.hpp"
#include "sim/sanitizer/sanitizer.hpp"

namespace assay::sim {

// Extra latencies, drawn from a seed: none with seed 0. A right kernel gives the same results under any.
class Jitter {
 public:
  static constexpr std::uint64_t kMost = 200;  // cycles

  explicit Jitter(std::uint64_t seed) : enabled_(seed != 0), state_(seed) {}

  // Mostly nothing, now and then up to kMost cycles.
  Cycle next() {
    if (!enabled_) return Cycle(0);
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15U);  // SplitMix64
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
    z = (z ^ z >> 27) * 0x94D049BB133111EBU;
    z ^= z >> 31;
    return Cycle(z % 4 == 0 ? z / 4 % (kMost + 1) : 0);
  }

 private:
  bool enabled_;
  std::uint64_t state_;
};

struct Supervision {
  FaultSink faults;
  std::unique_ptr<Sanitizer> sanitizer;  // null: off
  Jitter jitter{0};
  Observers observers;
};

}  // namespace assay::sim
