// expect: uninitialised-spm
// The host reads SPM that nothing filled.
#include "steps.hpp"

KERNEL {
  MEND(spm_word(64) = 1;)
  const u32 value = spm_word(64);  // <--
  hbm_word(y) = value;
}
