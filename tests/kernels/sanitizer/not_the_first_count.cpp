// expect: race-read-after-write
// Two loads signal one semaphore; the consumer of the second counts to one.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  signal(kDmaIn, 0);
  load(b, kTensor);
  signal(kDmaIn, 0);
  wait(kVxu, 0);
  MEND(wait(kVxu, 0);)
  relu(kTensor, 2 * kTensor);  // <--
  FAULT(wait(kVxu, 0);)
}
