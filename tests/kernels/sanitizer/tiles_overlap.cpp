// expect: self-overlap
// The result tiles of two repetitions share columns: what the second adds to is no one's partial.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  load(b, kTensor);
  signal(kDmaIn, 0);
  wait(kMxu, 0);
  assay_cfg2_mxu_repeat(assay_pack_mxu_repeat(2, 0, 1), assay_pack_mxu_outer_tail(0));
  assay_cfg_mxu_acc_step(assay_pack_mxu_acc_step(FAULT(kRow / 2) MEND(kTensor), 0));
  multiply(0, kTensor, acc(0));  // <--
}
