// The vector unit's pass to the bit, one element at a time: docs/numerics.md, "Vector unit: one pass" and on.
//
// An element that takes no part is left out of reductions, and is -0 or the integer 0 in the output.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/dtype.hpp"

namespace assay::golden::strict {

enum class Function : std::uint8_t {
  Identity,
  Relu,
  Exp2,
  Reciprocal,
  Ceil,
  Tanh,
  Sigmoid,
  Silu,
  Gelu,
  GeluTanh,
  Erf,
  Log2,
  Sqrt,
  Rsqrt  // and clip()
};

// How x, scale and bias meet: fma(scale, x, bias), x / scale, the greater or lesser of x and bias, or
// (x + bias) + scale.
enum class Operation : std::uint8_t { MultiplyAdd, Divide, Maximum, Minimum, AddAdd };

// f(scale * x + bias) in f32; an absent operand is not 1 or 0 but no operation. All are f32 already, and
// a NaN leaves the pass canonical whatever it does.
float vector_pass(float x, std::optional<float> scale, std::optional<float> bias, Function function,
                  Operation operation = Operation::MultiplyAdd);

// The integer pass, modulo 2^32; f is Identity or Relu.
std::int32_t vector_pass(std::int32_t x, std::optional<std::int32_t> scale, std::optional<std::int32_t> bias,
                         Function function, Operation operation = Operation::MultiplyAdd);

// f(scale * f32(x + bias)), the sum modulo 2^32.
float requantise(std::int32_t x, std::optional<float> scale, std::optional<std::int32_t> bias,
                 Function function);

// x less its zero point, modulo 2^32.
std::int32_t without_zero(std::int32_t x, std::int32_t zero);

// The integer output (s8, u8 or s32) of a float pass: t rounded half to even, plus `zero`, saturated.
std::int32_t quantise(float t, std::int32_t zero, DType type);

// Which elements take part; by default all.
struct Mask {
  std::int64_t lo = INT64_MIN, hi = INT64_MAX;  // columns of row 0, hi excluded
  std::int64_t lo_step = 0, hi_step = 0;        // by which they move each row
  const std::uint8_t* bytes = nullptr;          // 0: does not take part
  std::ptrdiff_t row_stride = 0;

  bool takes(std::int64_t row, std::int64_t column) const;
};

}  // namespace assay::golden::strict
