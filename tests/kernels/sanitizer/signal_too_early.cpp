// expect: race-read-after-write
// The signal stands before the second of two loads.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  FAULT(signal(kDmaIn, 0);)
  load(b, kTensor);
  MEND(signal(kDmaIn, 0);)
  wait(kMxu, 0);
  multiply(0, kTensor, acc(0));  // <--
}
