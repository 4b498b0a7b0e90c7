// expect: race-write-after-read
// The next load does not wait until the product has used its buffer.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  load(b, kTensor);
  signal(kDmaIn, 0);
  wait(kMxu, 0);
  multiply(0, kTensor, acc(0));
  signal(kMxu, 1);
  fence();
  load(a, 0);
  signal(kDmaIn, 0);
  wait(kMxu, 0);
  multiply(0, kTensor, acc(0));
  signal(kMxu, 1);
  wait(kDmaIn, 1);
  MEND(wait(kDmaIn, 1);)
  load(b, 0);  // <--
  FAULT(wait(kDmaIn, 1);)
}
