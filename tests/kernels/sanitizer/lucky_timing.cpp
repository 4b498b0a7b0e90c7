// expect: race-read-after-write
// The wait is for another engine; the data are there in time by luck alone.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  signal(kDmaIn, 0);
  wait(kVxu, 0);
  relu(0, kTensor);
  signal(kVxu, 1);
  MEND(fence();)
  for (u32 i = 0; i < 10000; ++i) asm volatile("");
  wait(kVxu, 1);
  store(y, kTensor);  // <--
}
