// Convolution: ONNX Conv, ConvTranspose, ConvInteger (operator sets 1 and 10 on) and QLinearConv as `conv`,
// `convtranspose`, `convinteger` and `qlinearconv`; one kernel runs them all. One to three spatial
// dimensions.
//
//   layout   X            W                                        transposed W
//   NCHW     [N, C, s...] [M, C/group, k...]                       [C, M/group, k...]
//   NHWC     [N, s..., C] [M, k..., C/group]                       [C, k..., M/group]
//
//   conv, convtranspose   Y = act((X * W + B) + R); X, W, B [M] of one float type, Y the same or (out_dtype)
//                         f32, R as Y; with X and W e4m3 or e5m2 B, R and Y bf16, f16 or f32
//   convinteger           s32 sums of (x - x_zero_point) * (w - w_zero_point), s8 or u8 each
//   qlinearconv           the same + B (s32), times x_scale * w_scale / y_scale, + y_zero_point, of whose
//   type y is
//
// w_zero_point and w_scale have one value, or one for each output channel. B and R, and convinteger's zero
// points, are optional, each by itself. Borders are zero (x_zero_point). docs/numerics.md, "Convolution".
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "ops/operator.hpp"

namespace assay::ops {

const Operator& conv_operator();
const Operator& convtranspose_operator();
const Operator& convinteger_operator();
const Operator& qlinearconv_operator();

// One spatial dimension. Transposed, X and Y have changed places: output = input * stride - pad + tap *
// dilation.
struct ConvAxis {
  std::uint64_t in = 1, out = 1, kernel = 1, stride = 1, dilation = 1;
  std::int64_t pad = 0;  // before
};

// A problem of any of them as the kernel sees it.
struct ConvForm {
  enum class Epilogue : std::uint8_t { Float, Integer, Requantise };
  enum class Activation : std::uint8_t { None, Relu, Clip };
  enum class Algorithm : std::uint8_t { Implicit, Im2col, Winograd, Fft };

  std::uint64_t batch = 1, groups = 1;
  std::uint64_t channels = 1, outputs = 1;  // of all groups
  std::array<ConvAxis, 3> axes;             // d, h, w; those that the problem lacks have extent 1
  bool transposed = false, channels_last = false;
  DType x = DType::f32, w = DType::f32, accumulator = DType::f32, out = DType::f32;
  Epilogue epilogue = Epilogue::Float;
  Activation activation = Activation::None;
  Algorithm algorithm = Algorithm::Implicit;
  float low = 0, high = 0;  // Clip

  std::uint64_t positions() const;       // of Y, over the whole batch
  std::uint64_t taps_and_depth() const;  // products of one output element at most
};

// Throws as Operator::infer does.
ConvForm conv_form(const Problem& problem);

}  // namespace assay::ops
