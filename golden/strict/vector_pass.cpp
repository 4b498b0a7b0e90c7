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

}  // namespace assay::golden::strict
