// What the kernels of operators begin with. A header of its own: kernels of users have such names of their
// own.
#pragma once

#include "ops/device/device.hpp"

namespace device {

constexpr u32 kDmaIn = ASSAY_ENGINE_dma_in, kDmaOut = ASSAY_ENGINE_dma_out, kMxu = ASSAY_ENGINE_mxu,
              kVxu = ASSAY_ENGINE_vxu;

// Whether the argument block is one of this ABI.
inline bool known(const assay_args& args) {
  return args.magic == ASSAY_ARGS_MAGIC && args.abi_version == ASSAY_ABI_VERSION;
}

}  // namespace device
