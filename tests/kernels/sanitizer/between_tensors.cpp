// expect: outside-tensor
// A stray pointer into HBM that belongs to no tensor.
#include "steps.hpp"

KERNEL {
  load(FAULT(y + 64 * kTensor) MEND(a), 0);  // <--
}
