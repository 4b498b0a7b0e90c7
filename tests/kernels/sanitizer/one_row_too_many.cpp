// expect: crosses-tensor
// The transfer takes one row more than the tensor has.
#include "steps.hpp"

KERNEL {
  load(a, 0, FAULT(17) MEND(16));  // <--
}
