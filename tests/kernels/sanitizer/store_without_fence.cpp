// expect: host-store-race
// The host prepares an operand and launches with no fence between.
#include "steps.hpp"

KERNEL {
  for (u32 i = 0; i < kTensor; i += 4) spm_word(i) = i;
  MEND(asm volatile("fence w, o" ::: "memory");)
  relu(0, kTensor);  // <--
}
