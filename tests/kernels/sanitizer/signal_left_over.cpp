// expect: semaphore-leak
// A signal that no one waits for.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  signal(kDmaIn, 3);  // <--
  MEND(wait(kVxu, 3);)
}
