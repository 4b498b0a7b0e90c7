// Writes every result but the last byte.
#include "ops/device/device.hpp"

extern "C" uint32_t assay_kernel(const assay_args* args) {
  const assay_tensor& y = args->tensors[2];
  const uint32_t bytes = static_cast<uint32_t>(y.dims[0] * y.dims[1]) * device::element_bytes(y.dtype);
  device::dma_out({y.address, 0, bytes - 1, 1, 0, 0});
  assay_fence_ai(15);
  return 0;
}
