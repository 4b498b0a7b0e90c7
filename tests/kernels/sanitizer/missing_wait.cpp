// expect: race-read-after-write
// The product does not wait for its operands.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  load(b, kTensor);
  signal(kDmaIn, 0);
  MEND(wait(kMxu, 0);)
  multiply(0, kTensor, acc(0));  // <--
  FAULT(wait(kMxu, 0);)
}
