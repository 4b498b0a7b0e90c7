// expect: overlapping-dma
// Two stores share a row of the output.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  fence();
  store(y, 0, 9);
  store(y + 8 * kRow FAULT() MEND(+kRow), 0, 7);  // <--
}
