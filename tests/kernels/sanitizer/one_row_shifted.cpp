// expect: self-overlap
// One row in place, a word further: row strides that no second row uses do not matter, the word does.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  signal(kDmaIn, 0);
  wait(kVxu, 0);
  assay_cfg2_vxu_format(
      assay_pack_vxu_format(ASSAY_DTYPE_f32, ASSAY_DTYPE_f32, 0, 0, 0, 0, ASSAY_VECTOR_FUNCTION_relu,
                            ASSAY_REDUCTION_none, ASSAY_VECTOR_OPERATION_multiply_add),
      assay_pack_vxu_size(1, kSide * kSide));
  assay_cfg2_vxu_x_strides(assay_pack_vxu_x_strides(0, 4), assay_pack_vxu_out_strides(kRow, 0));
  assay_vxu_pass(0, FAULT(4) MEND(0));  // <--
  signal(kVxu, 1);
  wait(kDmaOut, 1);
  store(y, 0);
}
