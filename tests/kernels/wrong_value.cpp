// Writes the first bytes of A as the result, after the right work in the right amount was not done.
#include "ops/device/device.hpp"

extern "C" uint32_t assay_kernel(const assay_args* args) {
  const assay_tensor &a = args->tensors[0], &b = args->tensors[1], &y = args->tensors[2];
  const uint32_t element = device::element_bytes(a.dtype);
  const uint32_t m = static_cast<uint32_t>(a.dims[0]), k = static_cast<uint32_t>(a.dims[1]);
  const uint32_t n = static_cast<uint32_t>(b.dims[1]);
  device::dma_in({a.address, 0, k * element, m, k * element, k * element});
  device::dma_in({b.address, 4096, n * element, k, n * element, n * element});
  assay_fence_ai(15);
  // The products are formed, as the laws demand, but with A in the place of B.
  assay_cfg2_mxu_format(assay_pack_mxu_format(a.dtype, 0, 0, 0, 0), assay_pack_mxu_size(m, n, k));
  assay_cfg2_mxu_strides(assay_pack_mxu_strides(k * element, n * element), assay_pack_mxu_acc(n * 4));
  assay_mxu_ws(0, 0, device::acc(0));
  assay_fence_ai(15);
  device::dma_out({y.address, device::acc(0), n * 4, m, n * 4, n * 4});
  assay_fence_ai(15);
  return 0;
}
