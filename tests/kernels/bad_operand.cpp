// A configuration value outside its range: k = 0.
#include "ops/device/device.hpp"

extern "C" uint32_t assay_kernel(const assay_args*) {
  assay_cfg_mxu_size(assay_pack_mxu_size(4, 4, 0));
  assay_mxu_ws(0, 0, device::acc(0));
  return 0;
}
