// The dot product of docs/numerics.md.
#include "golden/strict/dot.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "bits.hpp"

namespace assay::golden {
namespace {

using strict::dot_chain;

constexpr float kInf = std::numeric_limits<float>::infinity();

float dot(const std::vector<float>& a, const std::vector<float>& b, float start = 0) {
  return dot_chain(start, a.data(), b.data(), a.size());
}

TEST(Dot, ProductsAreFusedNotRounded) {
  const float a = 1 + 0x1p-12F;
  EXPECT_EQ(dot({1, a}, {-1, a}), 0x1p-11F + 0x1p-24F);  // a rounded product would lose 2^-24
}

TEST(Dot, AProductBeyondTheRangeMayStillMeetAPartialThatBringsItBack) {
  EXPECT_EQ(dot({2}, {3e38F}, -3e38F), 3e38F);  // multiply-then-add gives infinity
}

TEST(Dot, KIsAscending) {
  EXPECT_EQ(dot({1e30F, 1, -1e30F}, {1, 1, 1}), 0);
  EXPECT_EQ(dot({1e30F, -1e30F, 1}, {1, 1, 1}), 1);
}

TEST(Dot, StartsFromPlusZero) {
  EXPECT_EQ(bits(dot({-0.0F, 0}, {1, -5})), 0U);
  EXPECT_EQ(bits(dot({-0.0F}, {1}, -0.0F)), 0x80000000U);
}

TEST(Dot, ANegativeResultMayUnderflowToMinusZero) { EXPECT_EQ(bits(dot({f32(1)}, {-0.25F})), 0x80000000U); }

TEST(Dot, SubnormalsAreKept) { EXPECT_EQ(bits(dot({0x1p-75F, f32(3)}, {0x1p-74F, 1})), 4U); }

TEST(Dot, NanIsCanonicalWhateverItsOrigin) {
  EXPECT_EQ(bits(dot({f32(0xFFA00001)}, {1})), 0x7FC00000U);
  EXPECT_EQ(bits(dot({0}, {kInf})), 0x7FC00000U);
  EXPECT_EQ(bits(dot({kInf, 1}, {1, -kInf})), 0x7FC00000U);
  EXPECT_EQ(bits(dot({1}, {1}, f32(0xFFC00123))), 0x7FC00000U);
}

TEST(Dot, WithoutAProductThePartialPassesBitUnchanged) {
  EXPECT_EQ(bits(dot({}, {}, f32(0xFFA00001))), 0xFFA00001U);
  EXPECT_EQ(bits(dot({}, {}, -0.0F)), 0x80000000U);
}

TEST(Dot, CutAnywhereAndResumedItGivesTheSameBits) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> a(37);
  std::vector<float> b(37);
  for (float& v : a) v = normal(random);
  for (float& v : b) v = normal(random);
  const float whole = dot(a, b);
  for (std::size_t cut = 0; cut <= a.size(); ++cut) {
    const float head = dot_chain(0.0F, a.data(), b.data(), cut);
    EXPECT_EQ(bits(dot_chain(head, a.data() + cut, b.data() + cut, a.size() - cut)), bits(whole));
  }
}

TEST(Dot, IntegersWrapModulo2To32) {
  const std::vector<std::int8_t> low(3, -128);
  EXPECT_EQ(dot_chain(INT32_MAX, low.data(), low.data(), 3), INT32_MIN + 3 * 16384 - 1);
  const std::int8_t high = 127;
  EXPECT_EQ(dot_chain(INT32_MIN, low.data(), &high, 1), INT32_MAX - 128 * 127 + 1);
}

TEST(Dot, ZeroPointsAreSubtractedExactly) {
  const std::vector<std::int32_t> a{0, 255, 7}, b{255, -128, 0};
  EXPECT_EQ(dot_chain(5, a.data(), 255, b.data(), -128, 3), 5 + -255 * 383 + 0 - 248 * 128);
  const std::vector<std::int32_t> high(40000, 255);
  EXPECT_EQ(dot_chain(0, high.data(), 0, high.data(), 0, 40000),
            static_cast<std::int32_t>(static_cast<std::uint32_t>(40000ULL * 65025)));
}

TEST(Dot, ASkippedMinusZeroLeavesWhateverIsThere) {
  const std::vector<float> a{-0.0F, 2, -0.0F}, b{kInf, 3, f32(0xFFA00001)};
  EXPECT_EQ(strict::dot_chain_skipping(1, a.data(), b.data(), 3), 7);
  EXPECT_EQ(bits(strict::dot_chain_skipping(f32(0xFFA00001), a.data(), b.data(), 1)), 0xFFA00001U);
  EXPECT_EQ(bits(strict::dot_chain_skipping(-0.0F, a.data(), b.data(), 1)), 0x80000000U);
  EXPECT_EQ(bits(strict::dot_chain_skipping(f32(0xFFA00001), a.data(), b.data(), 2)), 0x7FC00000U);
}

TEST(Dequantised, IsTheExactProductRoundedOnce) {
  using strict::dequantised;
  EXPECT_EQ(dequantised(9, 8, 1.0F, DType::bf16), 0x3F80);
  EXPECT_EQ(dequantised(0, 8, 1.0F, DType::f16), 0xC800);
  EXPECT_EQ(dequantised(8, 8, -1.0F, DType::bf16), 0x8000) << "a zero of the scale's sign";
  EXPECT_EQ(dequantised(3, 0, 1 + 0x1p-8F, DType::bf16), 0x4041) << "3.0117, between 3 and 3.0156";
  EXPECT_EQ(dequantised(15, 0, 3e38F, DType::bf16), 0x7F80);
  EXPECT_EQ(dequantised(15, 0, 65504.0F, DType::f16), 0x7C00);
  EXPECT_EQ(dequantised(3, 0, 0x1p-25F, DType::f16), 2) << "1.5 units: ties to even";
  EXPECT_EQ(dequantised(1, 1, kInf, DType::f16), 0x7E00);
  EXPECT_EQ(dequantised(1, 2, kInf, DType::f16), 0xFC00);
}

// Against doubles, which hold every such product: random scales, every four-bit difference.
TEST(Dequantised, AgreesWithDoubleArithmetic) {
  std::mt19937 random(4);
  for (int i = 0; i < 200000; ++i) {
    const float scale = f32(static_cast<std::uint32_t>(random()));
    const int q = static_cast<int>(random() % 16), z = static_cast<int>(random() % 16);
    for (const DType to : {DType::f16, DType::bf16})
      ASSERT_EQ(strict::dequantised(q, z, scale, to),
                encode(to, static_cast<double>(q - z) * static_cast<double>(scale)))
          << q << " " << z << " " << scale;
  }
}

TEST(Multiply, EachElementIsItsOwnChain) {
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  for (const std::size_t n : {1U, 3U, 16U, 31U, 257U, 300U}) {
    const std::size_t m = 5;
    const std::size_t k = 23;
    std::vector<float> a(m * k);
    std::vector<float> b(k * n);
    for (float& v : a) v = normal(random);
    for (float& v : b) v = normal(random);
    a[7] = kInf;
    b[11 * n] = f32(0xFF800001);
    std::vector<float> acc(m * n);
    for (float& v : acc) v = normal(random);
    const std::vector<float> start = acc;
    strict::multiply(a.data(), b.data(), acc.data(), m, n, k);
    for (std::size_t i = 0; i < m; ++i)
      for (std::size_t j = 0; j < n; ++j) {
        std::vector<float> column(k);
        for (std::size_t kk = 0; kk < k; ++kk) column[kk] = b[kk * n + j];
        EXPECT_EQ(bits(acc[i * n + j]), bits(dot_chain(start[i * n + j], &a[i * k], column.data(), k)));
      }
  }
}

}  // namespace
}  // namespace assay::golden
