// expect: host-read-race
// The fence names another engine than the one that writes.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  assay_fence_ai(FAULT(1u << kVxu) MEND(1u << kDmaIn));
  for (u32 i = 0; i < 10000; ++i) asm volatile("");
  const u32 value = spm_word(0);  // <--
  hbm_word(y) = value;
}
