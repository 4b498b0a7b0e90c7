// Y[row][column] = start + column, by vxu.iota. Words: start, and the bytes between rows in SPM.
#include "ops/device/device.hpp"

extern "C" uint32_t assay_kernel(const assay_args* args) {
  if (args->tensor_count != 1 || args->attribute_count != 2) return ASSAY_STATUS_BAD_ARGS;
  const assay_tensor& y = args->tensors[0];
  const auto rows = static_cast<uint32_t>(y.dims[0]), cols = static_cast<uint32_t>(y.dims[1]);
  const auto stride = static_cast<uint32_t>(args->attributes[1]);
  assay_cfg2_vxu_format(assay_pack_vxu_format(y.dtype, y.dtype, 0, 0, 0, 0, ASSAY_VECTOR_FUNCTION_identity,
                                              ASSAY_REDUCTION_none, ASSAY_VECTOR_OPERATION_multiply_add),
                        assay_pack_vxu_size(rows, cols));
  assay_cfg_vxu_out_strides(assay_pack_vxu_out_strides(static_cast<int32_t>(stride), 0));
  assay_cfg_vxu_immediates(assay_pack_vxu_immediates(0, static_cast<uint32_t>(args->attributes[0])));
  assay_vxu_iota(0);
  assay_fence_ai(1u << ASSAY_ENGINE_vxu);
  const uint32_t bytes = cols * device::element_bytes(y.dtype);
  device::dma_out({y.address, 0, bytes, rows, bytes, stride});
  assay_fence_ai(1u << ASSAY_ENGINE_dma_out);
  return 0;
}
