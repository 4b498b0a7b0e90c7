// expect: uninitialised-acc
// The first product already accumulates.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  load(b, kTensor);
  signal(kDmaIn, 0);
  wait(kMxu, 0);
  multiply(0, kTensor, acc(0), FAULT(true) MEND(false));  // <--
  multiply(0, kTensor, acc(0), true);
}
