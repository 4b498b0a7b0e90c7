// expect: host-read-race
// The host reads a result without fence.ai.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  signal(kDmaIn, 0);
  wait(kVxu, 0);
  relu(0, kTensor);
  MEND(fence();)
  for (u32 i = 0; i < 10000; ++i) asm volatile("");
  const u32 value = spm_word(kTensor);  // <--
  hbm_word(y) = value;
}
