// Moves every byte that the problem asks for, and multiplies nothing.
#include "ops/device/device.hpp"

extern "C" uint32_t assay_kernel(const assay_args* args) {
  const assay_tensor &a = args->tensors[0], &b = args->tensors[1], &y = args->tensors[2];
  const auto bytes = [](const assay_tensor& t) {
    return static_cast<uint32_t>(t.dims[0] * t.dims[1]) * device::element_bytes(t.dtype);
  };
  device::dma_in({a.address, 0, bytes(a), 1, 0, 0});
  device::dma_in({b.address, bytes(a), bytes(b), 1, 0, 0});
  assay_fence_ai(15);
  device::dma_out({y.address, 0, bytes(y), 1, 0, 0});
  assay_fence_ai(15);
  return 0;
}
