// The vector unit's pass of docs/numerics.md.
#include "golden/strict/vector_pass.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "bits.hpp"

namespace assay::golden {
namespace {

using strict::Function;
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

TEST(VectorPass, IntegersComputeModulo2To32) {
  EXPECT_EQ(vector_pass(INT32_MAX, 2, std::nullopt, Function::Identity), -2);
  EXPECT_EQ(vector_pass(INT32_MAX, std::nullopt, 1, Function::Identity), INT32_MIN);
  EXPECT_EQ(vector_pass(65536, 65536, 7, Function::Identity), 7);
  EXPECT_EQ(vector_pass(-5, std::nullopt, std::nullopt, Function::Relu), 0);
}

}  // namespace
}  // namespace assay::golden
