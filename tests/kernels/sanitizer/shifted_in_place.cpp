// expect: self-overlap
// The pass writes its result one row below its operand.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  signal(kDmaIn, 0);
  wait(kVxu, 0);
  relu(0, FAULT(kRow) MEND(kTensor));  // <--
}
