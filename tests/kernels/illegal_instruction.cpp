// An all-ones custom-0 word: no such AI instruction.
#include "ops/device/device.hpp"

extern "C" uint32_t assay_kernel(const assay_args*) {
  asm volatile(".word 0xfffff00b");
  return 0;
}
