// A gather by a list with an index below 0.
#include "ops/device/device.hpp"

extern "C" uint32_t assay_kernel(const assay_args* args) {
  auto* list = reinterpret_cast<volatile int32_t*>(ASSAY_SPM_BASE);
  list[0] = 3;
  list[1] = -1;
  asm volatile("fence w, o" ::: "memory");
  device::dma_gather({{args->tensors[0].address, 64, 16, 1, 0, 0}, 2, 16, 16, 0, 16});
  assay_fence_ai(15);
  return 0;
}
