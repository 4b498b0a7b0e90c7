// exp2, reciprocal and ceil: bit for bit against the scalar model, and their error against MPFR.
#include <gtest/gtest.h>

#include <cstdio>
#include <random>

#include "ulp.hpp"

namespace assay {
namespace {

using isa::VectorFunction;
using test::bits_of;
using test::float_of;

float f(VectorFunction function, float x) {
  core::apply(function, &x, 1);
  return x;
}
float exp2(float x) { return f(VectorFunction::exp2, x); }
float reciprocal(float x) { return f(VectorFunction::reciprocal, x); }
float ceil(float x) { return f(VectorFunction::ceil, x); }

constexpr float kInf = INFINITY;

class Functions : public testing::TestWithParam<test::Function> {
 protected:
  void sweep(const std::vector<float>& inputs, std::size_t sample) {
    ASSERT_EQ(judge_.run(inputs, sample), "");
  }
  void finish() {
    std::printf("%s\n", judge_.summary().c_str());
    EXPECT_TRUE(judge_.within_bound()) << judge_.worst;
  }
  test::Sweep judge_{GetParam()};
  std::mt19937_64 random_{7};
};

TEST_P(Functions, EveryFractionOfABinade) {
  for (const std::uint32_t binade : {0x3F800000U, 0xBF000000U}) {
    std::vector<float> inputs(1 << 23);
    for (std::uint32_t i = 0; i < inputs.size(); ++i) inputs[i] = float_of(binade | i);
    sweep(inputs, 97);
  }
  finish();
}

TEST_P(Functions, AnyBits) {
  std::vector<float> inputs(2'000'000);
  for (float& x : inputs) x = float_of(static_cast<std::uint32_t>(random_()));
  for (std::size_t i = 0; i < test::kSpecialFloats.size(); ++i) inputs[i] = float_of(test::kSpecialFloats[i]);
  sweep(inputs, 97);
  finish();
}

TEST_P(Functions, WhereExp2IsFiniteAndCeilRounds) {
  std::vector<float> inputs(3'000'001);
  std::uniform_real_distribution<float> number(-152, 130);
  for (float& x : inputs) x = number(random_);
  sweep(inputs, 97);
  finish();
}

INSTANTIATE_TEST_SUITE_P(All, Functions, testing::ValuesIn(test::kFunctions),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(Exp2, IsExactAtEveryInteger) {
  for (int n = -149; n <= 127; ++n) EXPECT_EQ(exp2(static_cast<float>(n)), std::ldexp(1.0F, n)) << n;
}

TEST(Exp2, RoundsOnceToTheSmallestSubnormalAndToZero) {
  EXPECT_EQ(bits_of(exp2(-150)), 0u);  // a tie, to even
  EXPECT_EQ(bits_of(exp2(std::nextafter(-150.0F, 0.0F))), 1u);
  EXPECT_EQ(bits_of(exp2(std::nextafter(-150.0F, -kInf))), 0u);
  EXPECT_EQ(bits_of(exp2(-148.42F)), 1u);  // 1.495 units
  EXPECT_EQ(bits_of(exp2(-148.41F)), 2u);  // 1.505
  for (const float x : {-151.0F, -151.5F, -1000.0F, -0x1p127F, -kInf}) EXPECT_EQ(bits_of(exp2(x)), 0u) << x;
}

TEST(Exp2, OverflowsFrom128On) {
  EXPECT_TRUE(std::isfinite(exp2(std::nextafter(128.0F, 0.0F))));
  for (const float x : {128.0F, 128.5F, 0x1p100F, kInf}) EXPECT_EQ(exp2(x), kInf) << x;
}

TEST(Exp2, OfTinyValuesIsOne) {
  for (const float x : {0.0F, -0.0F, 0x1p-149F, -0x1p-149F, 0x1p-40F, -0x1p-40F}) EXPECT_EQ(exp2(x), 1.0F);
}

TEST(Reciprocal, OfZerosAndInfinities) {
  EXPECT_EQ(reciprocal(0.0F), kInf);
  EXPECT_EQ(reciprocal(-0.0F), -kInf);
  EXPECT_EQ(bits_of(reciprocal(kInf)), 0u);
  EXPECT_EQ(bits_of(reciprocal(-kInf)), 0x80000000u);
}

TEST(Reciprocal, TakesAndGivesSubnormals) {
  EXPECT_EQ(reciprocal(0x1p-128F), kInf);
  EXPECT_EQ(reciprocal(float_of(0x00200001)), 0x1.fffffp127F);  // just above 2^-128
  EXPECT_EQ(reciprocal(-0x1p127F), -0x1p-127F);
  for (int n = -127; n <= 127; ++n) EXPECT_EQ(reciprocal(std::ldexp(1.0F, n)), std::ldexp(1.0F, -n)) << n;
}

TEST(Ceil, KeepsTheSignOfZero) {
  EXPECT_EQ(bits_of(ceil(-0.0F)), 0x80000000u);
  EXPECT_EQ(bits_of(ceil(-0.25F)), 0x80000000u);
  EXPECT_EQ(bits_of(ceil(-0x1p-149F)), 0x80000000u);
  EXPECT_EQ(ceil(0x1p-149F), 1.0F);
  EXPECT_EQ(ceil(8388607.5F), 8388608.0F);
  EXPECT_EQ(ceil(-8388607.5F), -8388607.0F);
}

TEST(Exp2, ItsConstantsAreTheRoundedExactOnes) {
  test::Exact exact;
  const auto power = [&](double x) { return exact(test::kFunctions[0], x); };
  for (std::size_t i = 0; i < core::kExp2Entries; ++i)
    EXPECT_EQ(core::kExp2Table[i], std::nearbyint(0x1p30 * power(static_cast<double>(i) / 128))) << i;
  mpfr_t ln2, term;
  mpfr_inits2(100, ln2, term, nullptr);
  mpfr_const_log2(ln2, MPFR_RNDN);
  mpfr_pow_ui(term, ln2, 3, MPFR_RNDN);
  mpfr_div_2ui(term, term, 19, MPFR_RNDN);
  mpfr_add(term, term, ln2, MPFR_RNDN);  // ln 2 + (ln 2)^3 / 2^19
  EXPECT_EQ(core::kExp2Linear, std::nearbyint(0x1p31 * mpfr_get_d(term, MPFR_RNDN)));
  mpfr_sqr(term, ln2, MPFR_RNDN);
  EXPECT_EQ(core::kExp2Square, std::nearbyint(0x1p24 * mpfr_get_d(term, MPFR_RNDN)));  // (ln 2)^2 / 2
  mpfr_clears(ln2, term, nullptr);
}

}  // namespace
}  // namespace assay
