// expect: race-write-after-write
// A load and a pass write one buffer in either order.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  signal(kDmaIn, 0);
  wait(kVxu, 0);
  relu(0, kTensor);
  signal(kVxu, 1);
  MEND(wait(kDmaIn, 1);)
  load(b, kTensor);  // <--
  FAULT(wait(kDmaIn, 1);)
}
