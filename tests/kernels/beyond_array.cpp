// A stationary tile with more columns than the array has.
#include "ops/device/device.hpp"

extern "C" uint32_t assay_kernel(const assay_args*) {
  const uint32_t cols = device::machine().mxu_cols;
  assay_cfg2_mxu_format(assay_pack_mxu_format(ASSAY_DTYPE_bf16, 0, 0, 0, 0),
                        assay_pack_mxu_size(1, cols + 1, 1));
  assay_cfg2_mxu_strides(assay_pack_mxu_strides(64, 1024), assay_pack_mxu_acc(4096));
  assay_mxu_ws(0, 4096, device::acc(0));
  assay_fence_ai(15);
  return 0;
}
