// expect: deadlock
// A wait for a semaphore that nothing signals.
#include "steps.hpp"

KERNEL {
  MEND(signal(kDmaIn, 5);)
  wait(kDmaOut, 5);  // <--
  fence();
}
