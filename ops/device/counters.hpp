// Performance counters for kernels (docs/counters.md): what a stretch of a kernel costs, by event.
#pragma once

#include "isa/events.h"
#include "ops/device/device.hpp"

namespace device {

// The event's count since the start of the run. An engine's counts are those of the commands that it has
// taken up; behind a fence that is all of them. Uses counter 31; an interrupt handler must not.
inline u64 counter(assay_event event) {
  u64 count;
  asm volatile(".option push\n.option arch, +zicsr\ncsrw mhpmevent31, %1\ncsrr %0, mhpmcounter31\n.option pop"
               : "=r"(count)
               : "r"(u64{event})
               : "memory");
  return count;
}

}  // namespace device
