#include "core/vxu/row_reduction.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "core/clones.hpp"
#include "core/numerics/convert.hpp"

namespace assay::core {
namespace {

// Where no NaN is but the canonical one, floats in this order are the integers in theirs: -Inf first, -0
// before +0, NaN last.
ASSAY_ALWAYS_INLINE std::int32_t order(std::int32_t bits) { return bits ^ ((bits >> 31) & 0x7FFFFFFF); }

ASSAY_VECTOR_CLONES std::int32_t last_in_order(const float* t, std::size_t n, std::int32_t last) {
  for (std::size_t i = 0; i < n; ++i) {
    std::int32_t bits;
    std::memcpy(&bits, t + i, sizeof bits);
    last = std::max(last, order(bits));
  }
  return last;
}

using Stripes = std::array<float, kSumStripes>;

// Which stripes take an element.
std::array<bool, kSumStripes> touched(const std::int32_t* chosen, std::size_t n, std::size_t first) {
  std::array<bool, kSumStripes> stripes{};
  for (std::size_t i = 0; i < n; ++i)
    if (chosen == nullptr || chosen[i] != 0) stripes[(first + i) % kSumStripes] = true;
  return stripes;
}

void add(const float* t, std::size_t n, std::size_t first, Stripes& stripes) {
  std::size_t i = 0, stripe = first % kSumStripes;
  while (i < n) {
    const std::size_t count = std::min(kSumStripes - stripe, n - i);
    for (std::size_t j = 0; j < count; ++j) stripes[stripe + j] += t[i + j];
    i += count;
    stripe = 0;
  }
}

}  // namespace

void reduce_maximum(const float* t, std::size_t n, bool accumulate, std::byte* place) {
  float maximum = -std::numeric_limits<float>::infinity();
  if (accumulate) std::memcpy(&maximum, place, sizeof maximum);
  if (n > 0) canonicalize_nans(&maximum, 1);
  std::int32_t bits;
  std::memcpy(&bits, &maximum, sizeof bits);
  bits = order(last_in_order(t, n, order(bits)));  // order() is its own inverse
  std::memcpy(place, &bits, sizeof bits);
}

// Adding -0 changes no number. A stripe that took no element keeps its bits, a NaN's too.
void reduce_sum(const float* t, const std::int32_t* chosen, std::size_t n, std::size_t first, bool accumulate,
                std::byte* place) {
  Stripes stripes{};
  if (accumulate) std::memcpy(stripes.data(), place, sizeof stripes);
  const Stripes before = stripes;
  add(t, n, first, stripes);
  canonicalize_nans(stripes.data(), kSumStripes);
  if (accumulate && (chosen != nullptr || n < kSumStripes)) {
    const auto changed = touched(chosen, n, first);
    for (std::size_t s = 0; s < kSumStripes; ++s)
      if (!changed[s]) std::memcpy(&stripes[s], &before[s], sizeof(float));
  }
  std::memcpy(place, stripes.data(), sizeof stripes);
}

}  // namespace assay::core
