// expect: uninitialised-spm
// The pass takes one row more than was loaded.
#include "steps.hpp"

KERNEL {
  load(a, 0, 8);
  signal(kDmaIn, 0);
  wait(kVxu, 0);
  relu(0, kTensor, FAULT(9) MEND(8));  // <--
}
