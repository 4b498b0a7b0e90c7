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

TEST(VectorPass, TheSumOfThreeRoundsTwice) {
  const auto sum = [](float x, float scale, float bias) {
    return vector_pass(x, scale, bias, Function::Identity, Operation::AddAdd);
  };
  EXPECT_EQ(sum(1, 0x1p-24F, 0x1p-24F), 1.0F);
  EXPECT_EQ(sum(0x1p-24F, 1, 0x1p-24F), 1 + 0x1p-23F) << "x + bias first";
  EXPECT_EQ(bits(sum(-0.0F, -0.0F, -0.0F)), 0x80000000U);
  EXPECT_EQ(vector_pass(INT32_MAX, 1, 1, Function::Identity, Operation::AddAdd), INT32_MIN + 1);
}

TEST(VectorPass, RequantisationSumsAsIntegersAndRoundsTwice) {
  EXPECT_EQ(strict::requantise(16777216, std::nullopt, 1, Function::Identity), 16777216.0F);
  EXPECT_EQ(strict::requantise(16777217, std::nullopt, 2, Function::Identity), 16777220.0F);
  EXPECT_EQ(strict::requantise(INT32_MAX, 0.5F, 1, Function::Identity), -0x1p30F);
  EXPECT_EQ(strict::requantise(-4, 0.5F, std::nullopt, Function::Relu), 0.0F);
  EXPECT_EQ(strict::without_zero(INT32_MIN, 1), INT32_MAX);
}

TEST(VectorPass, IntegerOutputsRoundThenAddThenSaturate) {
  EXPECT_EQ(strict::quantise(2.5F, 0, DType::s8), 2);
  EXPECT_EQ(strict::quantise(2.5F, 1, DType::s8), 3) << "not the integer nearest to 3.5";
  EXPECT_EQ(strict::quantise(300, -200, DType::s8), 100);
  EXPECT_EQ(strict::quantise(300, -45, DType::u8), 255);
  EXPECT_EQ(strict::quantise(-300, 45, DType::u8), 0);
  EXPECT_EQ(strict::quantise(0x1p31F, -1, DType::s32), INT32_MAX) << "saturated once, after the sum";
  EXPECT_EQ(strict::quantise(0x1p31F, -2, DType::s32), INT32_MAX - 1);
  EXPECT_EQ(strict::quantise(-kInf, 32767, DType::s32), INT32_MIN);
  EXPECT_EQ(strict::quantise(f32(0xFFA00001), 5, DType::u8), 5);
}

TEST(VectorPass, AMaskIsARangeThatMovesAndBytes) {
  const std::uint8_t bytes[] = {1, 0, 2, 0, 0, 255};
  strict::Mask mask;
  EXPECT_TRUE(mask.takes(7, 1 << 30));
  mask = {-1, 1, 1, 1, nullptr, 0};
  EXPECT_TRUE(mask.takes(0, 0) && mask.takes(2, 1) && mask.takes(2, 2));
  EXPECT_FALSE(mask.takes(0, 1) || mask.takes(2, 0) || mask.takes(2, 3));
  mask = {0, 3, 0, 0, bytes, 3};
  EXPECT_TRUE(mask.takes(0, 0) && mask.takes(0, 2) && mask.takes(1, 2));
  EXPECT_FALSE(mask.takes(0, 1) || mask.takes(1, 0) || mask.takes(0, 3));
}

}  // namespace
}  // namespace assay::golden
