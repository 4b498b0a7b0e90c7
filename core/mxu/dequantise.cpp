#include "core/mxu/dequantise.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "core/numerics/convert.hpp"

namespace assay::core {
namespace {

// An exact value on its way to a type of at most 11 bits: cut to fp32's 24 with the last one set where
// something was cut off (round to odd), so that the rounding that follows is the only one.
float to_odd(double exact) {
  const auto nearest = static_cast<float>(exact);
  const auto back = static_cast<double>(nearest);
  if (back == exact || std::isnan(exact) || std::isinf(nearest)) return nearest;
  std::uint32_t bits = 0;
  std::memcpy(&bits, &nearest, sizeof bits);
  if (std::fabs(back) > std::fabs(exact)) --bits;  // towards zero
  bits |= 1U;
  float odd = 0;
  std::memcpy(&odd, &bits, sizeof odd);
  return odd;
}

std::int32_t element(DType type, const std::byte* line, std::size_t index) {
  if (type == DType::s8) return std::to_integer<std::int8_t>(line[index]);
  if (type == DType::u8) return std::to_integer<std::uint8_t>(line[index]);
  const int nibble = std::to_integer<int>(line[index / 2]) >> (index % 2 * 4) & 15;
  return type == DType::s4 ? (nibble ^ 8) - 8 : nibble;
}

// The scales and zero points of one group, a column each.
struct Group {
  std::vector<double> scale;
  std::vector<std::int32_t> zero;
};

void read_group(const QuantisedTile& t, std::size_t index, Group& group) {
  const auto g = static_cast<std::ptrdiff_t>(index);
  for (std::size_t j = 0; j < t.n; ++j) {
    const auto column = static_cast<std::ptrdiff_t>(j);
    float scale = 0;
    to_f32(t.scales.dtype, t.scales.data + g * t.scales.group_stride + column * t.scales.col_stride, &scale,
           1);
    group.scale[j] = scale;
    group.zero[j] = t.zeros.data == nullptr
                        ? t.zero
                        : element(t.zeros.dtype,
                                  t.zeros.data + g * t.zeros.group_stride + column * t.zeros.col_stride, 0);
  }
}

}  // namespace

void dequantise(const QuantisedTile& t, DType to, std::byte* out) {
  Group group{std::vector<double>(t.n), std::vector<std::int32_t>(t.n)};
  std::vector<float> row(t.n);
  for (std::size_t k = 0; k < t.k; ++k) {
    if (k % t.group == 0) read_group(t, k / t.group, group);
    for (std::size_t j = 0; j < t.n; ++j) {
      const std::size_t line = t.k_contiguous ? j : k, index = t.k_contiguous ? k : j;
      const std::int32_t q = element(t.dtype, t.data + line * t.line_stride, index);
      row[j] = to_odd((q - group.zero[j]) * group.scale[j]);
    }
    from_f32(to, row.data(), out + k * t.n * size_of(to), t.n);
  }
}

}  // namespace assay::core
