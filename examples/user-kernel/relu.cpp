// Y = max(X, 0) over an f32 tensor of any shape: Assay's operator relu, in a kernel of our own. The argument
// block is that of the operator (ops/elementwise/elementwise_args.h): the output first.
#include "tiles.hpp"

extern "C" uint32_t assay_kernel(const assay_args* args) {
  if (args->magic != ASSAY_ARGS_MAGIC || args->tensor_count != 2) return ASSAY_STATUS_BAD_ARGS;
  stream(args->tensors[1], args->tensors[0],
         [](uint32_t n, uint32_t x, uint32_t y) { pass(n, x).apply(ASSAY_VECTOR_FUNCTION_relu).to(row(y)); });
  return 0;
}
