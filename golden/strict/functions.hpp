// The functions of the vector unit to the bit: docs/numerics.md, "Functions of the vector unit". Integer
// arithmetic on bit patterns throughout, step by step as that page says. A NaN gives the canonical one.
#pragma once

#include <cstdint>

namespace assay::golden::strict {

float relu(float t);
float exp2(float t);
float reciprocal(float t);
float ceil(float t);

// "Smooth functions": the roots in integers, the others in binary64 as that page says.
float tanh(float t);
float sigmoid(float t);
float silu(float t);
float gelu(float t);
float gelu_tanh(float t);
float erf(float t);
float log2(float t);
float sqrt(float t);
float rsqrt(float t);

float clip(float t, float lo, float hi);
std::int32_t clip(std::int32_t t, std::int32_t lo, std::int32_t hi);

// 2^(x * 2^-38) = y * 2^exponent before its rounding, by exp2's table.
struct Power {
  std::int64_t y;
  int exponent;
};
Power power_of_two(std::int64_t x);

// A finite value that is not zero: magnitude = significand * 2^exponent, 2^23 <= significand < 2^24.
struct Parts {
  bool negative;
  std::int64_t significand;
  int exponent;
};
Parts parts_of(float value);
// significand * 2^exponent (significand not zero), rounded once to f32.
float rounded(bool negative, std::uint64_t significand, int exponent);

}  // namespace assay::golden::strict
