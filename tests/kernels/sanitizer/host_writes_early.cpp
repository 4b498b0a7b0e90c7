// expect: host-write-race
// The host changes an operand that the pass may still read.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  signal(kDmaIn, 0);
  wait(kVxu, 0);
  relu(0, kTensor);
  MEND(fence();)
  for (u32 i = 0; i < 10000; ++i) asm volatile("");
  spm_word(0) = 0;  // <--
}
