#include "golden/strict/conversions.hpp"

#include <cstring>

#include "base/error.hpp"

namespace assay::golden::strict {
namespace {

constexpr std::uint32_t kSign = 0x80000000U;
constexpr std::uint32_t kInfinity = 0x7F800000U;

// value / 2^shift, rounded to nearest, ties to even; everything below half a unit gives 0.
std::uint64_t shift_right_rounded(std::uint64_t value, int shift) {
  if (shift <= 0) return value << -shift;
  if (shift > 62) return 0;
  const std::uint64_t floor = value >> shift;
  const std::uint64_t rest = value & ((std::uint64_t{1} << shift) - 1);
  const std::uint64_t half = std::uint64_t{1} << (shift - 1);
  const bool up = rest > half || (rest == half && (floor & 1) != 0);
  return floor + (up ? 1 : 0);
}

// A finite f32 as sign, integer significand and exponent: magnitude = significand * 2^exponent.
struct Parts {
  bool negative;
  std::uint64_t significand;
  int exponent;
};

Parts parts_of(std::uint32_t bits) {
  const int biased = static_cast<int>((bits >> 23) & 0xFF);
  const std::uint32_t fraction = bits & 0x7FFFFF;
  if (biased == 0) return {(bits & kSign) != 0, fraction, -149};
  return {(bits & kSign) != 0, fraction | 0x800000U, biased - 150};
}

}  // namespace

std::uint32_t bits_of(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

float from_bits(std::uint32_t bits) {
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

bool is_nan(float value) { return (bits_of(value) & ~kSign) > kInfinity; }

float canonical(float value) { return is_nan(value) ? from_bits(kCanonicalNan) : value; }

float f32_from_f16(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000U) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1FU;
  std::uint32_t fraction = bits & 0x3FFU;
  if (exponent == 0x1F) return from_bits(fraction != 0 ? kCanonicalNan : sign | kInfinity);
  if (exponent != 0) return from_bits(sign | ((exponent + 112) << 23) | (fraction << 13));
  if (fraction == 0) return from_bits(sign);
  std::uint32_t biased = 113;  // a subnormal: shift its first one into the hidden place
  while ((fraction & 0x400U) == 0) {
    fraction <<= 1;
    --biased;
  }
  return from_bits(sign | (biased << 23) | ((fraction & 0x3FFU) << 13));
}

float f32_from_bf16(std::uint16_t bits) {
  return canonical(from_bits(static_cast<std::uint32_t>(bits) << 16));
}

float f32_from_e4m3(std::uint8_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x80U) << 24;
  const std::uint32_t exponent = (bits >> 3) & 0xFU;
  const std::uint32_t fraction = bits & 7U;
  if (exponent == 15 && fraction == 7) return from_bits(kCanonicalNan);
  if (exponent != 0) return from_bits(sign | ((exponent + 120) << 23) | (fraction << 20));
  return from_bits(sign | bits_of(f32_from_s32(static_cast<std::int32_t>(fraction)) * 0x1p-9F));
}

// The upper half of an f16.
float f32_from_e5m2(std::uint8_t bits) { return f32_from_f16(static_cast<std::uint16_t>(bits << 8)); }

float f32_from_s32(std::int32_t value) {
  if (value == 0) return 0.0F;
  const bool negative = value < 0;
  std::uint64_t magnitude = negative ? std::uint64_t{0} - static_cast<std::uint64_t>(std::int64_t{value})
                                     : static_cast<std::uint64_t>(value);
  int top = 31;
  while ((magnitude >> top) == 0) --top;
  magnitude = shift_right_rounded(magnitude, top - 23);  // now 24 bits, or 2^24 after a carry
  const std::uint32_t exponent = static_cast<std::uint32_t>(top + 126) << 23;
  return from_bits((negative ? kSign : 0) | (exponent + static_cast<std::uint32_t>(magnitude)));
}

std::uint16_t f16_from_f32(float value) {
  const std::uint32_t bits = bits_of(value);
  const auto sign = static_cast<std::uint16_t>((bits & kSign) >> 16);
  const std::uint32_t magnitude = bits & ~kSign;
  if (magnitude > kInfinity) return 0x7E00;
  if (magnitude == kInfinity) return static_cast<std::uint16_t>(sign | 0x7C00U);
  const Parts p = parts_of(bits);
  const int biased = static_cast<int>(magnitude >> 23) - 112;  // f16's exponent field
  // A normal result keeps 11 significant bits, a subnormal one counts units of 2^-24.
  const int shift = biased >= 1 ? 13 : -24 - p.exponent;
  std::uint64_t result = shift_right_rounded(p.significand, shift);
  if (biased >= 1) result += static_cast<std::uint64_t>(biased - 1) << 10;  // the hidden one adds the last 1
  if (result > 0x7C00) result = 0x7C00;
  return static_cast<std::uint16_t>(sign | result);
}

std::uint16_t bf16_from_f32(float value) {
  const std::uint32_t bits = bits_of(value);
  if ((bits & ~kSign) > kInfinity) return 0x7FC0;
  // The upper half, rounded: a carry runs into the exponent and, at the top, gives infinity.
  const std::uint64_t magnitude = shift_right_rounded(bits & ~kSign, 16);
  return static_cast<std::uint16_t>(((bits & kSign) >> 16) | magnitude);
}

std::int64_t integer_from_f32(float value, std::int64_t low, std::int64_t high) {
  const std::uint32_t bits = bits_of(value);
  const std::uint32_t magnitude = bits & ~kSign;
  if (magnitude > kInfinity) return 0;
  const Parts p = parts_of(bits);
  const bool huge = magnitude == kInfinity || p.exponent > 16;  // at least 2^40
  if (huge) return p.negative ? low : high;
  const auto rounded = static_cast<std::int64_t>(shift_right_rounded(p.significand, -p.exponent));
  const std::int64_t result = p.negative ? -rounded : rounded;
  if (result < low) return low;
  return result > high ? high : result;
}

namespace {

// An eight-bit float of `fraction_bits`: the magnitude of a finite value rounded to units of its last place,
// as if its exponents had no end.
std::uint64_t fp8_magnitude(float value, int bias, int fraction_bits) {
  const Parts p = parts_of(bits_of(value));
  const int biased = static_cast<int>((bits_of(value) >> 23) & 0xFF) - 127 + bias;
  if (biased < 1) return shift_right_rounded(p.significand, 1 - bias - fraction_bits - p.exponent);
  return shift_right_rounded(p.significand, 23 - fraction_bits) +
         (static_cast<std::uint64_t>(biased - 1) << fraction_bits);
}

}  // namespace

std::uint8_t e4m3_from_f32(float value, bool saturate) {
  if (is_nan(value)) return 0x7F;
  const auto sign = static_cast<std::uint8_t>(bits_of(value) >> 31 << 7);
  const bool infinite = (bits_of(value) & ~kSign) == kInfinity;
  const std::uint64_t magnitude = infinite ? 0x7F : fp8_magnitude(value, 7, 3);
  if (magnitude > 0x7E) return saturate ? sign | 0x7E : 0x7F;
  return static_cast<std::uint8_t>(sign | magnitude);
}

std::uint8_t e5m2_from_f32(float value, bool saturate) {
  if (is_nan(value)) return 0x7E;
  const auto sign = static_cast<std::uint8_t>(bits_of(value) >> 31 << 7);
  const bool infinite = (bits_of(value) & ~kSign) == kInfinity;
  const std::uint64_t magnitude = infinite ? 0x7C : fp8_magnitude(value, 15, 2);
  if (magnitude > 0x7B) return static_cast<std::uint8_t>(sign | (saturate ? 0x7B : 0x7C));
  return static_cast<std::uint8_t>(sign | magnitude);
}

std::int32_t s32_from_f32(float value) {
  return static_cast<std::int32_t>(integer_from_f32(value, INT32_MIN, INT32_MAX));
}
std::int8_t s8_from_f32(float value) { return static_cast<std::int8_t>(integer_from_f32(value, -128, 127)); }
std::uint8_t u8_from_f32(float value) { return static_cast<std::uint8_t>(integer_from_f32(value, 0, 255)); }

float load_f32(DType type, const std::byte* storage, std::size_t index) {
  if (!is_float(type)) return f32_from_s32(load_s32(type, storage, index));
  if (type == DType::f32) {
    float value = 0;
    std::memcpy(&value, storage + 4 * index, sizeof value);
    return value;
  }
  if (type == DType::e4m3) return f32_from_e4m3(std::to_integer<std::uint8_t>(storage[index]));
  if (type == DType::e5m2) return f32_from_e5m2(std::to_integer<std::uint8_t>(storage[index]));
  std::uint16_t half = 0;
  std::memcpy(&half, storage + 2 * index, sizeof half);
  return type == DType::f16 ? f32_from_f16(half) : f32_from_bf16(half);
}

std::int32_t load_s32(DType type, const std::byte* storage, std::size_t index) {
  switch (type) {
    case DType::s8: return static_cast<std::int8_t>(storage[index]);
    case DType::u8: return static_cast<std::uint8_t>(storage[index]);
    case DType::s4:
    case DType::u4: {
      const int nibble = std::to_integer<int>(storage[index / 2] >> (index % 2 == 0 ? 0 : 4)) & 15;
      return type == DType::s4 && nibble > 7 ? nibble - 16 : nibble;
    }
    case DType::s32: {
      std::int32_t value = 0;
      std::memcpy(&value, storage + 4 * index, sizeof value);
      return value;
    }
    default: fail(ExitCode::Error, "strict: {} is not an integer type", to_string(type));
  }
}

void store_f32(DType type, float value, std::byte* storage, std::size_t index, bool saturate) {
  const auto put = [&](auto element) {
    std::memcpy(storage + sizeof element * index, &element, sizeof element);
  };
  switch (type) {
    case DType::f32: put(value); return;
    case DType::f16: put(f16_from_f32(value)); return;
    case DType::bf16: put(bf16_from_f32(value)); return;
    case DType::e4m3: put(e4m3_from_f32(value, saturate)); return;
    case DType::e5m2: put(e5m2_from_f32(value, saturate)); return;
    case DType::s8: put(s8_from_f32(value)); return;
    case DType::u8: put(u8_from_f32(value)); return;
    case DType::s32: put(s32_from_f32(value)); return;
    case DType::s4:
    case DType::u4:
    case DType::f64: fail(ExitCode::Error, "strict: no conversion to {}", to_string(type));
  }
}

}  // namespace assay::golden::strict
