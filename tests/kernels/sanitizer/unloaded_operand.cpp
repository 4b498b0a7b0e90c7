// expect: uninitialised-spm
// The second operand was never loaded.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  MEND(load(b, kTensor);)
  signal(kDmaIn, 0);
  wait(kMxu, 0);
  multiply(0, kTensor, acc(0));  // <--
}
