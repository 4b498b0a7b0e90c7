// expect: self-overlap
// The maxima of the rows are written where the output's first rows lie.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  signal(kDmaIn, 0);
  wait(kVxu, 0);
  assay_cfg_vxu_reduce(assay_pack_vxu_reduce(acc(FAULT(0) MEND(kTensor)), 4, 0, 0));
  relu(0, acc(0), kSide, ASSAY_REDUCTION_max);  // <--
  signal(kVxu, 1);
  wait(kDmaOut, 1);
  store(y, acc(0));
}
