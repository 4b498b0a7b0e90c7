#include "core/numerics/convert.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "core/clones.hpp"

namespace assay::core {
namespace {

constexpr std::uint32_t kCanonicalNan = 0x7FC00000U;

ASSAY_ALWAYS_INLINE std::uint32_t bits_of(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

ASSAY_ALWAYS_INLINE float float_of(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

ASSAY_ALWAYS_INLINE bool is_nan(std::uint32_t bits) { return (bits & 0x7FFFFFFFU) > 0x7F800000U; }

ASSAY_ALWAYS_INLINE float bf16_to_f32(std::uint16_t value) { return float_of(std::uint32_t{value} << 16); }

ASSAY_ALWAYS_INLINE std::uint16_t f32_to_bf16(float value) {
  const std::uint32_t bits = bits_of(value);
  const std::uint32_t rounded = (bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16;
  return static_cast<std::uint16_t>(is_nan(bits) ? 0x7FC0U : rounded);
}

// The exponent is moved by a multiplication, which is exact for subnormals too: a half's bits, placed
// below fp32's exponent field, are the value times 2^-112.
ASSAY_ALWAYS_INLINE float f16_to_f32(std::uint16_t value) {
  const std::uint32_t magnitude = (value & 0x7FFFU) << 13;
  const std::uint32_t sign = std::uint32_t{value & 0x8000U} << 16;
  const std::uint32_t special = magnitude | 0x7F800000U;
  const std::uint32_t finite = bits_of(float_of(magnitude) * 0x1p112F);
  return float_of(sign | (magnitude >= 0x0F800000U ? special : finite));
}

// Normal results: round at bit 13 after rebiasing. Subnormal results: adding 0.5 puts their last bit
// at fp32's last bit, so that the addition itself rounds to nearest even.
ASSAY_ALWAYS_INLINE std::uint16_t f32_to_f16(float value) {
  const std::uint32_t bits = bits_of(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000U;
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  const std::uint32_t normal = (magnitude - 0x38000000U + 0xFFFU + ((magnitude >> 13) & 1U)) >> 13;
  const std::uint32_t subnormal = bits_of(float_of(magnitude) + 0.5F) - 0x3F000000U;
  std::uint32_t result = magnitude < 0x38800000U ? subnormal : normal;
  if (magnitude >= 0x477FF000U) result = 0x7C00U;  // 65520 and above round to infinity
  return static_cast<std::uint16_t>(magnitude > 0x7F800000U ? 0x7E00U : sign | result);
}

// An eight-bit float with sign, exponent and kFraction bits, and where its magnitudes end.
template <int kFraction, int kBias, std::uint32_t kLargest, std::uint32_t kOverflow, std::uint32_t kNan>
struct Fp8 {
  // As f16's: rounded at the last place kept, or by an addition that puts it at fp32's last bit.
  static std::uint8_t from_f32(float value, bool saturate) {
    constexpr int kDropped = 23 - kFraction;
    constexpr std::uint32_t kRebias = static_cast<std::uint32_t>(127 - kBias) << 23;
    constexpr std::uint32_t kSmallestNormal = static_cast<std::uint32_t>(128 - kBias) << 23;
    constexpr std::uint32_t kLastPlaceAtUnit = static_cast<std::uint32_t>(151 - kBias - kFraction) << 23;
    const std::uint32_t bits = bits_of(value);
    const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
    if (magnitude > 0x7F800000U) return kNan;
    const std::uint32_t half = (1U << (kDropped - 1)) - 1U + (magnitude >> kDropped & 1U);
    const std::uint32_t result =
        magnitude < kSmallestNormal
            ? bits_of(float_of(magnitude) + float_of(kLastPlaceAtUnit)) - kLastPlaceAtUnit
            : (magnitude - kRebias + half) >> kDropped;
    const std::uint32_t sign = bits >> 31 << 7;
    if (result <= kLargest) return static_cast<std::uint8_t>(sign | result);
    if (saturate) return static_cast<std::uint8_t>(sign | kLargest);
    return static_cast<std::uint8_t>(kOverflow == kNan ? kNan : sign | kOverflow);
  }

  static float to_f32(std::uint8_t value) {
    const std::uint32_t magnitude = value & 0x7FU, sign = std::uint32_t{value & 0x80U} << 24;
    if (magnitude > kLargest)
      return float_of(magnitude == kOverflow && kOverflow != kNan ? sign | 0x7F800000U : kCanonicalNan);
    const float finite =
        float_of(magnitude << (23 - kFraction)) * float_of(static_cast<std::uint32_t>(254 - kBias) << 23);
    return float_of(sign | bits_of(finite));
  }

  static const std::array<float, 256>& table() {
    static const std::array<float, 256> values = [] {
      std::array<float, 256> v{};
      for (std::size_t i = 0; i < v.size(); ++i) v[i] = to_f32(static_cast<std::uint8_t>(i));
      return v;
    }();
    return values;
  }
};

using E4m3 = Fp8<3, 7, 0x7E, 0x7F, 0x7F>;
using E5m2 = Fp8<2, 15, 0x7B, 0x7C, 0x7E>;

template <typename Format>
void widen_fp8(const std::byte* source, float* out, std::size_t count) {
  const std::array<float, 256>& values = Format::table();
  for (std::size_t i = 0; i < count; ++i) out[i] = values[std::to_integer<std::uint8_t>(source[i])];
}

template <typename From, typename To, typename Convert>
ASSAY_ALWAYS_INLINE void each(const std::byte* source, std::byte* out, std::size_t count, Convert convert) {
  for (std::size_t i = 0; i < count; ++i) {
    From from;
    std::memcpy(&from, source + i * sizeof(From), sizeof from);
    const To to = convert(from);
    std::memcpy(out + i * sizeof(To), &to, sizeof to);
  }
}

// The conversions that move the most values, for every vector width.
ASSAY_VECTOR_CLONES void widen_bf16(const std::byte* source, std::byte* out, std::size_t count) {
  each<std::uint16_t, float>(source, out, count, [](std::uint16_t v) { return bf16_to_f32(v); });
}
ASSAY_VECTOR_CLONES void widen_f16(const std::byte* source, std::byte* out, std::size_t count) {
  each<std::uint16_t, float>(source, out, count, [](std::uint16_t v) { return f16_to_f32(v); });
}
ASSAY_VECTOR_CLONES void round_bf16(const std::byte* source, std::byte* out, std::size_t count) {
  each<float, std::uint16_t>(source, out, count, [](float v) { return f32_to_bf16(v); });
}
ASSAY_VECTOR_CLONES void round_f16(const std::byte* source, std::byte* out, std::size_t count) {
  each<float, std::uint16_t>(source, out, count, [](float v) { return f32_to_f16(v); });
}

// |x| <= 2^16 is enough, as |zero| is less than 2^16: adding 1.5 * 2^23 rounds to an integer.
template <typename T>
ASSAY_ALWAYS_INLINE void quantise_8(const float* source, std::int32_t zero, std::byte* out,
                                    std::size_t count) {
  constexpr float kInteger = 0x1.8p23F, kLimit = 0x1p16F;
  for (std::size_t i = 0; i < count; ++i) {
    const float number = source[i] == source[i] ? source[i] : 0.0F;
    const float x = std::min(std::max(number, -kLimit), kLimit);
    const std::int32_t q = static_cast<std::int32_t>(bits_of(x + kInteger) - bits_of(kInteger)) + zero;
    const auto saturated =
        std::clamp<std::int32_t>(q, std::numeric_limits<T>::min(), std::numeric_limits<T>::max());
    out[i] = static_cast<std::byte>(saturated);
  }
}
ASSAY_VECTOR_CLONES void quantise_s8(const float* source, std::int32_t zero, std::byte* out,
                                     std::size_t count) {
  quantise_8<std::int8_t>(source, zero, out, count);
}
ASSAY_VECTOR_CLONES void quantise_u8(const float* source, std::int32_t zero, std::byte* out,
                                     std::size_t count) {
  quantise_8<std::uint8_t>(source, zero, out, count);
}

// As above in double, which holds every f32 and rounds it to an integer at 1.5 * 2^52.
ASSAY_VECTOR_CLONES void quantise_s32(const float* source, std::int32_t zero, std::byte* out,
                                      std::size_t count) {
  constexpr double kInteger = 0x1.8p52, kLimit = 0x1p33;
  for (std::size_t i = 0; i < count; ++i) {
    const double number = source[i] == source[i] ? source[i] : 0.0;
    const double rounded = (std::min(std::max(number, -kLimit), kLimit) + kInteger) - kInteger;
    const double q = std::min(std::max(rounded + zero, -0x1p31), 0x1p31 - 1);
    const auto saturated = static_cast<std::int32_t>(q);
    std::memcpy(out + i * sizeof saturated, &saturated, sizeof saturated);
  }
}

[[noreturn]] void no_conversion(const char* what, DType type) {
  throw std::logic_error(std::string(what) + ": no conversion for " + std::string(to_string(type)));
}

}  // namespace

void to_f32(DType from, const std::byte* source, float* out, std::size_t count) {
  auto* bytes = reinterpret_cast<std::byte*>(out);
  switch (from) {
    case DType::f32: std::memcpy(out, source, count * sizeof(float)); return;
    case DType::f16: widen_f16(source, bytes, count); return;
    case DType::bf16: widen_bf16(source, bytes, count); return;
    case DType::s8:
      each<std::int8_t, float>(source, bytes, count, [](std::int8_t v) { return static_cast<float>(v); });
      return;
    case DType::u8:
      each<std::uint8_t, float>(source, bytes, count, [](std::uint8_t v) { return static_cast<float>(v); });
      return;
    case DType::e4m3: widen_fp8<E4m3>(source, out, count); return;
    case DType::e5m2: widen_fp8<E5m2>(source, out, count); return;
    case DType::s32:  // not exact
    case DType::s4:
    case DType::u4:
    case DType::f64: break;
  }
  no_conversion("to_f32", from);
}

void from_f32(DType to, const float* source, std::byte* out, std::size_t count, bool saturate) {
  const auto* bytes = reinterpret_cast<const std::byte*>(source);
  switch (to) {
    case DType::f32:
      each<float, std::uint32_t>(bytes, out, count, [](float v) {
        const std::uint32_t bits = bits_of(v);
        return is_nan(bits) ? kCanonicalNan : bits;
      });
      return;
    case DType::f16: round_f16(bytes, out, count); return;
    case DType::bf16: round_bf16(bytes, out, count); return;
    case DType::e4m3:
      each<float, std::uint8_t>(bytes, out, count, [=](float v) { return E4m3::from_f32(v, saturate); });
      return;
    case DType::e5m2:
      each<float, std::uint8_t>(bytes, out, count, [=](float v) { return E5m2::from_f32(v, saturate); });
      return;
    case DType::s4:
    case DType::u4:
    case DType::s8:
    case DType::u8:
    case DType::s32:  // quantise()
    case DType::f64: break;
  }
  no_conversion("from_f32", to);
}

void to_s32(DType from, const std::byte* source, std::int32_t* out, std::size_t count) {
  auto* bytes = reinterpret_cast<std::byte*>(out);
  switch (from) {
    case DType::s32: std::memcpy(out, source, count * sizeof(std::int32_t)); return;
    case DType::s8:
      each<std::int8_t, std::int32_t>(source, bytes, count, [](std::int8_t v) { return v; });
      return;
    case DType::u8:
      each<std::uint8_t, std::int32_t>(source, bytes, count, [](std::uint8_t v) { return v; });
      return;
    default: break;
  }
  no_conversion("to_s32", from);
}

void from_s32(DType to, const std::int32_t* source, std::byte* out, std::size_t count) {
  const auto* bytes = reinterpret_cast<const std::byte*>(source);
  switch (to) {
    case DType::s32: std::memcpy(out, source, count * sizeof(std::int32_t)); return;
    case DType::s8:
    case DType::u8:
      each<std::int32_t, std::uint8_t>(bytes, out, count,
                                       [](std::int32_t v) { return static_cast<std::uint8_t>(v); });
      return;
    default: break;
  }
  no_conversion("from_s32", to);
}

void quantise(DType to, const float* source, std::int32_t zero, std::byte* out, std::size_t count) {
  switch (to) {
    case DType::s8: return quantise_s8(source, zero, out, count);
    case DType::u8: return quantise_u8(source, zero, out, count);
    case DType::s32: return quantise_s32(source, zero, out, count);
    default: no_conversion("quantise", to);
  }
}

ASSAY_VECTOR_CLONES void canonicalize_nans(float* values, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t bits = bits_of(values[i]);
    values[i] = float_of(is_nan(bits) ? kCanonicalNan : bits);
  }
}

}  // namespace assay::core
