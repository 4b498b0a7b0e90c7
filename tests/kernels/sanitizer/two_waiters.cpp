// expect: semaphore-waiters
// Two engines wait for one semaphore: which of them goes first is chance.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  signal(kDmaIn, 0);
  signal(kDmaIn, 1 FAULT(-1));
  wait(kVxu, 0);
  wait(kDmaOut, 1 FAULT(-1));  // <--
}
