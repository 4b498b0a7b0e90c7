// expect: input-overwritten
// The result goes where an operand lies.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  signal(kDmaIn, 0);
  wait(kDmaOut, 0);
  store(FAULT(a) MEND(y), 0);  // <--
}
