// Y = X * min(max(X / 6 + 0.5, 0), 1) over an f32 tensor of any shape: ONNX's nodes HardSigmoid and Mul.
#include "tiles.hpp"

extern "C" uint32_t assay_kernel(const assay_args* args) {
  if (args->magic != ASSAY_ARGS_MAGIC || args->tensor_count != 2) return ASSAY_STATUS_BAD_ARGS;
  constexpr uint32_t kSixth = 0x3E2AAAAB, kHalf = 0x3F000000, kOne = 0x3F800000;
  assay_cfg_vxu_clip(assay_pack_vxu_clip(0, kOne));
  stream(args->tensors[0], args->tensors[1], [](uint32_t n, uint32_t x, uint32_t y) {
    pass(n, x).scaled(kSixth).biased(kHalf).apply(ASSAY_VECTOR_FUNCTION_clip).to(row(y));
    pass(n, y).scaled(row(x)).to(row(y));
  });
  return 0;
}
