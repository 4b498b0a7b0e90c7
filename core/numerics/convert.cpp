#include "core/numerics/convert.hpp"

#include <cstring>
#include <stdexcept>

namespace assay::core {
namespace {

constexpr std::uint32_t kCanonicalNan = 0x7FC00000U;

std::uint32_t bits_of(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

float float_of(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

bool is_nan(std::uint32_t bits) { return (bits & 0x7FFFFFFFU) > 0x7F800000U; }

float bf16_to_f32(std::uint16_t value) { return float_of(std::uint32_t{value} << 16); }

std::uint16_t f32_to_bf16(float value) {
  const std::uint32_t bits = bits_of(value);
  const std::uint32_t rounded = (bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16;
  return static_cast<std::uint16_t>(is_nan(bits) ? 0x7FC0U : rounded);
}

// The exponent is moved by a multiplication, which is exact for subnormals too: a half's bits, placed
// below fp32's exponent field, are the value times 2^-112.
float f16_to_f32(std::uint16_t value) {
  const std::uint32_t magnitude = (value & 0x7FFFU) << 13;
  const std::uint32_t sign = std::uint32_t{value & 0x8000U} << 16;
  const std::uint32_t special = magnitude | 0x7F800000U;
  const std::uint32_t finite = bits_of(float_of(magnitude) * 0x1p112F);
  return float_of(sign | (magnitude >= 0x0F800000U ? special : finite));
}

// Normal results: round at bit 13 after rebiasing. Subnormal results: adding 0.5 puts their last bit
// at fp32's last bit, so that the addition itself rounds to nearest even.
std::uint16_t f32_to_f16(float value) {
  const std::uint32_t bits = bits_of(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000U;
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  const std::uint32_t normal = (magnitude - 0x38000000U + 0xFFFU + ((magnitude >> 13) & 1U)) >> 13;
  const std::uint32_t subnormal = bits_of(float_of(magnitude) + 0.5F) - 0x3F000000U;
  std::uint32_t result = magnitude < 0x38800000U ? subnormal : normal;
  if (magnitude >= 0x477FF000U) result = 0x7C00U;  // 65520 and above round to infinity
  return static_cast<std::uint16_t>(magnitude > 0x7F800000U ? 0x7E00U : sign | result);
}

template <typename From, typename To, typename Convert>
void each(const std::byte* source, std::byte* out, std::size_t count, Convert convert) {
  for (std::size_t i = 0; i < count; ++i) {
    From from;
    std::memcpy(&from, source + i * sizeof(From), sizeof from);
    const To to = convert(from);
    std::memcpy(out + i * sizeof(To), &to, sizeof to);
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
    case DType::f16: each<std::uint16_t, float>(source, bytes, count, f16_to_f32); return;
    case DType::bf16: each<std::uint16_t, float>(source, bytes, count, bf16_to_f32); return;
    case DType::s8:
      each<std::int8_t, float>(source, bytes, count, [](std::int8_t v) { return static_cast<float>(v); });
      return;
    case DType::u8:
      each<std::uint8_t, float>(source, bytes, count, [](std::uint8_t v) { return static_cast<float>(v); });
      return;
    case DType::s32: break;  // not exact
  }
  no_conversion("to_f32", from);
}

void from_f32(DType to, const float* source, std::byte* out, std::size_t count) {
  const auto* bytes = reinterpret_cast<const std::byte*>(source);
  switch (to) {
    case DType::f32:
      each<float, std::uint32_t>(bytes, out, count, [](float v) {
        const std::uint32_t bits = bits_of(v);
        return is_nan(bits) ? kCanonicalNan : bits;
      });
      return;
    case DType::f16: each<float, std::uint16_t>(bytes, out, count, f32_to_f16); return;
    case DType::bf16: each<float, std::uint16_t>(bytes, out, count, f32_to_bf16); return;
    case DType::s8:
    case DType::u8:
    case DType::s32: break;  // requantisation is an operation of its own
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
    case DType::f32:
    case DType::f16:
    case DType::bf16: break;
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
    case DType::f32:
    case DType::f16:
    case DType::bf16: break;
  }
  no_conversion("from_s32", to);
}

void canonicalize_nans(float* values, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t bits = bits_of(values[i]);
    values[i] = float_of(is_nan(bits) ? kCanonicalNan : bits);
  }
}

}  // namespace assay::core
