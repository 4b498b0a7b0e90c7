// The vector unit's pass of docs/numerics.md.
#include "golden/strict/vector_pass.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "bits.hpp"

namespace assay::golden {
namespace {

using strict::Function;
using strict::Operation;
using strict::vector_pass;

constexpr float kInf = std::numeric_limits<float>::infinity();

float pass(float x, std::optional<float> scale, std::optional<float> bias) {
  return vector_pass(x, scale, bias, Function::Identity);
}
float relu(float x) { return vector_pass(x, std::nullopt, std::nullopt, Function::Relu); }

TEST(VectorPass, ScaleAndBiasAreOneRounding) {
  const float a = 1 + 0x1p-12F;
  EXPECT_EQ(pass(a, a, -1.0F), 0x1p-11F + 0x1p-24F);
}

TEST(VectorPass, AnAbsentBiasIsNotPlusZero) {
  EXPECT_EQ(bits(pass(-0.0F, 2.0F, std::nullopt)), 0x80000000U);
  EXPECT_EQ(bits(pass(-0.0F, 2.0F, 0.0F)), 0U);
}

TEST(VectorPass, WithoutScaleItIsOneSum) { EXPECT_EQ(pass(1, std::nullopt, 0x1p-24F), 1.0F + 0x1p-24F); }

TEST(VectorPass, WithNeitherOnlyANanChanges) {
  EXPECT_EQ(bits(pass(-0.0F, std::nullopt, std::nullopt)), 0x80000000U);
  EXPECT_EQ(bits(pass(f32(0xFFA00001), std::nullopt, std::nullopt)), 0x7FC00000U);
}

TEST(VectorPass, ArithmeticNansAreCanonical) {
  EXPECT_EQ(bits(pass(f32(0xFFA00001), 1.0F, std::nullopt)), 0x7FC00000U);
  EXPECT_EQ(bits(pass(f32(0xFFA00001), std::nullopt, 0.0F)), 0x7FC00000U);
  EXPECT_EQ(bits(pass(0, kInf, std::nullopt)), 0x7FC00000U);
  EXPECT_EQ(bits(pass(kInf, 1.0F, -kInf)), 0x7FC00000U);
}

TEST(VectorPass, ReluTurnsNegativesAndBothZerosIntoPlusZero) {
  EXPECT_EQ(bits(relu(-0.0F)), 0U);
  EXPECT_EQ(bits(relu(0.0F)), 0U);
  EXPECT_EQ(bits(relu(-f32(1))), 0U);
  EXPECT_EQ(bits(relu(-kInf)), 0U);
  EXPECT_EQ(relu(f32(1)), f32(1));
  EXPECT_EQ(relu(kInf), kInf);
  EXPECT_EQ(bits(relu(f32(0xFFA00001))), 0x7FC00000U);
}

float divided(float x, float by) {
  return vector_pass(x, by, std::nullopt, Function::Identity, Operation::Divide);
}
template <typename T>
T extreme(Operation operation, T a, T b) {
  return vector_pass(a, std::nullopt, b, Function::Identity, operation);
}

TEST(VectorPass, DivisionIsOneRoundingOfTheQuotient) {
  EXPECT_EQ(bits(divided(1, 3)), 0x3EAAAAABU);
  EXPECT_EQ(bits(divided(0x1p-149F, 2)), 0U);  // a tie, to even
  EXPECT_EQ(bits(divided(0x3p-149F, 2)), 2U);  // a tie, to even
  EXPECT_EQ(bits(divided(-0x1p-149F, 3)), 0x80000000U);
  EXPECT_EQ(divided(-1, 0), -kInf);
  EXPECT_EQ(bits(divided(0, -kInf)), 0x80000000U);
  EXPECT_EQ(bits(divided(0, 0)), 0x7FC00000U);
  EXPECT_EQ(bits(divided(kInf, kInf)), 0x7FC00000U);
}

TEST(VectorPass, MaximumAndMinimumLetNanWinAndOrderTheZeros) {
  for (const Operation op : {Operation::Maximum, Operation::Minimum}) {
    EXPECT_EQ(bits(extreme(op, f32(0xFFA00001), 1.0F)), 0x7FC00000U);
    EXPECT_EQ(bits(extreme(op, -kInf, f32(0x7F800001))), 0x7FC00000U);
    const std::uint32_t zero = op == Operation::Maximum ? 0 : 0x80000000U;
    EXPECT_EQ(bits(extreme(op, -0.0F, 0.0F)), zero);
    EXPECT_EQ(bits(extreme(op, 0.0F, -0.0F)), zero);
  }
  EXPECT_EQ(extreme(Operation::Maximum, -2.0F, 1.0F), 1);
  EXPECT_EQ(extreme(Operation::Minimum, -2.0F, kInf), -2);
  EXPECT_EQ(extreme(Operation::Maximum, INT32_MIN, -1), -1);
  EXPECT_EQ(extreme(Operation::Minimum, INT32_MIN, INT32_MAX), INT32_MIN);
}

TEST(VectorPass, IntegerDivisionTruncatesAndIsDefinedEverywhere) {
  const auto by = [](std::int32_t x, std::int32_t d) {
    return vector_pass(x, d, std::nullopt, Function::Identity, Operation::Divide);
  };
  EXPECT_EQ(by(-7, 2), -3);
  EXPECT_EQ(by(7, -2), -3);
  EXPECT_EQ(by(5, 0), 0);
  EXPECT_EQ(by(INT32_MIN, -1), INT32_MIN);
}

TEST(VectorPass, IntegersComputeModulo2To32) {
  EXPECT_EQ(vector_pass(INT32_MAX, 2, std::nullopt, Function::Identity), -2);
  EXPECT_EQ(vector_pass(INT32_MAX, std::nullopt, 1, Function::Identity), INT32_MIN);
  EXPECT_EQ(vector_pass(65536, 65536, 7, Function::Identity), 7);
  EXPECT_EQ(vector_pass(-5, std::nullopt, std::nullopt, Function::Relu), 0);
}

}  // namespace
}  // namespace assay::golden
