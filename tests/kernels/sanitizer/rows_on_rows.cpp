// expect: self-overlap
// The rows of one transfer lie upon one another.
#include "steps.hpp"

KERNEL {
  dma_in({a, 0, kRow, kSide, kRow, kRow FAULT(/ 2)});  // <--
}
