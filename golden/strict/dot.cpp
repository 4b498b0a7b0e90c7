#include "golden/strict/dot.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "golden/strict/conversions.hpp"

namespace assay::golden::strict {
namespace {

// Columns of one block: their sums stay in the first cache while k runs.
constexpr std::size_t kBlock = 256;

// One step of `width` chains. Compiled twice: with the FMA instruction, and with the library's fma().
[[gnu::always_inline]] inline void step(float a, const float* __restrict b, float* __restrict acc,
                                        std::size_t width) {
  for (std::size_t j = 0; j < width; ++j) acc[j] = std::fma(a, b[j], acc[j]);
}

[[gnu::always_inline]] inline void multiply_rows(const float* a, const float* b, float* acc, std::size_t m,
                                                 std::size_t n, std::size_t k) {
  for (std::size_t first = 0; first < n; first += kBlock) {
    const std::size_t width = std::min(kBlock, n - first);
    for (std::size_t i = 0; i < m; ++i)
      for (std::size_t kk = 0; kk < k; ++kk)
        step(a[i * k + kk], b + kk * n + first, acc + i * n + first, width);
  }
}

[[gnu::target("avx2,fma")]] void multiply_fma(const float* a, const float* b, float* acc, std::size_t m,
                                              std::size_t n, std::size_t k) {
  multiply_rows(a, b, acc, m, n, k);
}

bool is_minus_zero(float value) { return bits_of(value) == 0x80000000U; }

template <typename Integer>
void multiply_integers(const Integer* a, const Integer* b, std::int32_t* acc, std::size_t m, std::size_t n,
                       std::size_t k) {
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t kk = 0; kk < k; ++kk) {
      const std::int32_t factor = a[i * k + kk];
      for (std::size_t j = 0; j < n; ++j) {
        const auto product = static_cast<std::uint32_t>(factor * std::int32_t{b[kk * n + j]});
        std::int32_t& sum = acc[i * n + j];
        sum = static_cast<std::int32_t>(static_cast<std::uint32_t>(sum) + product);
      }
    }
}

// An integer times a power of two, rounded to nearest even: the magnitude's bits in a format whose smallest
// subnormal is 2^lowest and that keeps `precision` bits.
std::uint64_t rounded_magnitude(std::uint64_t integer, int exponent, int precision, int lowest) {
  if (integer == 0) return 0;
  int top = 63;
  while (integer >> top == 0) --top;
  const int last = std::max(top + exponent - precision + 1, lowest);  // the last place's exponent
  const int cut = last - exponent;
  if (cut > 62) return 0;
  std::uint64_t kept = cut <= 0 ? integer << -cut : integer >> cut;
  if (cut > 0) {
    const std::uint64_t rest = integer & ((std::uint64_t{1} << cut) - 1),
                        half = std::uint64_t{1} << (cut - 1);
    if (rest > half || (rest == half && kept % 2 != 0)) ++kept;
  }
  return kept + (static_cast<std::uint64_t>(last - lowest) << (precision - 1));
}

void multiply_library(const float* a, const float* b, float* acc, std::size_t m, std::size_t n,
                      std::size_t k) {
  multiply_rows(a, b, acc, m, n, k);
}

}  // namespace

float dot_chain(float start, const float* a, const float* b, std::size_t count) {
  float acc = start;
  for (std::size_t k = 0; k < count; ++k) acc = std::fma(a[k], b[k], acc);
  return count == 0 ? start : canonical(acc);
}

std::int32_t dot_chain(std::int32_t start, const std::int8_t* a, const std::int8_t* b, std::size_t count) {
  auto acc = static_cast<std::uint32_t>(start);
  for (std::size_t k = 0; k < count; ++k)
    acc += static_cast<std::uint32_t>(std::int32_t{a[k]} * std::int32_t{b[k]});
  return static_cast<std::int32_t>(acc);
}

std::int32_t dot_chain(std::int32_t start, const std::int32_t* a, std::int32_t a_zero, const std::int32_t* b,
                       std::int32_t b_zero, std::size_t count) {
  auto acc = static_cast<std::uint32_t>(start);
  for (std::size_t k = 0; k < count; ++k)
    acc += static_cast<std::uint32_t>((a[k] - a_zero) * (b[k] - b_zero));
  return static_cast<std::int32_t>(acc);
}

float dot_chain_skipping(float start, const float* a, const float* b, std::size_t count) {
  float acc = start;
  for (std::size_t k = 0; k < count; ++k)
    if (!is_minus_zero(a[k])) acc = canonical(std::fma(a[k], b[k], acc));
  return acc;
}

std::uint16_t dequantised(std::int32_t q, std::int32_t zero, float scale, DType to) {
  const std::uint32_t bits = bits_of(scale);
  const std::int32_t difference = q - zero;
  const bool negative = (bits >> 31 != 0) != (difference < 0);
  const std::uint32_t field = bits >> 23 & 0xFF, fraction = bits & 0x7FFFFF;
  const int precision = to == DType::f16 ? 11 : 8;
  const std::uint32_t infinity = to == DType::f16 ? 0x7C00 : 0x7F80, nan = to == DType::f16 ? 0x7E00 : 0x7FC0;
  std::uint64_t magnitude = infinity;
  if (field == 0xFF && (fraction != 0 || difference == 0)) return static_cast<std::uint16_t>(nan);
  if (field != 0xFF) {
    const auto factor = static_cast<std::uint64_t>(difference < 0 ? -difference : difference);
    const std::uint64_t significand = field == 0 ? fraction : fraction | 0x800000U;
    const int exponent = static_cast<int>(field == 0 ? 1 : field) - 150;
    magnitude = rounded_magnitude(factor * significand, exponent, precision, to == DType::f16 ? -24 : -133);
  }
  return static_cast<std::uint16_t>((negative ? 0x8000U : 0U) | std::min<std::uint64_t>(magnitude, infinity));
}

void multiply(const float* a, const float* b, float* acc, std::size_t m, std::size_t n, std::size_t k) {
  if (k == 0) return;
  static const bool has_fma = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  (has_fma ? multiply_fma : multiply_library)(a, b, acc, m, n, k);
  for (std::size_t i = 0; i < m * n; ++i) acc[i] = canonical(acc[i]);
}

void multiply_skipping(const float* a, const float* b, float* acc, std::size_t m, std::size_t n,
                       std::size_t k) {
  std::vector<float> column(k);
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t kk = 0; kk < k; ++kk) column[kk] = b[kk * n + j];
    for (std::size_t i = 0; i < m; ++i)
      acc[i * n + j] = dot_chain_skipping(acc[i * n + j], a + i * k, column.data(), k);
  }
}

void multiply(const std::int32_t* a, const std::int32_t* b, std::int32_t* acc, std::size_t m, std::size_t n,
              std::size_t k) {
  multiply_integers(a, b, acc, m, n, k);
}

void multiply(const std::int8_t* a, const std::int8_t* b, std::int32_t* acc, std::size_t m, std::size_t n,
              std::size_t k) {
  multiply_integers(a, b, acc, m, n, k);
}

}  // namespace assay::golden::strict
