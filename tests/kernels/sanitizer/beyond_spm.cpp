// expect: out-of-bounds
// The last row of the pass lies behind the end of SPM.
#include "steps.hpp"

KERNEL {
  const u32 x = machine().spm_bytes - kTensor;
  load(a, x);
  signal(kDmaIn, 0);
  wait(kVxu, 0);
  relu(x, 0, FAULT(17) MEND(16));  // <--
}
