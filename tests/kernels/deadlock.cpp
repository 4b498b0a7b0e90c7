// The matrix unit waits for a semaphore that nobody signals.
#include "ops/device/device.hpp"

extern "C" uint32_t assay_kernel(const assay_args*) {
  assay_sem_wait(ASSAY_ENGINE_mxu, 5);
  assay_fence_ai(15);
  return 0;
}
