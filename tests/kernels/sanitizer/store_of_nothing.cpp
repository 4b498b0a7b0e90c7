// expect: uninitialised-spm
// A result is stored from a buffer that nothing filled.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  fence();
  store(y, FAULT(kTensor) MEND(0));  // <--
}
