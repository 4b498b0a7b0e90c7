// expect: uninitialised-acc
// A sum accumulates into stripes that nothing zeroed.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  signal(kDmaIn, 0);
  wait(kVxu, 0);
  assay_cfg_vxu_reduce(assay_pack_vxu_reduce(acc(0), 256, 0, FAULT(1) MEND(0)));
  relu(0, kTensor, kSide, ASSAY_REDUCTION_sum);  // <--
}
