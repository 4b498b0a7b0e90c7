#include "golden/formats.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/error.hpp"
#include "golden/large_vector.hpp"

namespace assay::golden {
namespace {

// A binary format: `precision` significant bits, hidden one included; normal numbers from 2^min_exponent.
struct Format {
  int precision, min_exponent, max_exponent;
  bool saturates = false;    // beyond the largest finite value: that value
  bool has_infinity = true;  // e4m3 has none, and one NaN of each sign: all ones
  constexpr int fraction_bits() const { return precision - 1; }
  constexpr std::uint64_t exponent_mask() const {
    return static_cast<std::uint64_t>(max_exponent - min_exponent + (has_infinity ? 2 : 1));
  }
  constexpr std::uint64_t infinity() const { return exponent_mask() << fraction_bits(); }
  constexpr std::uint64_t sign() const { return infinity() + (std::uint64_t{1} << fraction_bits()); }
  constexpr std::uint64_t canonical_nan() const {
    return has_infinity ? infinity() | (std::uint64_t{1} << (fraction_bits() - 1)) : sign() - 1;
  }
  constexpr std::uint64_t largest() const { return has_infinity ? infinity() - 1 : sign() - 2; }
  constexpr std::uint64_t overflow() const { return saturates ? largest() : infinity(); }
};

constexpr Format format_of(DType type) {
  switch (type) {
    case DType::f32: return {24, -126, 127};
    case DType::f16: return {11, -14, 15};
    case DType::bf16: return {8, -126, 127};
    case DType::e4m3: return {4, -6, 8, true, false};
    case DType::e5m2: return {3, -14, 15, true};
    case DType::f64: return {53, -1022, 1023};
    default: fail(ExitCode::Error, "golden: {} is not a float type", to_string(type));
  }
}

// What ilogb, ldexp and nearbyint give, without a call: this is done for every element.
int exponent_of(double positive) {  // -1023 for 0 and for subnormal doubles
  std::uint64_t bits = 0;
  std::memcpy(&bits, &positive, sizeof bits);
  return static_cast<int>(bits >> 52) - 1023;
}

double power_of_two(int exponent) {  // -1022 to 1023
  const std::uint64_t bits = static_cast<std::uint64_t>(exponent + 1023) << 52;
  double power = 0;
  std::memcpy(&power, &bits, sizeof power);
  return power;
}

double nearest_integer(double value) { return value + 0x1p52 - 0x1p52; }  // 0 to 2^52, ties to even

double decode_float(DType type, std::uint64_t bits) {
  const Format f = format_of(type);
  const bool negative = (bits & f.sign()) != 0;
  const std::uint64_t field = (bits >> f.fraction_bits()) & f.exponent_mask();
  const std::uint64_t fraction = bits & ((std::uint64_t{1} << f.fraction_bits()) - 1);
  double magnitude = 0;
  if (!f.has_infinity && (bits & (f.sign() - 1)) == f.canonical_nan())
    magnitude = std::numeric_limits<double>::quiet_NaN();
  else if (f.has_infinity && field == f.exponent_mask())
    magnitude =
        fraction == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  else if (field == 0)
    magnitude = static_cast<double>(fraction) * power_of_two(f.min_exponent - f.fraction_bits());
  else
    magnitude = static_cast<double>(fraction | (std::uint64_t{1} << f.fraction_bits())) *
                power_of_two(static_cast<int>(field) - 1 + f.min_exponent - f.fraction_bits());
  return negative ? -magnitude : magnitude;
}

double integer_limit(DType type, bool low) {
  switch (type) {
    case DType::s8: return low ? -128 : 127;
    case DType::u8: return low ? 0 : 255;
    case DType::s4: return low ? -8 : 7;
    case DType::u4: return low ? 0 : 15;
    default: return low ? -2147483648.0 : 2147483647.0;
  }
}

std::uint64_t encode_integer(DType type, double value) {
  if (std::isnan(value)) return 0;
  const double clamped =
      std::clamp(std::nearbyint(value), integer_limit(type, true), integer_limit(type, false));
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(clamped)) &
         ((std::uint64_t{1} << bits_of(type)) - 1);
}

}  // namespace

double decode(DType type, std::uint64_t bits) {
  switch (type) {
    case DType::s8: return static_cast<std::int8_t>(bits);
    case DType::u8: return static_cast<std::uint8_t>(bits);
    case DType::s32: return static_cast<std::int32_t>(bits);
    case DType::s4: return static_cast<double>(bits & 7) - static_cast<double>(bits & 8);
    case DType::u4: return static_cast<double>(bits & 15);
    case DType::f32: {
      const auto word = static_cast<std::uint32_t>(bits);
      float value = 0;
      std::memcpy(&value, &word, sizeof value);
      return value;
    }
    case DType::f64: {
      double value = 0;
      std::memcpy(&value, &bits, sizeof value);
      return value;
    }
    default: return decode_float(type, bits);
  }
}

std::uint64_t element_bits(const Tensor& tensor, std::size_t index) {
  return assay::element_bits(tensor.dtype, tensor.bytes.data(), index);
}

namespace {

std::vector<float> values_of_patterns(DType type) {
  std::vector<float> values(65536);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(decode(type, i));
  return values;
}

// What each pattern of a type of two bytes stands for: worth making for as many elements as patterns.
const std::vector<float>& value_table(DType type) {
  if (type == DType::f16) {
    static const std::vector<float> f16 = values_of_patterns(DType::f16);
    return f16;
  }
  static const std::vector<float> bf16 = values_of_patterns(DType::bf16);
  return bf16;
}

template <typename Real>
void decode_elements(const Tensor& tensor, std::size_t first, std::size_t count, Real* values) {
  const DType type = tensor.dtype;
  if (bits_of(type) == 16 && tensor.bytes.size() > 2 * 65536) {
    const float* table = value_table(type).data();
    const auto* patterns = tensor.as<std::uint16_t>() + first;
    for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<Real>(table[patterns[i]]);
    return;
  }
  if (type == DType::f32) {
    std::copy_n(tensor.as<float>() + first, count, values);
    return;
  }
  if (type == DType::f64) {
    const auto* elements = tensor.as<double>() + first;
    for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<Real>(elements[i]);
    return;
  }
  for (std::size_t i = 0; i < count; ++i)
    values[i] = static_cast<Real>(decode(type, element_bits(tensor, first + i)));
}

}  // namespace

void decode(const Tensor& tensor, std::size_t first, std::size_t count, double* values) {
  decode_elements(tensor, first, count, values);
}

std::vector<double> decode(const Tensor& tensor) {
  std::vector<double> values = large_vector<double>(static_cast<std::size_t>(tensor.elements()));
  decode_elements(tensor, 0, values.size(), values.data());
  return values;
}

std::vector<float> decode_f32(const Tensor& tensor) {
  std::vector<float> values = large_vector<float>(static_cast<std::size_t>(tensor.elements()));
  decode_elements(tensor, 0, values.size(), values.data());
  return values;
}

namespace {

inline std::uint64_t encode_float(const Format& f, double value) {
  if (std::isnan(value)) return f.canonical_nan();
  const double magnitude = std::fabs(value);
  const std::uint64_t sign = std::signbit(value) * f.sign();
  if (std::isinf(magnitude)) return sign | f.overflow();
  const int exponent = std::max(exponent_of(magnitude), f.min_exponent);
  // In units of the last place: 2^(precision-1) .. 2^precision for normal numbers, less for subnormal.
  const double units = nearest_integer(magnitude * power_of_two(f.fraction_bits() - exponent));
  const std::uint64_t field_base = static_cast<std::uint64_t>(exponent - f.min_exponent) << f.fraction_bits();
  // The hidden one, present in normal numbers, is what steps the exponent field from 0 to 1.
  return sign |
         std::min(field_base + static_cast<std::uint64_t>(static_cast<std::int64_t>(units)), f.overflow());
}

std::uint64_t encode_f64(double value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return std::isnan(value) ? format_of(DType::f64).canonical_nan() : bits;
}

template <DType kType, typename Word>
void encode_all(const double* values, std::size_t count, std::byte* elements) {
  constexpr Format f = format_of(kType);
  for (std::size_t i = 0; i < count; ++i) {
    const auto word = static_cast<Word>(encode_float(f, values[i]));
    std::memcpy(elements + i * sizeof word, &word, sizeof word);  // little endian
  }
}

}  // namespace

std::uint64_t encode(DType type, double value) {
  if (type == DType::f64) return encode_f64(value);
  return is_float(type) ? encode_float(format_of(type), value) : encode_integer(type, value);
}

void encode(DType type, const double* values, std::size_t count, std::byte* elements) {
  switch (type) {
    case DType::f32: return encode_all<DType::f32, std::uint32_t>(values, count, elements);
    case DType::f16: return encode_all<DType::f16, std::uint16_t>(values, count, elements);
    case DType::bf16: return encode_all<DType::bf16, std::uint16_t>(values, count, elements);
    case DType::e4m3: return encode_all<DType::e4m3, std::uint8_t>(values, count, elements);
    case DType::e5m2: return encode_all<DType::e5m2, std::uint8_t>(values, count, elements);
    default: break;
  }
  for (std::size_t i = 0; i < count; ++i) set_element_bits(type, elements, i, encode(type, values[i]));
}

double round_to(DType type, double value) { return decode(type, encode(type, value)); }

double ulp_at(DType type, double value) {
  if (!is_float(type)) return 1;
  const Format f = format_of(type);
  if (!std::isfinite(value)) return std::numeric_limits<double>::infinity();
  const int exponent = value == 0 ? f.min_exponent : std::ilogb(value);
  return std::ldexp(1.0, std::clamp(exponent, f.min_exponent, f.max_exponent) - f.fraction_bits());
}

double unit_roundoff(DType type) { return is_float(type) ? std::ldexp(1.0, -format_of(type).precision) : 0; }

double half_smallest(DType type) {
  if (!is_float(type)) return 0;
  if (type == DType::f64) return std::numeric_limits<double>::denorm_min();  // half of it is none
  const Format f = format_of(type);
  return std::ldexp(1.0, f.min_exponent - f.fraction_bits() - 1);
}

double largest_finite(DType type) {
  if (!is_float(type)) return integer_limit(type, false);
  return decode(type, format_of(type).largest());
}

}  // namespace assay::golden
