// expect: unwritten-output
// The last row of the output is never stored.
#include "steps.hpp"

KERNEL {
  load(a, 0);
  load(b, kTensor);
  fence();
  multiply(0, kTensor, acc(0));
  fence();
  store(y, acc(0), FAULT(15) MEND(16));
}
