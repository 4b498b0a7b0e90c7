// Elementwise operators of ONNX with multidirectional (NumPy) broadcasting, all on one kernel:
//
//   add, sub, mul, div   Y = A op B           (Add, Sub, Mul, Div, opset 7 on)
//   max, min             Y = the greatest or least of 1 to 15 inputs (Max, Min, opset 8 on)
//   relu                 Y = max(X, 0)        (Relu)
//
// Types: f32, f16, bf16, e4m3, e5m2, s8, u8, s32, all inputs and the output the same. What each does to the bit:
// docs/numerics.md, "Elementwise operators".
#pragma once

#include "ops/operator.hpp"

namespace assay::ops {

const std::vector<const Operator*>& elementwise_operators();

// The shape that these broadcast to. Throws Error(Usage) naming two inputs that do not fit each other.
Shape broadcast_shape(const Operator& op, const std::vector<TensorInfo>& inputs);

}  // namespace assay::ops
