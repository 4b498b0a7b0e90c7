// expect: self-overlap
// Rows that share half their bytes are narrowed in place, the highest first: a result lands on the next row.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  signal(kDmaIn, 0);
  wait(kVxu, 0);
  constexpr u32 down = -(FAULT(kRow / 2) MEND(kRow));
  assay_cfg2_vxu_format(
      assay_pack_vxu_format(ASSAY_DTYPE_f32, ASSAY_DTYPE_f16, 0, 0, 0, 0, ASSAY_VECTOR_FUNCTION_relu,
                            ASSAY_REDUCTION_none, ASSAY_VECTOR_OPERATION_multiply_add),
      assay_pack_vxu_size(8, kSide));
  assay_cfg2_vxu_x_strides(assay_pack_vxu_x_strides(down, 4), assay_pack_vxu_out_strides(down, 0));
  assay_vxu_pass(8 * kRow, 8 * kRow);  // <--
}
