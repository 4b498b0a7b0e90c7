// expect: semaphore-signallers
// Two engines signal one semaphore, so that neither wait says whose data are there.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  signal(kDmaIn, 0);
  wait(kVxu, 0);
  relu(0, kTensor);
  signal(kVxu, 1 FAULT(-1));  // <--
  wait(kVxu, 1 FAULT(-1));
}
