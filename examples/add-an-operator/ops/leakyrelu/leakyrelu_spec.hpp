// LeakyRelu of ONNX: Y = X where X >= 0, alpha * X elsewhere, with 0 < alpha <= 1.
//
// To the bit: u = alpha * x rounded to f32, Y = convert(max(x, u)); NaN for NaN.
// Types: f32, f16, bf16. The kernel gets tensors Y, X and attribute alpha (fp32 bits).
#pragma once

#include "ops/operator.hpp"

namespace assay::ops {

const Operator& leakyrelu_operator();

}  // namespace assay::ops
