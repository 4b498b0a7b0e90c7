#include "golden/strict/dot.hpp"

#include <algorithm>
#include <cmath>

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

void multiply(const float* a, const float* b, float* acc, std::size_t m, std::size_t n, std::size_t k) {
  if (k == 0) return;
  static const bool has_fma = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  (has_fma ? multiply_fma : multiply_library)(a, b, acc, m, n, k);
  for (std::size_t i = 0; i < m * n; ++i) acc[i] = canonical(acc[i]);
}

void multiply(const std::int8_t* a, const std::int8_t* b, std::int32_t* acc, std::size_t m, std::size_t n,
              std::size_t k) {
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t kk = 0; kk < k; ++kk) {
      const std::int8_t factor = a[i * k + kk];
      for (std::size_t j = 0; j < n; ++j) {
        const auto product = static_cast<std::uint32_t>(std::int32_t{factor} * std::int32_t{b[kk * n + j]});
        std::int32_t& sum = acc[i * n + j];
        sum = static_cast<std::int32_t>(static_cast<std::uint32_t>(sum) + product);
      }
    }
}

}  // namespace assay::golden::strict
