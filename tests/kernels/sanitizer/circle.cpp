// expect: deadlock
// Each of two engines waits for the other before it signals.
#include "steps.hpp"

KERNEL {
  FAULT(wait(kMxu, 0);)  // <--
  signal(kMxu, 1);
  MEND(wait(kMxu, 0);)
  wait(kVxu, 1);
  signal(kVxu, 0);
}
