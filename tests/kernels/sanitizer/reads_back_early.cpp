// expect: overlapping-dma
// A result is read back before its store is known to be complete.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  signal(kDmaIn, 0);
  wait(kDmaOut, 0);
  store(y, 0);
  signal(kDmaOut, 1);
  MEND(wait(kDmaIn, 1);)
  load(y, kTensor);  // <--
  FAULT(wait(kDmaIn, 1);)
}
