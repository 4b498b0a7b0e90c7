// expect: out-of-bounds
// A repetition steps below the start of SPM, where 32-bit addresses wrap.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  load(b, kTensor);
  signal(kDmaIn, 0);
  wait(kMxu, 0);
  assay_cfg2_mxu_repeat(assay_pack_mxu_repeat(2, 0, 1), assay_pack_mxu_outer_tail(0));
  assay_cfg_mxu_inner_step(assay_pack_mxu_inner_step(FAULT(-kRow) MEND(0), 0));
  assay_cfg_mxu_acc_step(assay_pack_mxu_acc_step(kTensor, 0));
  multiply(0, kTensor, acc(0));  // <--
}
