// Legal repeat counts that would keep the array busy for ages.
#include "ops/device/device.hpp"

extern "C" uint32_t assay_kernel(const assay_args*) {
  assay_cfg2_mxu_format(assay_pack_mxu_format(ASSAY_DTYPE_bf16, 0, 0, 0, 0), assay_pack_mxu_size(1, 1, 1));
  assay_cfg2_mxu_repeat(assay_pack_mxu_repeat(65535, 0, 65535), 0);
  assay_mxu_ws(0, 0, device::acc(0));
  assay_fence_ai(15);
  return 0;
}
