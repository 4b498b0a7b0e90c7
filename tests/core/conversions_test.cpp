// Conversions between element types, judged by the scalar model in golden/strict, which shares no code.
#include "golden/strict/conversions.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

#include "bits.hpp"
#include "core/numerics/convert.hpp"

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

TEST(Conversions, EveryNarrowValueWidensAsTheScalarModel) {
  for (std::uint32_t pattern = 0; pattern < 65536; ++pattern) {
    for (const DType type : {DType::f16, DType::bf16, DType::s8, DType::u8}) {
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

TEST(Conversions, WhatNoCommandNeedsIsRefused) {
  float f = 0;
  std::int32_t i = 0;
  auto* bytes = reinterpret_cast<std::byte*>(&i);
  EXPECT_THROW(core::to_f32(DType::s32, bytes, &f, 1), std::logic_error);
  EXPECT_THROW(core::from_f32(DType::s8, &f, bytes, 1), std::logic_error);
  EXPECT_THROW(core::to_s32(DType::f32, bytes, &i, 1), std::logic_error);
  EXPECT_THROW(core::from_s32(DType::bf16, &i, bytes, 1), std::logic_error);
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
