#include "testgen/data.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <utility>

#include "golden/formats.hpp"
#include "testgen/random.hpp"

namespace assay::testgen {
namespace {

constexpr std::array kBitsKinds{DataKind::Random, DataKind::Cancellation, DataKind::Subnormal,
                                DataKind::SignedZero, DataKind::Special};

// How a float type is laid out, and how far its ordinary exponents reach.
struct Layout {
  int exponent_bits, fraction_bits, min_exponent, max_exponent;
  int wide;  // exponents of Random: products and their sums stay finite
  int tiny;  // two operands of this exponent have a product near the accumulator's smallest subnormals
};

Layout layout_of(DType type) {
  switch (type) {
    case DType::f16: return {5, 10, -14, 15, 14, -14};
    case DType::bf16: return {8, 7, -126, 127, 40, -68};
    case DType::e4m3: return {4, 3, -6, 7, 6, -6};  // its exponent 8 holds NaN and no infinity
    case DType::e5m2: return {5, 2, -14, 15, 14, -14};
    case DType::f64: return {11, 52, -1022, 1023, 400, -530};
    default: return {8, 23, -126, 127, 40, -68};
  }
}

// A finite number's bits from its parts; below the normal range the fraction alone is kept (a subnormal).
std::uint64_t compose(const Layout& f, bool negative, int exponent, std::uint64_t fraction) {
  const int bits = f.fraction_bits + f.exponent_bits;
  const std::uint64_t field =
      exponent < f.min_exponent ? 0 : static_cast<std::uint64_t>(exponent - f.min_exponent + 1);
  const std::uint64_t low = fraction & ((std::uint64_t{1} << f.fraction_bits) - 1);
  return (negative ? std::uint64_t{1} << bits : 0) | (field << f.fraction_bits) | low;
}

std::uint64_t cancelling(const Layout& f, ElementRandom& random) {
  const int exponent = random.coin() ? 0 : std::min(12, f.max_exponent);
  return compose(f, random.coin(), exponent, random.below(3));  // 1, 1 + ulp, 1 + 2 ulp, or 2^12 times that
}

std::uint64_t subnormal(const Layout& f, ElementRandom& random) {
  const bool negative = random.coin();
  const std::uint64_t fraction = random.next();
  switch (random.below(4)) {
    case 0: return compose(f, negative, f.min_exponent - 1, fraction);
    case 1: return compose(f, negative, f.tiny + random.between(-8, 8), fraction);
    case 2: return compose(f, negative, f.min_exponent + random.between(0, 2), fraction);
    default: return compose(f, negative, random.between(-1, 1), fraction);
  }
}

std::uint64_t signed_zero(const Layout& f, ElementRandom& random) {
  const bool negative = random.coin();
  if (random.coin()) return compose(f, negative, f.min_exponent - 1, 0);
  if (random.coin()) return compose(f, negative, f.tiny - 14, random.next());
  return compose(f, negative, 0, 0);
}

std::uint64_t huge(const Layout& f, ElementRandom& random) {
  return compose(f, random.coin(), f.max_exponent - random.between(0, 3), random.next());
}

// About one special element in every two rows or columns, whatever their length.
std::uint64_t special(const Layout& f, ElementRandom& random, std::uint32_t longest) {
  const bool negative = random.coin();
  const std::uint64_t fraction = random.next();
  if (random.below(2 * longest) != 0) return compose(f, negative, random.between(-4, 4), fraction);
  const int infinite = f.max_exponent + 1;
  const bool has_infinity = f.exponent_bits != 4;
  switch (random.below(4)) {
    case 0: return compose(f, negative, infinite, has_infinity ? 0 : ~std::uint64_t{0});
    case 1:
      return compose(f, negative, infinite,
                     has_infinity ? fraction | 1 : ~std::uint64_t{0});  // quiet or signalling, with a payload
    case 2: return compose(f, negative, f.max_exponent, ~std::uint64_t{0});
    default: return compose(f, negative, f.max_exponent - random.between(0, 2), fraction);
  }
}

// Where an element is in its row; `row` is random, the same for all of it.
struct Place {
  std::uint64_t at, length, row;
};

Place place_of(const ops::TensorInfo& info, std::uint64_t key, std::uint64_t element) {
  const std::uint64_t length =
      info.shape.empty() ? 1 : static_cast<std::uint64_t>(std::max<std::int64_t>(1, info.shape.back()));
  return {element % length, length, mix(key ^ ~(element / length))};
}

// In [-1, 1).
double placed_value(DataKind kind, ElementRandom& random, const Place& p) {
  if (kind == DataKind::OneHot) return p.row % p.length == p.at ? 2 * random.unit() - 1 : 0;
  const double ascending =
      2 * (static_cast<double>(p.at) + random.unit()) / static_cast<double>(p.length) - 1;
  return p.row % 2 != 0 ? ascending : -ascending;
}

double real_value(DataKind kind, ElementRandom& random) {
  if (kind == DataKind::Positive) return random.unit() + 0x1p-32;
  if (kind == DataKind::Uniform || kind == DataKind::Equal) return 2 * random.unit() - 1;
  double sum = -6;  // twelve uniforms: mean 6, variance 1; every step is exact in fp64
  for (int i = 0; i < 12; ++i) sum += random.unit();
  return sum;
}

std::int64_t small_integer(ElementRandom& random, std::int32_t limit) {
  const int magnitude = random.between(1, limit);
  return random.coin() ? -magnitude : magnitude;
}

// What its elements have in common.
struct Whole {
  std::uint32_t longest = 1;  // dimension
  std::int32_t limit = 1;     // of Integers
  double scale = 1;           // of Wide
};

std::uint64_t float_bits(DType type, DataKind kind, ElementRandom& random, const Whole& whole) {
  const Layout f = layout_of(type);
  switch (kind) {
    case DataKind::Random: {
      const bool negative = random.coin();
      const int exponent = random.between(-f.wide, std::min(f.wide, f.max_exponent));
      return compose(f, negative, exponent, random.next());
    }
    case DataKind::Cancellation: return cancelling(f, random);
    case DataKind::Subnormal: return subnormal(f, random);
    case DataKind::SignedZero: return signed_zero(f, random);
    case DataKind::Wide: return golden::encode(type, whole.scale * real_value(DataKind::Normal, random));
    case DataKind::Huge: return huge(f, random);
    case DataKind::Special: return special(f, random, whole.longest);
    default: return golden::encode(type, static_cast<double>(small_integer(random, whole.limit)));
  }
}

bool is_real(DataKind kind) { return kind <= DataKind::Sorted; }
bool is_placed(DataKind kind) { return kind == DataKind::OneHot || kind == DataKind::Sorted; }
// An element's own random words, or those that all share.
ElementRandom random_of(DataKind kind, std::uint64_t key, std::uint64_t element) {
  return {key, kind == DataKind::Equal ? 0 : element};
}

// Real values are most of the data and need most of the time: in runs.
void fill_reals(const ops::TensorInfo& info, DataKind kind, std::uint64_t key, Tensor& tensor) {
  const auto count = static_cast<std::size_t>(tensor.elements());
  const std::size_t size = size_of(tensor.dtype);
  // An eight-bit type has values so far apart that some would be rounded to 0.
  const bool lifted = kind == DataKind::Positive && bits_of(tensor.dtype) == 8;
  const double least =
      lifted ? 2 * golden::half_smallest(tensor.dtype) : -std::numeric_limits<double>::infinity();
  std::array<double, 512> values{};
  for (std::size_t first = 0; first < count; first += values.size()) {
    const std::size_t n = std::min(values.size(), count - first);
    for (std::size_t i = 0; i < n; ++i) {
      ElementRandom random = random_of(kind, key, first + i);
      const double value = is_placed(kind) ? placed_value(kind, random, place_of(info, key, first + i))
                                           : real_value(kind, random);
      values[i] = std::max(value, least);
      if (tensor.dtype == DType::f64 && !is_placed(kind))
        values[i] += (random.unit() - 0.5) * 0x1p-33;  // has bits for them
    }
    golden::encode(tensor.dtype, values.data(), n, tensor.bytes.data() + first * size);
  }
}

// Integer types: `low` and `high` are the type's range.
std::int64_t integer_value(DataKind kind, ElementRandom& random, std::int64_t low, std::int64_t high,
                           std::int32_t limit, const Place& place) {
  const std::array<std::int64_t, 7> extremes{
      low, high, low + 1, high - 1, 0, 1, std::max<std::int64_t>(low, -1)};
  const auto whole_range = [&](std::int64_t from) {
    return from +
           static_cast<std::int64_t>((random.next() >> 32) % static_cast<std::uint64_t>(high - from + 1));
  };
  switch (kind) {
    case DataKind::Integers: return std::max(low, small_integer(random, limit));
    case DataKind::Cancellation:
    case DataKind::Huge:
    case DataKind::Special: return extremes[random.below(extremes.size())];
    case DataKind::Subnormal: return std::max<std::int64_t>(low, random.between(-1, 1));
    case DataKind::SignedZero: return random.coin() ? 0 : whole_range(low);
    case DataKind::Positive: return whole_range(1);
    case DataKind::OneHot: return place.row % place.length == place.at ? whole_range(low) : 0;
    case DataKind::Sorted:
      return low + static_cast<std::int64_t>((placed_value(kind, random, place) + 1) / 2 *
                                             static_cast<double>(high - low));
    default: return whole_range(low);
  }
}

std::uint64_t integer_bits(DType type, DataKind kind, ElementRandom& random, std::int32_t limit,
                           const Place& place) {
  switch (type) {
    case DType::s8: return static_cast<std::uint64_t>(integer_value(kind, random, -128, 127, limit, place));
    case DType::u8: return static_cast<std::uint64_t>(integer_value(kind, random, 0, 255, limit, place));
    case DType::s4: return static_cast<std::uint64_t>(integer_value(kind, random, -8, 7, limit, place));
    case DType::u4: return static_cast<std::uint64_t>(integer_value(kind, random, 0, 15, limit, place));
    default:
      return static_cast<std::uint64_t>(integer_value(kind, random, INT32_MIN, INT32_MAX, limit, place));
  }
}

}  // namespace

Tensor make_tensor(const ops::TensorInfo& info, DataKind kind, std::uint64_t key, std::int32_t limit) {
  Tensor tensor(info.name, info.dtype, info.shape);
  if (is_float(info.dtype) && is_real(kind)) {
    fill_reals(info, kind, key, tensor);
    return tensor;
  }
  const auto count = static_cast<std::uint64_t>(tensor.elements());
  const std::uint64_t row = info.shape.empty() ? 1 : static_cast<std::uint64_t>(info.shape.back());
  std::int64_t longest = 1;
  for (const std::int64_t dim : info.shape) longest = std::max(longest, dim);
  const Whole whole{static_cast<std::uint32_t>(std::min<std::int64_t>(longest, 1 << 30)), limit,
                    static_cast<double>(std::uint64_t{1} << 2 * (mix(~key) % 5))};
  for (std::uint64_t i = 0; i < count; ++i) {
    DataKind own = kind;
    if (kind == DataKind::Mixed) own = kBitsKinds[ElementRandom(~key, i / row).below(kBitsKinds.size())];
    ElementRandom random = random_of(kind, key, i);
    const std::uint64_t bits = is_float(info.dtype)
                                   ? float_bits(info.dtype, own, random, whole)
                                   : integer_bits(info.dtype, kind, random, limit, place_of(info, key, i));
    set_element_bits(info.dtype, tensor.bytes.data(), i, bits);
  }
  return tensor;
}

Tensor make_scales(const ops::TensorInfo& info, double about, std::uint64_t key) {
  Tensor tensor(info.name, info.dtype, info.shape);
  const auto count = static_cast<std::uint64_t>(tensor.elements());
  for (std::uint64_t i = 0; i < count; ++i) {
    ElementRandom random(key, i);
    set_element_bits(info.dtype, tensor.bytes.data(), i,
                     golden::encode(info.dtype, about * (0.5 + 1.5 * random.unit())));
  }
  return tensor;
}

Tensor make_indices(const ops::TensorInfo& info, const ops::IndexRange& range, std::uint64_t key) {
  Tensor tensor(info.name, info.dtype, info.shape);
  const auto all = static_cast<std::uint32_t>(range.count);
  const auto row = static_cast<std::uint64_t>(info.shape.empty() ? 1 : info.shape.back());
  const bool distinct = range.distinct && row <= all;
  std::vector<std::uint32_t> left(distinct ? all : 0);  // a shuffle that ends with the row
  const auto count = static_cast<std::uint64_t>(tensor.elements());
  for (std::uint64_t i = 0; i < count; ++i) {
    ElementRandom random(key, i);
    std::uint32_t index = random.below(all);
    if (distinct) {
      const auto at = static_cast<std::uint32_t>(i % row);
      if (at == 0) std::iota(left.begin(), left.end(), 0U);
      std::swap(left[at], left[at + random.below(all - at)]);
      index = left[at];
    }
    set_element_bits(info.dtype, tensor.bytes.data(), i, index);
  }
  return tensor;
}

}  // namespace assay::testgen
