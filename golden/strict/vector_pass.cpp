#include "golden/strict/vector_pass.hpp"

#include <cmath>

#include "golden/strict/conversions.hpp"

namespace assay::golden::strict {
namespace {

float affine(float x, std::optional<float> scale, std::optional<float> bias) {
  if (scale && bias) return std::fma(*scale, x, *bias);
  if (scale) return *scale * x;
  if (bias) return x + *bias;
  return x;
}

float relu(float t) {
  if (is_nan(t)) return t;
  return t > 0 ? t : 0.0F;
}

}  // namespace

float vector_pass(float x, std::optional<float> scale, std::optional<float> bias, Function function) {
  const float t = affine(x, scale, bias);
  return canonical(function == Function::Relu ? relu(t) : t);
}

std::int32_t vector_pass(std::int32_t x, std::optional<std::int32_t> scale, std::optional<std::int32_t> bias,
                         Function function) {
  auto t = static_cast<std::uint32_t>(x);
  if (scale) t *= static_cast<std::uint32_t>(*scale);
  if (bias) t += static_cast<std::uint32_t>(*bias);
  const auto result = static_cast<std::int32_t>(t);
  return function == Function::Relu && result < 0 ? 0 : result;
}

}  // namespace assay::golden::strict
