// Inside golden/ort/ only: integer operands as ONNX Runtime multiplies them exactly on every processor.
//
// Products of u8 and s8 it forms with 16-bit sums that saturate where a processor has no VNNI; products of u8
// and u8 it does not. So every operand becomes u8: of a signed one 128 is added to the values and to the zero
// point, which changes no difference of the two. y of a quantised operator is u8 likewise: saturate(r + z) in
// s8 is saturate(r + z + 128) in u8, less 128.
#pragma once

#include "base/tensor.hpp"

namespace assay::golden {

struct ShiftedBytes {
  Tensor values, zero;  // u8; zero is called as the values with "_zero" behind it
};

// `zero` may be null: 0.
ShiftedBytes shifted(const Tensor& tensor, const Tensor* zero, const std::string& name);
// u8 back to `like`'s type.
Tensor unshifted(Tensor tensor, const Tensor& like);

// "sx", "sw" and "sy" of a quantised operator. ONNX Runtime requantises as docs/numerics.md does:
// (s_x * s_w) / s_y and the product with the accumulator in f32, half to even; but it clamps first, which
// makes another value of NaN. Throws Error(Unsupported) where one could arise: a factor that is not finite.
struct QuantisedScales {
  Tensor x, w, y;
};
QuantisedScales quantised_scales(const Tensor& x, const Tensor& w, const Tensor& y);

}  // namespace assay::golden
