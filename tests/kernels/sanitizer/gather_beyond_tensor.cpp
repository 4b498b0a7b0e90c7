// expect: crosses-tensor
// The limit allows an index that leads into the next tensor.
#include "steps.hpp"

KERNEL {
  spm_word(kTensor) = 3;
  spm_word(kTensor + 4) = FAULT(kSide - 1) MEND(kSide - 2);
  asm volatile("fence w, o" ::: "memory");
  dma_gather({{a, 0, kRow, 2, kRow, kRow}, 2, kRow, 2 * kRow, kTensor, kSide});  // <--
}
