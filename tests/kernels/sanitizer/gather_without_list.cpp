// expect: uninitialised-spm
// Nothing has written the list by which rows are gathered.
#include "steps.hpp"

KERNEL {
  MEND(for (u32 i = 0; i < 4; ++i) spm_word(kTensor + 4 * i) = 3 * i; asm volatile("fence w, o" ::: "memory");)
  dma_gather({{a, 0, kRow, 1, 0, 0}, 4, kRow, kRow, kTensor, kSide});  // <--
}
