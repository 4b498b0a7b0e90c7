// Y = -X over an f32 tensor of any shape: ONNX's Neg, which Assay has no operator for.
#include "tiles.hpp"

extern "C" uint32_t assay_kernel(const assay_args* args) {
  if (args->magic != ASSAY_ARGS_MAGIC || args->tensor_count != 2) return ASSAY_STATUS_BAD_ARGS;
  constexpr uint32_t kMinusOne = 0xBF800000;
  stream(args->tensors[0], args->tensors[1],
         [](uint32_t n, uint32_t x, uint32_t y) { pass(n, x).scaled(kMinusOne).to(row(y)); });
  return 0;
}
