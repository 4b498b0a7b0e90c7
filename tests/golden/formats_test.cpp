// Element formats as fp64 values.
#include "golden/formats.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "bits.hpp"
#include "testgen/random.hpp"

namespace assay::golden {
namespace {

TEST(Formats, Every16BitPatternComesBackAndNanCanonical) {
  for (const DType type : {DType::f16, DType::bf16})
    for (std::uint64_t word = 0; word < 65536; ++word) {
      const double value = decode(type, word);
      const std::uint64_t nan = type == DType::f16 ? 0x7E00U : 0x7FC0U;
      ASSERT_EQ(encode(type, value), std::isnan(value) ? nan : word) << to_string(type);
    }
}

TEST(Formats, EveryFp8PatternComesBackWithNanCanonicalAndInfinitySaturated) {
  for (std::uint64_t byte = 0; byte < 256; ++byte) {
    const double e4m3 = decode(DType::e4m3, byte), e5m2 = decode(DType::e5m2, byte);
    EXPECT_EQ(std::isnan(e4m3), (byte & 127) == 127);
    EXPECT_EQ(encode(DType::e4m3, e4m3), std::isnan(e4m3) ? 0x7FU : byte);
    EXPECT_EQ(std::isinf(e5m2), (byte & 127) == 124);
    EXPECT_EQ(encode(DType::e5m2, e5m2), std::isnan(e5m2) ? 0x7EU : std::isinf(e5m2) ? byte - 1 : byte);
  }
  EXPECT_EQ(decode(DType::e4m3, 0x7E), 448);
  EXPECT_EQ(decode(DType::e4m3, 0x81), -0x1p-9);
  EXPECT_EQ(decode(DType::e5m2, 0x7B), 57344);
  EXPECT_EQ(decode(DType::e5m2, 0x01), 0x1p-16);
  EXPECT_EQ(encode(DType::e4m3, 1e9), 0x7EU);
  EXPECT_EQ(encode(DType::e5m2, -INFINITY), 0xFBU);
  EXPECT_EQ(largest_finite(DType::e4m3), 448);
  EXPECT_EQ(largest_finite(DType::e5m2), 57344);
}

TEST(Formats, FourBitElementsShareABytesNibbles) {
  const Tensor t = tensor(DType::s4, {5}, {-8, 7, -1, 0, 3});
  EXPECT_EQ(t.bytes, (std::vector<std::byte>{std::byte{0x78}, std::byte{0x0F}, std::byte{0x03}}));
  EXPECT_EQ(decode(t), (std::vector<double>{-8, 7, -1, 0, 3}));
  EXPECT_EQ(decode(tensor(DType::u4, {2}, {15.4, -3})), (std::vector<double>{15, 0}));
}

TEST(Formats, ManyF32PatternsComeBack) {
  for (std::uint64_t word = 0; word < (std::uint64_t{1} << 32); word += 30011) {
    const double value = decode(DType::f32, word);
    ASSERT_EQ(encode(DType::f32, value), std::isnan(value) ? 0x7FC00000U : word);
  }
}

TEST(Formats, F64IsItsOwnValue) {
  for (const double value : {0.1, -0.0, 0x1p-1074, -0x1.fffffffffffffp1023, HUGE_VAL}) {
    EXPECT_EQ(std::signbit(round_to(DType::f64, value)), std::signbit(value));
    EXPECT_EQ(round_to(DType::f64, value), value);
  }
  EXPECT_EQ(encode(DType::f64, -std::nan("7")), 0x7FF8000000000000U);
  EXPECT_EQ(unit_roundoff(DType::f64), 0x1p-53);
  EXPECT_EQ(ulp_at(DType::f64, 1.5), 0x1p-52);
  EXPECT_EQ(half_smallest(DType::f64), 0x1p-1074);
  EXPECT_EQ(largest_finite(DType::f64), 0x1.fffffffffffffp1023);
  EXPECT_EQ(decode(tensor(DType::f64, {2}, {0.1, -3})), (std::vector<double>{0.1, -3}));
}

TEST(Formats, F32RoundsAsTheProcessorDoes) {
  for (const double value : {1 + 0x1p-24, 1 + 0x3p-24, 1 + 0x1p-24 + 0x1p-50, 0x1p-150, 0x1.8p-149,
                             0x1p-127 + 0x1p-151, 3.5e38, 0x1.fffffefp127, 0x1.ffffffp127, -0.0, -1e-60})
    EXPECT_EQ(encode(DType::f32, value), bits(static_cast<float>(value))) << value;
}

TEST(Formats, ManyValuesEncodeAsOneDoes) {
  testgen::ElementRandom random(3, 0);
  std::vector<double> values{0.0,   -0.0,    std::nan(""), INFINITY, -INFINITY,
                             1e300, -1e-300, 65519.99,     0x1p-149};
  for (int i = 0; i < 5000; ++i) values.push_back(std::ldexp(random.unit() - 0.5, random.between(-160, 140)));
  for (const DType type : {DType::f32, DType::f16, DType::bf16, DType::s8, DType::s32}) {
    Tensor all("t", type, {static_cast<std::int64_t>(values.size())});
    encode(type, values.data(), values.size(), all.bytes.data());
    EXPECT_EQ(all.bytes, tensor(type, all.shape, values).bytes) << to_string(type);
  }
}

TEST(Formats, RoundsToTheNearestOfTwoNeighbours) {
  testgen::ElementRandom random(5, 0);
  for (const DType type : {DType::f16, DType::bf16})
    for (int i = 0; i < 20000; ++i) {
      const std::uint64_t word = random.below(type == DType::f16 ? 0x7BFF : 0x7F7F);  // below the largest
      const double low = decode(type, word), high = decode(type, word + 1);
      const double value = low + (high - low) * random.unit();
      const double middle = (low + high) / 2;
      const std::uint64_t even = word + (word & 1);
      EXPECT_EQ(encode(type, value), value < middle ? word : value > middle ? word + 1 : even);
      EXPECT_EQ(encode(type, middle), even);
    }
}

TEST(Formats, UnitsAtTheEdges) {
  EXPECT_EQ(ulp_at(DType::f32, 1), 0x1p-23);
  EXPECT_EQ(ulp_at(DType::f16, 0), 0x1p-24);
  EXPECT_EQ(ulp_at(DType::bf16, 1.99), 0x1p-7);
  EXPECT_EQ(ulp_at(DType::s32, 1e9), 1);
  EXPECT_EQ(half_smallest(DType::f32), 0x1p-150);
  EXPECT_EQ(unit_roundoff(DType::bf16), 0x1p-8);
  EXPECT_EQ(largest_finite(DType::f16), 65504);
  EXPECT_EQ(largest_finite(DType::f32), static_cast<double>(std::numeric_limits<float>::max()));
}

}  // namespace
}  // namespace assay::golden
