// Conversions of strict, against a second way: exact arithmetic on doubles, and the processor's own.
#include "golden/strict/conversions.hpp"

#include <gtest/gtest.h>
#include <immintrin.h>

#include <cmath>
#include <limits>

#include "bits.hpp"

namespace assay::golden {
namespace {

using namespace strict;

constexpr float kInf = std::numeric_limits<float>::infinity();

// A narrow format by its definition: value = fraction * 2^..., no bit tricks.
double half_by_definition(std::uint32_t word, int exponent_bits, int fraction_bits) {
  const int field = static_cast<int>(word >> fraction_bits) & ((1 << exponent_bits) - 1);
  const int fraction = static_cast<int>(word) & ((1 << fraction_bits) - 1);
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const double sign = (word & 0x8000U) != 0 ? -1 : 1;
  if (field == (1 << exponent_bits) - 1) return fraction != 0 ? std::nan("") : sign * kInf;
  if (field == 0) return sign * std::ldexp(fraction, 1 - bias - fraction_bits);
  return sign * std::ldexp(fraction + (1 << fraction_bits), field - bias - fraction_bits);
}

template <typename Convert>
void expect_widening(Convert convert, int exponent_bits, int fraction_bits) {
  for (std::uint32_t word = 0; word < 65536; ++word) {
    const double want = half_by_definition(word, exponent_bits, fraction_bits);
    const float got = convert(static_cast<std::uint16_t>(word));
    ASSERT_EQ(bits(got), std::isnan(want) ? 0x7FC00000U : bits(static_cast<float>(want))) << word;
  }
}

TEST(Widening, EveryF16IsExactAndEveryNanCanonical) { expect_widening(f32_from_f16, 5, 10); }
TEST(Widening, EveryBf16IsExactAndEveryNanCanonical) { expect_widening(f32_from_bf16, 8, 7); }

// Between each pair of neighbours: the midpoint goes to the even one, everything else to the nearer one.
template <typename Narrow>
void expect_nearest_even(Narrow narrow, std::uint16_t infinity, int exponent_bits, int fraction_bits) {
  for (std::uint16_t low = 0; low < infinity; ++low) {
    const auto high = static_cast<std::uint16_t>(low + 1);
    const double below = half_by_definition(low, exponent_bits, fraction_bits);
    // Infinity stands where the next finite value would be.
    const double above = high == infinity
                             ? 2 * below - half_by_definition(low - 1U, exponent_bits, fraction_bits)
                             : half_by_definition(high, exponent_bits, fraction_bits);
    const auto middle = static_cast<float>((below + above) / 2);
    ASSERT_EQ(static_cast<double>(middle), (below + above) / 2) << "the midpoint is an f32";
    const std::uint16_t even = (low & 1) == 0 ? low : high;
    for (const std::uint32_t sign : {0U, 0x8000U}) {
      const float s = sign != 0 ? -1.0F : 1.0F;
      ASSERT_EQ(narrow(s * static_cast<float>(below)), sign | low);
      ASSERT_EQ(narrow(s * middle), sign | even) << low;
      ASSERT_EQ(narrow(s * std::nextafter(middle, 0.0F)), sign | low) << low;
      ASSERT_EQ(narrow(s * std::nextafter(middle, kInf)), sign | high) << low;
    }
  }
}

TEST(Narrowing, F16RoundsToNearestEvenAtEveryNeighbourPair) {
  expect_nearest_even(f16_from_f32, 0x7C00, 5, 10);
}
TEST(Narrowing, Bf16RoundsToNearestEvenAtEveryNeighbourPair) {
  expect_nearest_even(bf16_from_f32, 0x7F80, 8, 7);
}

// fp8, each pair of neighbours: between them the nearer one, half way the even one.
template <typename Widen, typename Narrow>
void expect_fp8(Widen widen, Narrow narrow, std::uint8_t largest, std::uint8_t overflow) {
  for (std::uint32_t code = 0; code < largest; ++code) {
    const float low = widen(static_cast<std::uint8_t>(code)),
                high = widen(static_cast<std::uint8_t>(code + 1));
    const float middle = (low + high) / 2;
    for (const std::uint32_t sign : {0U, 0x80U}) {
      const float s = sign != 0 ? -1.0F : 1.0F;
      for (const bool saturate : {false, true}) {
        ASSERT_EQ(narrow(s * low, saturate), sign | code);
        ASSERT_EQ(narrow(s * std::nextafter(middle, 0.0F), saturate), sign | code);
        ASSERT_EQ(narrow(s * middle, saturate), sign | (code + (code & 1)));
        ASSERT_EQ(narrow(s * std::nextafter(middle, kInf), saturate), sign | (code + 1));
      }
    }
  }
  const float top = widen(largest), below = widen(static_cast<std::uint8_t>(largest - 1));
  const float end = top + (top - below) / 2;  // half way to what would be the next value
  const bool even = (largest & 1) == 0;
  for (const float value : {even ? std::nextafter(end, kInf) : end, 1e30F, kInf}) {
    EXPECT_EQ(narrow(value, true), largest);
    EXPECT_EQ(narrow(-value, true), 0x80 | largest);
    EXPECT_EQ(narrow(value, false), overflow);
    EXPECT_EQ(narrow(-value, false), overflow == 0x7F ? 0x7F : 0x80 | overflow);
  }
  EXPECT_EQ(narrow(even ? end : std::nextafter(end, 0.0F), false), largest);
}

TEST(Narrowing, E4m3RoundsToNearestEvenAndEndsAt448) {
  expect_fp8(f32_from_e4m3, e4m3_from_f32, 0x7E, 0x7F);
  for (const bool saturate : {false, true}) EXPECT_EQ(e4m3_from_f32(f32(0xFFC12345), saturate), 0x7F);
}
TEST(Narrowing, E5m2RoundsToNearestEvenAndEndsAt57344) {
  expect_fp8(f32_from_e5m2, e5m2_from_f32, 0x7B, 0x7C);
  for (const bool saturate : {false, true}) EXPECT_EQ(e5m2_from_f32(f32(0xFFC12345), saturate), 0x7E);
}

TEST(Widening, EveryFp8IsWhatTheFormatSays) {
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    const auto b = static_cast<std::uint8_t>(byte);
    const double e4m3 = decode(DType::e4m3, byte), e5m2 = decode(DType::e5m2, byte);
    EXPECT_EQ(bits(f32_from_e4m3(b)), std::isnan(e4m3) ? 0x7FC00000U : bits(static_cast<float>(e4m3)))
        << byte;
    EXPECT_EQ(bits(f32_from_e5m2(b)), std::isnan(e5m2) ? 0x7FC00000U : bits(static_cast<float>(e5m2)))
        << byte;
  }
}

TEST(Narrowing, OverflowInfinityZeroAndNan) {
  EXPECT_EQ(f16_from_f32(65504.0F), 0x7BFF);
  EXPECT_EQ(f16_from_f32(std::nextafter(65520.0F, 0.0F)), 0x7BFF);
  EXPECT_EQ(f16_from_f32(65520.0F), 0x7C00);
  EXPECT_EQ(f16_from_f32(-3e38F), 0xFC00);
  EXPECT_EQ(f16_from_f32(-kInf), 0xFC00);
  EXPECT_EQ(bf16_from_f32(std::numeric_limits<float>::max()), 0x7F80);
  EXPECT_EQ(f16_from_f32(-0.0F), 0x8000);
  EXPECT_EQ(bf16_from_f32(-0.0F), 0x8000);
  EXPECT_EQ(f16_from_f32(f32(1)), 0);  // the smallest f32 subnormal
  for (const std::uint32_t nan : {0x7F800001U, 0xFFC12345U, 0xFFFFFFFFU, 0x7FC00000U}) {
    EXPECT_EQ(f16_from_f32(f32(nan)), 0x7E00);
    EXPECT_EQ(bf16_from_f32(f32(nan)), 0x7FC0);
  }
}

[[gnu::target("f16c,avx")]] std::uint16_t f16_by_processor(float value) {
  return static_cast<std::uint16_t>(_cvtss_sh(value, _MM_FROUND_TO_NEAREST_INT));
}

TEST(Narrowing, F16AgreesWithTheProcessorOnStridedF32) {
  if (__builtin_cpu_supports("f16c") == 0) GTEST_SKIP() << "no F16C on this processor";
  for (std::uint64_t word = 0; word < (std::uint64_t{1} << 32); word += 1009) {  // a prime: every low bit
    const float value = f32(static_cast<std::uint32_t>(word));
    if (std::isnan(value)) continue;
    ASSERT_EQ(f16_from_f32(value), f16_by_processor(value)) << word;
  }
}

TEST(Narrowing, NarrowFormatsAgreeWithDoubleArithmeticOnStridedF32) {
  for (std::uint64_t word = 0; word < (std::uint64_t{1} << 32); word += 10007) {
    const float value = f32(static_cast<std::uint32_t>(word));
    ASSERT_EQ(f16_from_f32(value), encode(DType::f16, value)) << word;
    ASSERT_EQ(bf16_from_f32(value), encode(DType::bf16, value)) << word;
  }
}

TEST(Integers, S32ToF32RoundsAsTheProcessorDoes) {
  for (std::int64_t value = INT32_MIN; value <= INT32_MAX; value += 65521) {
    const auto v = static_cast<std::int32_t>(value);
    ASSERT_EQ(bits(f32_from_s32(v)), bits(static_cast<float>(v))) << v;
  }
  for (const std::int32_t v : {0, 1, -1, 16777215, 16777216, 16777217, 16777219, -16777217, 33554431,
                               INT32_MAX, INT32_MIN, INT32_MIN + 1})
    EXPECT_EQ(bits(f32_from_s32(v)), bits(static_cast<float>(v))) << v;
}

TEST(Integers, F32RoundsHalfToEvenAndSaturates) {
  EXPECT_EQ(s8_from_f32(0.5F), 0);
  EXPECT_EQ(s8_from_f32(1.5F), 2);
  EXPECT_EQ(s8_from_f32(2.5F), 2);
  EXPECT_EQ(s8_from_f32(-2.5F), -2);
  EXPECT_EQ(s8_from_f32(127.5F), 127);
  EXPECT_EQ(s8_from_f32(-128.5F), -128);
  EXPECT_EQ(s8_from_f32(-1e30F), -128);
  EXPECT_EQ(u8_from_f32(-1.0F), 0);
  EXPECT_EQ(u8_from_f32(255.5F), 255);
  EXPECT_EQ(s32_from_f32(2147483648.0F), INT32_MAX);
  EXPECT_EQ(s32_from_f32(-2147483648.0F), INT32_MIN);
  EXPECT_EQ(s32_from_f32(kInf), INT32_MAX);
  EXPECT_EQ(s32_from_f32(-kInf), INT32_MIN);
  EXPECT_EQ(s32_from_f32(f32(0xFFC00001)), 0);
  EXPECT_EQ(u8_from_f32(f32(0x7F800001)), 0);
}

TEST(Integers, EveryConversionAgreesWithDoubleArithmeticOnStridedF32) {
  for (std::uint64_t word = 0; word < (std::uint64_t{1} << 32); word += 20011) {
    const float value = f32(static_cast<std::uint32_t>(word));
    ASSERT_EQ(static_cast<std::uint8_t>(s8_from_f32(value)), encode(DType::s8, value)) << word;
    ASSERT_EQ(u8_from_f32(value), encode(DType::u8, value)) << word;
    ASSERT_EQ(static_cast<std::uint32_t>(s32_from_f32(value)), encode(DType::s32, value)) << word;
  }
}

TEST(Storage, AnF32ElementKeepsItsBitsBothWays) {
  const std::uint32_t payload = 0xFFA55555;  // a signalling NaN
  std::uint32_t out = 0;
  const float loaded = load_f32(DType::f32, reinterpret_cast<const std::byte*>(&payload), 0);
  store_f32(DType::f32, loaded, reinterpret_cast<std::byte*>(&out), 0);
  EXPECT_EQ(out, payload);
}

}  // namespace
}  // namespace assay::golden
