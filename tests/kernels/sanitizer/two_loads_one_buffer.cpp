// expect: overlapping-dma
// Two loads into one buffer: transfers of one queue may overlap.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  MEND(fence();)
  load(b, 512);  // <--
}
