// expect: uninitialised-hbm
// The output is read before anything wrote it.
#include "steps.hpp"

KERNEL {
  load(FAULT(y) MEND(a), 0);  // <--
  signal(kDmaIn, 0);
  wait(kDmaOut, 0);
  store(y, 0);
}
