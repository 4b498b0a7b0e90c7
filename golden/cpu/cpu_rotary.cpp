// The cpu golden of rotary embeddings: fp64 with S.
#include <cmath>

#include "golden/backends.hpp"
#include "golden/formats.hpp"

namespace assay::golden {

void cpu_rotary(const ops::Problem&, const std::vector<Tensor>& inputs, Expected& expected) {
  const auto value = [&](std::size_t input, std::size_t at) {
    return decode(inputs[input].dtype, element_bits(inputs[input], at));
  };
  const Shape& shape = expected.shape;
  const auto depth = static_cast<std::size_t>(shape.back()), half = depth / 2;
  const auto positions = static_cast<std::size_t>(shape[shape.size() - 2]);
  const auto all = static_cast<std::size_t>(element_count(shape));
  expected.values.resize(all);
  expected.magnitude.resize(all);
  for (std::size_t row = 0; row < all / depth; ++row)
    for (std::size_t j = 0; j < half; ++j) {
      const std::size_t first = row * depth + j, angle = row % positions * half + j;
      const double a = value(0, first), b = value(0, first + half), c = value(1, angle), s = value(2, angle);
      expected.values[first] = a * c - b * s;
      expected.magnitude[first] = std::fabs(a * c) + std::fabs(b * s);
      expected.values[first + half] = b * c + a * s;
      expected.magnitude[first + half] = std::fabs(b * c) + std::fabs(a * s);
    }
  expected.own = {0x1p-53, expected.tolerance.roundings, 0};
}

}  // namespace assay::golden
