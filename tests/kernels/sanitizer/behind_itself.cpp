// expect: deadlock
// The signal stands behind the wait in the same queue.
#include "steps.hpp"

KERNEL {
  FAULT(wait(kVxu, 2);)  // <--
  signal(kVxu, 2);
  MEND(wait(kVxu, 2);)
  fence();
}
