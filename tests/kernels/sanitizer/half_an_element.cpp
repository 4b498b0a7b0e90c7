// expect: misaligned
// A transfer ends in the middle of an element.
#include "steps.hpp"

KERNEL {
  dma_in({a, 0, kTensor FAULT(-2), 1, 0, 0});  // <--
}
