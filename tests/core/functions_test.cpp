// The functions of the vector unit: bit for bit against the scalar model, and their error against MPFR.
#include <gtest/gtest.h>

#include <cstdio>
#include <random>

#include "core/vxu/smooth_functions.hpp"
#include "ulp.hpp"

namespace assay {
namespace {

using isa::VectorFunction;
using test::bits_of;
using test::float_of;

float f(VectorFunction function, float x) {
  core::apply(function, {}, &x, 1);
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

// Of the smooth functions, whose exact values cost more, every 16th input: vxu_functions_exhaustive has all.
std::uint32_t thinned() { return core::is_smooth(Functions::GetParam().code) ? 16 : 1; }

TEST_P(Functions, EveryFractionOfABinade) {
  for (const std::uint32_t binade : {0x3F800000U, 0xBF000000U}) {
    std::vector<float> inputs((1 << 23) / thinned());
    for (std::uint32_t i = 0; i < inputs.size(); ++i)
      inputs[i] = float_of(binade | (i * thinned() + i / 16 % thinned()));
    sweep(inputs, 97);
  }
  finish();
}

TEST_P(Functions, AnyBits) {
  std::vector<float> inputs(2'000'000 / thinned());
  for (float& x : inputs) x = float_of(static_cast<std::uint32_t>(random_()));
  for (std::size_t i = 0; i < test::kSpecialFloats.size(); ++i) inputs[i] = float_of(test::kSpecialFloats[i]);
  sweep(inputs, 97);
  finish();
}

// exp2 is finite, ceil rounds, the others bend.
TEST_P(Functions, Moderate) {
  std::vector<float> inputs(3'000'000 / thinned());
  std::uniform_real_distribution<float> number(-152, 130), exponent(-20, 7);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    inputs[i] = i % 2 == 0 ? number(random_) : std::copysign(std::exp2(exponent(random_)), number(random_));
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

TEST(Smooth, AtInfinitiesAndZeros) {
  using F = VectorFunction;
  const auto is = [](F function, float x, float y) {
    EXPECT_EQ(bits_of(f(function, x)), bits_of(y)) << static_cast<int>(function) << " of " << x;
  };
  for (const F odd : {F::tanh, F::erf}) {
    is(odd, kInf, 1), is(odd, -kInf, -1), is(odd, 0.0F, 0.0F), is(odd, -0.0F, -0.0F);
    is(odd, 0x1p127F, 1), is(odd, -0x1p127F, -1);
  }
  is(F::tanh, -0x1p-149F, -0x1p-149F);
  is(F::sigmoid, kInf, 1), is(F::sigmoid, -kInf, 0), is(F::sigmoid, -0x1p127F, 0), is(F::sigmoid, 0, 0.5F);
  for (const F gate : {F::silu, F::gelu, F::gelu_tanh}) {
    is(gate, kInf, kInf), is(gate, -kInf, -0.0F), is(gate, -0x1p127F, -0.0F), is(gate, 0x1p127F, 0x1p127F);
    is(gate, 0.0F, 0.0F), is(gate, -0.0F, -0.0F);
  }
  is(F::log2, 0.0F, -kInf), is(F::log2, -0.0F, -kInf), is(F::log2, kInf, kInf), is(F::log2, 1, 0.0F);
  for (int n = -149; n <= 127; ++n) is(F::log2, std::ldexp(1.0F, n), static_cast<float>(n));
  is(F::sqrt, -0.0F, -0.0F), is(F::sqrt, kInf, kInf), is(F::rsqrt, 0.0F, kInf), is(F::rsqrt, -0.0F, -kInf);
  is(F::rsqrt, kInf, 0.0F);
  for (const F root : {F::log2, F::sqrt, F::rsqrt}) EXPECT_TRUE(std::isnan(f(root, -1)));
}

// A square and a root are cases of exponents that are even or odd: with all fractions these are all cases.
TEST(Smooth, EveryRootIsTheExactOneRounded) {
  for (const std::uint32_t binade : {0x3F800000U, 0x40000000U}) {
    std::vector<float> x(1 << 23);
    for (std::uint32_t i = 0; i < x.size(); ++i) x[i] = float_of(binade | i);
    std::vector<float> y = x;
    core::apply(VectorFunction::rsqrt, {}, y.data(), y.size());
    for (std::size_t i = 0; i < x.size(); i += 1)
      ASSERT_EQ(bits_of(y[i]), bits_of(golden::strict::rsqrt(x[i]))) << x[i];
  }
}

TEST(Clip, BoundsPrevailOverZerosAndTheUpperOverTheLower) {
  const auto clip = [](float x, float lo, float hi) {
    core::apply(VectorFunction::clip, {bits_of(lo), bits_of(hi)}, &x, 1);
    return x;
  };
  EXPECT_EQ(clip(7, 0, 6), 6);
  EXPECT_EQ(clip(-7, 0, 6), 0);
  EXPECT_EQ(clip(5, 0, 6), 5);
  EXPECT_EQ(bits_of(clip(-0.0F, 0, 6)), 0U);
  EXPECT_EQ(bits_of(clip(0.0F, -1, -0.0F)), 0x80000000U);
  EXPECT_EQ(clip(5, 3, 1), 1);
  EXPECT_EQ(clip(kInf, -kInf, kInf), kInf);
  EXPECT_TRUE(std::isnan(clip(NAN, 0, 6)) && std::isnan(clip(1, NAN, 6)) && std::isnan(clip(1, 0, NAN)));
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
