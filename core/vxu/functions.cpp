#include "core/vxu/functions.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>

#include "core/clones.hpp"
#include "core/vxu/smooth_functions.hpp"

namespace assay::core {
namespace {

// --- The table, computed when this is compiled --------------------------------------------------------

__extension__ using Wide = unsigned __int128;

constexpr std::uint64_t kOne = std::uint64_t{1} << 62;

constexpr std::uint64_t product(std::uint64_t a, std::uint64_t b) {
  return static_cast<std::uint64_t>(Wide{a} * b >> 62);
}

// The square root of a value in [1, 2], in units of 2^-62: the largest that does not exceed it.
constexpr std::uint64_t square_root(std::uint64_t value) {
  std::uint64_t root = kOne;
  for (std::uint64_t bit = kOne >> 1; bit != 0; bit >>= 1)
    if (Wide{root + bit} * (root + bit) <= Wide{value} << 62) root += bit;
  return root;
}

// 2^(i/128) is the product of the roots 2^(1/2), 2^(1/4), ... that i's bits select.
constexpr std::array<std::uint32_t, kExp2Entries> exp2_table() {
  std::array<std::uint64_t, kExp2Entries> exact{kOne};
  std::uint64_t root = 2 * kOne;
  for (std::size_t bit = kExp2Entries / 2; bit >= 1; bit /= 2) {
    root = square_root(root);
    for (std::size_t i = 0; i < kExp2Entries; i += 2 * bit) exact[i + bit] = product(exact[i], root);
  }
  std::array<std::uint32_t, kExp2Entries> table{};
  for (std::size_t i = 0; i < kExp2Entries; ++i)
    table[i] = static_cast<std::uint32_t>((exact[i] + (std::uint64_t{1} << 31)) >> 32);
  return table;
}

// --- exp2 ----------------------------------------------------------------------------------------------

template <typename To, typename From>
ASSAY_ALWAYS_INLINE To bit_cast(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

// floor(a * b / 2^32)
ASSAY_ALWAYS_INLINE std::int32_t high(std::int32_t a, std::int32_t b) {
  return static_cast<std::int32_t>(std::int64_t{a} * b >> 32);
}

// Below -151 the result is +0 and from 128 on it is Inf. A loop of its own: in one with the rest GCC turns
// the limits into jumps.
ASSAY_VECTOR_CLONES void limit(const float* t, float* x, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    const float above = t[i] > -151.0F ? t[i] : -151.0F;  // NaN too
    x[i] = above < 128.0F ? above : 128.0F;
  }
}

ASSAY_VECTOR_CLONES void exp2_limited(const float* limited, float* t, std::size_t n) {
  constexpr float kInteger = 0x1.8p23F;  // x + kInteger - kInteger: x rounded to an integer
  const std::uint32_t* table = kExp2Table.data();
  for (std::size_t i = 0; i < n; ++i) {
    const float x = limited[i];
    const float rounded = x * kExp2Entries + kInteger;
    const std::int32_t k = bit_cast<std::int32_t>(rounded) - bit_cast<std::int32_t>(kInteger);
    const float rest = x - (rounded - kInteger) * (1.0F / kExp2Entries);
    const auto r = static_cast<std::int32_t>(rest * 0x1p38F);
    const std::int32_t q = high(kExp2Linear + high(kExp2Square, r), r);
    const auto entry = static_cast<std::int32_t>(table[k & (kExp2Entries - 1)]);
    const std::int32_t y = entry + (high(entry, q) >> 5);
    const auto power = bit_cast<double>(static_cast<std::int64_t>((k >> 7) - 30 + 1023) << 52);
    const auto result = static_cast<float>(y * power);  // y * power is exact
    t[i] = t[i] != t[i] ? t[i] : result;
  }
}

void exp2(float* t, std::size_t n) {
  float limited[256];
  for (std::size_t done = 0; done < n; done += std::size(limited)) {
    const std::size_t count = std::min(n - done, std::size(limited));
    limit(t + done, limited, count);
    exp2_limited(limited, t + done, count);
  }
}

// --- The others ----------------------------------------------------------------------------------------

ASSAY_VECTOR_CLONES void reciprocal(float* t, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) t[i] = 1.0F / t[i];
}

// From 2^23 on there are no fractions.
ASSAY_VECTOR_CLONES void ceil(float* t, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    const float x = t[i], size = std::fabs(x);
    const float nearest = std::copysign((size + 0x1p23F) - 0x1p23F, x);
    const float up = std::copysign(nearest < x ? nearest + 1 : nearest, x);
    t[i] = size < 0x1p23F ? up : x;
  }
}

// NaN stays NaN, -0 and negatives give +0.
void relu(float* t, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) t[i] = t[i] <= 0.0F ? 0.0F : t[i];
}

}  // namespace

constexpr std::array<std::uint32_t, kExp2Entries> kExp2Table = exp2_table();

float larger(float a, float b) {
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<float>::quiet_NaN();
  if (a == b) return std::signbit(a) ? b : a;
  return a > b ? a : b;
}

float smaller(float a, float b) { return -larger(-a, -b); }

void apply(isa::VectorFunction function, ClipBounds bounds, float* t, std::size_t n) {
  const auto lo = bit_cast<float>(bounds.lo), hi = bit_cast<float>(bounds.hi);
  switch (function) {
    case isa::VectorFunction::identity: return;
    case isa::VectorFunction::relu: return relu(t, n);
    case isa::VectorFunction::exp2: return exp2(t, n);
    case isa::VectorFunction::reciprocal: return reciprocal(t, n);
    case isa::VectorFunction::ceil: return ceil(t, n);
    case isa::VectorFunction::clip:
      for (std::size_t i = 0; i < n; ++i) t[i] = smaller(larger(t[i], lo), hi);
      return;
    default: return apply_smooth(function, t, n);
  }
}

void apply(isa::VectorFunction function, ClipBounds bounds, std::int32_t* t, std::size_t n) {
  const auto lo = static_cast<std::int32_t>(bounds.lo), hi = static_cast<std::int32_t>(bounds.hi);
  if (function == isa::VectorFunction::relu)
    for (std::size_t i = 0; i < n; ++i) t[i] = std::max(t[i], 0);
  if (function == isa::VectorFunction::clip)
    for (std::size_t i = 0; i < n; ++i) t[i] = std::min(std::max(t[i], lo), hi);
}

}  // namespace assay::core
