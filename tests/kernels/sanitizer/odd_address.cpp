// expect: misaligned
// A pass over f32 begins in the middle of one.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  signal(kDmaIn, 0);
  wait(kVxu, 0);
  relu(FAULT(2) MEND(0), kTensor, 8);  // <--
}
