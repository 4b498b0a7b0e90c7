// expect: race-write-after-read
// The next product overwrites what the epilogue still reads.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  load(b, kTensor);
  signal(kDmaIn, 0);
  wait(kMxu, 0);
  multiply(0, kTensor, acc(0));
  signal(kMxu, 1);
  wait(kVxu, 1);
  relu(acc(0), 2 * kTensor);
  signal(kVxu, 2);
  MEND(wait(kMxu, 2);)
  multiply(0, kTensor, acc(0));  // <--
  FAULT(wait(kMxu, 2);)
}
