// expect: out-of-bounds
// The result tile begins in ACC and ends behind it.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  load(b, kTensor);
  signal(kDmaIn, 0);
  wait(kMxu, 0);
  multiply(0, kTensor, acc(machine().acc_bytes - kTensor FAULT(+4)));  // <--
}
