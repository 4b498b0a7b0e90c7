// expect: overlapping-dma
// The list is still on its way: transfers of one queue overlap. (Its words are those of a zero mantissa.)
#include "steps.hpp"

KERNEL {
  for (u32 i = 0; i < 4; ++i) hbm_word(y + 4 * i) = 3 * i;
  fence();
  dma_in({y, kTensor, 16, 1, 0, 0});
  MEND(fence();)
  dma_gather({{a, 0, kRow, 1, 0, 0}, 4, kRow, kRow, kTensor, kSide});  // <--
  MEND(fence();)
}
