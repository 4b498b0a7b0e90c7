#include "golden/strict/vector_pass.hpp"

#include <cmath>

#include "golden/strict/conversions.hpp"
#include "golden/strict/functions.hpp"
#include "golden/strict/reduction.hpp"

namespace assay::golden::strict {
namespace {

float affine(float x, std::optional<float> scale, std::optional<float> bias) {
  if (scale && bias) return std::fma(*scale, x, *bias);
  if (scale) return *scale * x;
  if (bias) return x + *bias;
  return x;
}

// The mirror image of the maximum: NaN wins, -0 is less than +0.
float minimum(float a, float b) {
  if (is_nan(a) || is_nan(b)) return from_bits(kCanonicalNan);
  if (a == b) return bits_of(a) != 0 ? a : b;
  return a < b ? a : b;
}

float combine(float x, std::optional<float> scale, std::optional<float> bias, Operation operation) {
  switch (operation) {
    case Operation::Divide: return x / scale.value();
    case Operation::Maximum: return maximum(x, bias.value());
    case Operation::Minimum: return minimum(x, bias.value());
    case Operation::AddAdd: return (x + bias.value()) + scale.value();
    case Operation::MultiplyAdd: break;
  }
  return affine(x, scale, bias);
}

// In 64 bits, of which the low 32 are kept: -2^31 / -1 wraps.
std::int64_t combine(std::int64_t x, std::optional<std::int32_t> scale, std::optional<std::int32_t> bias,
                     Operation operation) {
  switch (operation) {
    case Operation::Divide: return scale.value() == 0 ? 0 : x / *scale;
    case Operation::Maximum: return x > bias.value() ? x : *bias;
    case Operation::Minimum: return x < bias.value() ? x : *bias;
    case Operation::AddAdd: return x + bias.value() + scale.value();
    case Operation::MultiplyAdd: break;
  }
  return x * scale.value_or(1) + bias.value_or(0);
}

float apply(Function function, float t) {
  switch (function) {
    case Function::Identity: break;
    case Function::Relu: return relu(t);
    case Function::Exp2: return exp2(t);
    case Function::Reciprocal: return reciprocal(t);
    case Function::Ceil: return ceil(t);
    case Function::Tanh: return tanh(t);
    case Function::Sigmoid: return sigmoid(t);
    case Function::Silu: return silu(t);
    case Function::Gelu: return gelu(t);
    case Function::GeluTanh: return gelu_tanh(t);
    case Function::Erf: return erf(t);
    case Function::Log2: return log2(t);
    case Function::Sqrt: return sqrt(t);
    case Function::Rsqrt: return rsqrt(t);
  }
  return t;
}

}  // namespace

float vector_pass(float x, std::optional<float> scale, std::optional<float> bias, Function function,
                  Operation operation) {
  return canonical(apply(function, combine(x, scale, bias, operation)));
}

std::int32_t vector_pass(std::int32_t x, std::optional<std::int32_t> scale, std::optional<std::int32_t> bias,
                         Function function, Operation operation) {
  const std::int64_t t = combine(std::int64_t{x}, scale, bias, operation);
  const auto result = static_cast<std::int32_t>(static_cast<std::uint64_t>(t));
  return function == Function::Relu && result < 0 ? 0 : result;
}

float requantise(std::int32_t x, std::optional<float> scale, std::optional<std::int32_t> bias,
                 Function function) {
  const std::int32_t sum = vector_pass(x, std::nullopt, bias, Function::Identity);
  return vector_pass(f32_from_s32(sum), scale, std::nullopt, function);
}

std::int32_t without_zero(std::int32_t x, std::int32_t zero) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(std::int64_t{x} - zero));
}

std::int32_t quantise(float t, std::int32_t zero, DType type) {
  std::int64_t low = INT32_MIN, high = INT32_MAX;
  if (type == DType::s8) low = -128, high = 127;
  if (type == DType::u8) low = 0, high = 255;
  // Far beyond either end it is the end: a rounded value there needs no more than saturation.
  const std::int64_t rounded = integer_from_f32(t, low - 65536, high + 65536) + zero;
  return static_cast<std::int32_t>(rounded < low ? low : rounded > high ? high : rounded);
}

bool Mask::takes(std::int64_t row, std::int64_t column) const {
  const std::int64_t from = lo == INT64_MIN ? lo : lo + row * lo_step;
  const std::int64_t end = hi == INT64_MAX ? hi : hi + row * hi_step;
  if (column < from || column >= end) return false;
  return bytes == nullptr || bytes[row * row_stride + column] != 0;
}

}  // namespace assay::golden::strict
