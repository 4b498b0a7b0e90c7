// The strict golden of rotary embeddings: docs/numerics.md, "Rotary".
#include "golden/backends.hpp"
#include "golden/strict/conversions.hpp"
#include "golden/strict/vector_pass.hpp"

namespace assay::golden {

void strict_rotary(const ops::Problem&, const std::vector<Tensor>& inputs, Expected& expected) {
  using strict::Function;
  using strict::vector_pass;
  const Tensor &x = inputs[0], &cos = inputs[1], &sin = inputs[2];
  Tensor& y = expected.bits.emplace(expected.name, expected.dtype, expected.shape);
  const auto depth = static_cast<std::size_t>(x.shape.back()), half = depth / 2;
  const auto positions = static_cast<std::size_t>(x.shape[x.shape.size() - 2]);
  const std::size_t rows = static_cast<std::size_t>(x.elements()) / depth;
  for (std::size_t row = 0; row < rows; ++row)
    for (std::size_t j = 0; j < half; ++j) {
      const std::size_t first = row * depth + j, angle = row % positions * half + j;
      const float a = strict::load_f32(x.dtype, x.bytes.data(), first),
                  b = strict::load_f32(x.dtype, x.bytes.data(), first + half),
                  c = strict::load_f32(cos.dtype, cos.bytes.data(), angle),
                  s = strict::load_f32(sin.dtype, sin.bytes.data(), angle);
      const float minus = vector_pass(s, -1.0F, std::nullopt, Function::Identity);
      const float left = vector_pass(b, minus, std::nullopt, Function::Identity),
                  right = vector_pass(a, s, std::nullopt, Function::Identity);
      strict::store_f32(y.dtype, vector_pass(a, c, left, Function::Identity), y.bytes.data(), first);
      strict::store_f32(y.dtype, vector_pass(b, c, right, Function::Identity), y.bytes.data(), first + half);
    }
}

}  // namespace assay::golden
