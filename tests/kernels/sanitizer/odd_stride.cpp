// expect: misaligned
// The rows of A lie an odd number of bytes apart.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  load(b, 2 * kTensor);
  load(b, kTensor);
  signal(kDmaIn, 0);
  wait(kMxu, 0);
  multiply(0, 2 * kTensor, acc(0), false, kRow FAULT(+1));  // <--
}
