// Conversions between element types, judged by the scalar model in golden/strict, which shares no code.
#include "golden/strict/conversions.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <stdexcept>
#include <vector>

#include "bits.hpp"
#include "core/numerics/convert.hpp"
#include "golden/strict/vector_pass.hpp"

namespace assay {
namespace {

namespace strict = golden::strict;
using test::bits_of;
using test::float_of;

// Compares a conversion of each value with the scalar one.
void expect_same(DType to, const std::vector<float>& values) {
  std::vector<std::byte> got(values.size() * size_of(to)), expected(got.size());
  core::from_f32(to, values.data(), got.data(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) strict::store_f32(to, values[i], expected.data(), i);
  if (got == expected) return;
  for (std::size_t i = 0; i < values.size(); ++i)
    ASSERT_EQ(std::memcmp(&got[i * size_of(to)], &expected[i * size_of(to)], size_of(to)), 0)
        << to_string(to) << " of " << std::hex << bits_of(values[i]);
}

// fp32 values around each of the 16-bit type's: itself, a unit beside it, the midpoints to its neighbours
// and a unit beside those.
std::vector<float> neighbourhoods(DType type) {
  std::vector<float> values;
  for (std::uint32_t half = 0; half < 65536; ++half) {
    const auto bits = static_cast<std::uint16_t>(half);
    float centre = 0, next = 0;
    const auto above = static_cast<std::uint16_t>(half + 1);
    core::to_f32(type, reinterpret_cast<const std::byte*>(&bits), &centre, 1);
    core::to_f32(type, reinterpret_cast<const std::byte*>(&above), &next, 1);
    const std::uint32_t middle =
        bits_of(centre) / 2 + bits_of(next) / 2 + (bits_of(centre) & bits_of(next) & 1);
    for (const std::uint32_t at : {bits_of(centre), middle})
      for (const std::uint32_t b : {at - 1, at, at + 1}) values.push_back(float_of(b));
  }
  return values;
}

TEST(Conversions, EveryNeighbourhoodOfEveryHalfRoundsAsTheScalarModel) {
  for (const DType type : {DType::f16, DType::bf16}) expect_same(type, neighbourhoods(type));
}

// bf16 keeps 16 bits of 32 and f16 no more than 19: all upper halves with the lower ones that decide.
TEST(Conversions, EveryUpperHalfOfFp32RoundsAsTheScalarModel) {
  std::vector<float> values;
  for (std::uint32_t upper = 0; upper < 65536; ++upper)
    for (const std::uint32_t lower :
         {0u, 1u, 0x0FFFu, 0x1000u, 0x1001u, 0x2FFFu, 0x3000u, 0x7FFFu, 0x8000u, 0x8001u, 0xFFFFu})
      values.push_back(float_of(upper << 16 | lower));
  for (const DType type : {DType::f16, DType::bf16}) expect_same(type, values);
}

// Around each value that fp8 keeps or rounds at: all upper halves of fp32 do, a few units to either side.
TEST(Conversions, Fp8RoundsAndSaturatesAsTheScalarModel) {
  for (std::uint32_t upper = 0; upper < 65536; ++upper)
    for (const std::uint32_t lower : {0u, 1u, 0xFFFFu}) {
      const float value = float_of(upper << 16 | lower);
      for (const bool saturate : {false, true}) {
        std::uint8_t e4m3 = 0, e5m2 = 0;
        core::from_f32(DType::e4m3, &value, reinterpret_cast<std::byte*>(&e4m3), 1, saturate);
        core::from_f32(DType::e5m2, &value, reinterpret_cast<std::byte*>(&e5m2), 1, saturate);
        ASSERT_EQ(e4m3, strict::e4m3_from_f32(value, saturate)) << value << (saturate ? " saturated" : "");
        ASSERT_EQ(e5m2, strict::e5m2_from_f32(value, saturate)) << value << (saturate ? " saturated" : "");
      }
    }
}

TEST(Conversions, EveryNarrowValueWidensAsTheScalarModel) {
  for (std::uint32_t pattern = 0; pattern < 65536; ++pattern) {
    for (const DType type : {DType::f16, DType::bf16, DType::s8, DType::u8, DType::e4m3, DType::e5m2}) {
      float got = 0;
      core::to_f32(type, reinterpret_cast<const std::byte*>(&pattern), &got, 1);
      core::canonicalize_nans(&got, 1);
      const float expected = strict::load_f32(type, reinterpret_cast<const std::byte*>(&pattern), 0);
      ASSERT_EQ(bits_of(got), bits_of(expected)) << to_string(type) << " " << std::hex << pattern;
    }
  }
}

TEST(Conversions, IntegersWidenExactlyAndWrapBack) {
  for (int v = -300; v <= 300; ++v) {
    const std::int32_t wide = v * 7919;
    std::uint8_t narrow = 0;
    for (const DType type : {DType::s8, DType::u8}) {
      core::from_s32(type, &wide, reinterpret_cast<std::byte*>(&narrow), 1);
      EXPECT_EQ(narrow, static_cast<std::uint8_t>(wide));
      std::int32_t back = 0;
      core::to_s32(type, reinterpret_cast<const std::byte*>(&narrow), &back, 1);
      EXPECT_EQ(back, strict::load_s32(type, reinterpret_cast<const std::byte*>(&narrow), 0));
    }
  }
}

void expect_same_integers(DType to, const std::vector<float>& values, std::int32_t zero) {
  const std::size_t element = size_of(to);
  std::vector<std::byte> got(values.size() * element);
  core::quantise(to, values.data(), zero, got.data(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::int32_t expected = strict::quantise(values[i], zero, to);
    ASSERT_EQ(std::memcmp(&got[i * element], &expected, element), 0)
        << to_string(to) << " of " << std::hex << bits_of(values[i]) << std::dec << ", zero " << zero;
  }
}

TEST(Conversions, EveryZeroPointMeetsTiesAndBothEnds) {
  const std::vector<float> always{NAN,  INFINITY, -INFINITY, 0.0F,    -0.0F,    0.5F,
                                  1.5F, -0.5F,    -1.5F,     0x1p40F, -0x1p127F};
  for (const DType to : {DType::s8, DType::u8, DType::s32}) {
    const double low = to == DType::s8 ? -128 : to == DType::u8 ? 0 : INT32_MIN;
    const double high = to == DType::s8 ? 127 : to == DType::u8 ? 255 : INT32_MAX;
    for (std::int32_t zero = -32768; zero < 32768; ++zero) {
      std::vector<float> values = always;
      for (const double end : {low - zero, high - zero})
        for (int half = -4; half <= 4; ++half) {
          const auto at = static_cast<float>(end + half / 2.0);
          for (const int step : {-1, 0, 1})
            values.push_back(float_of(bits_of(at) + static_cast<std::uint32_t>(step)));
        }
      expect_same_integers(to, values, zero);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(Conversions, EveryUpperHalfOfFp32QuantisesAsTheScalarModel) {
  std::vector<float> values;
  for (std::uint32_t upper = 0; upper < 65536; ++upper)
    for (const std::uint32_t lower : {0u, 1u, 0x7FFFu, 0x8000u, 0x8001u, 0xFFFFu})
      values.push_back(float_of(upper << 16 | lower));
  for (const DType to : {DType::s8, DType::u8, DType::s32})
    for (const std::int32_t zero : {-32768, -128, 0, 3, 128, 32767}) expect_same_integers(to, values, zero);
}

TEST(Conversions, IntegersRoundHalfToEvenThenAddTheZeroPointThenSaturate) {
  const float values[] = {0.5F, 1.5F, 2.5F, -0.5F, -2.5F, 126.5F, 127.5F, NAN, -INFINITY, 1e9F};
  std::int8_t s8[10];
  core::quantise(DType::s8, values, 0, reinterpret_cast<std::byte*>(s8), 10);
  EXPECT_THAT(s8, testing::ElementsAre(0, 2, 2, 0, -2, 126, 127, 0, -128, 127));
  core::quantise(DType::s8, values, -3, reinterpret_cast<std::byte*>(s8), 10);
  EXPECT_THAT(s8, testing::ElementsAre(-3, -1, -1, -3, -5, 123, 125, -3, -128, 127));
}

TEST(Conversions, WhatNoCommandNeedsIsRefused) {
  float f = 0;
  std::int32_t i = 0;
  auto* bytes = reinterpret_cast<std::byte*>(&i);
  EXPECT_THROW(core::to_f32(DType::s32, bytes, &f, 1), std::logic_error);
  EXPECT_THROW(core::from_f32(DType::s8, &f, bytes, 1), std::logic_error);
  EXPECT_THROW(core::to_s32(DType::f32, bytes, &i, 1), std::logic_error);
  EXPECT_THROW(core::from_s32(DType::bf16, &i, bytes, 1), std::logic_error);
  EXPECT_THROW(core::quantise(DType::f16, &f, 0, bytes, 1), std::logic_error);
}

TEST(Conversions, NanBecomesCanonicalAndNothingElseIsTouched) {
  std::vector<float> values;
  for (const std::uint32_t b : test::kSpecialFloats) values.push_back(float_of(b));
  std::vector<float> got = values;
  core::canonicalize_nans(got.data(), got.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    EXPECT_EQ(bits_of(got[i]), values[i] != values[i] ? test::kCanonicalNan : bits_of(values[i]));
}

}  // namespace
}  // namespace assay
