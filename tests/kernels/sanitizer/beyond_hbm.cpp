// expect: out-of-bounds
// An address sign-extended once too often.
#include "steps.hpp"

KERNEL {
  load(a FAULT(+(u64{1} << 62)), 0);  // <--
}
