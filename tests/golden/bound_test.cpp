// The derived bound of docs/numerics.md.
#include "golden/bound.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "golden/formats.hpp"

namespace assay::golden {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kUnit = 0x1p-24;

Expected expected(DType type, double k) {
  Expected e;
  e.dtype = type;
  e.tolerance = {DType::f32, k, k};
  return e;
}

Policy any_data() {
  Policy policy;
  policy.zero_mean = false;
  return policy;
}

TEST(Bound, GrowthIsFourRootKForZeroMeanDataAndGammaOtherwise) {
  EXPECT_EQ(growth(400, kUnit, true), 80);
  EXPECT_DOUBLE_EQ(growth(400, kUnit, false), 400 / (1 - 400 * kUnit));
  EXPECT_EQ(growth(1e9, kUnit, false), kInf);  // no bound exists: nothing is refused, and nothing proven
}

TEST(Bound, GammaIsUsedWhereItIsTheSmaller) { EXPECT_EQ(growth(9, kUnit, true), growth(9, kUnit, false)); }

TEST(Bound, OfAnF32OutputHasNoConversionTerm) {
  const Bound bound(expected(DType::f32, 100), any_data());
  const double e = growth(100, kUnit, false) * kUnit * 50 + 100 * 0x1p-150;
  EXPECT_EQ(bound.distance(3, 50), e);
  EXPECT_TRUE(bound.accepts(3 + e * 0.9999, 3, 50));
  EXPECT_FALSE(bound.accepts(3 + e * 1.0001, 3, 50));
}

TEST(Bound, ANarrowOutputAddsExactlyItsConversion) {
  const Bound bound(expected(DType::bf16, 1), any_data());
  const double tie = 1 + 0x1p-8;  // between 1 and 1 + 2^-7: the error before it may break it either way
  EXPECT_TRUE(bound.accepts(1, tie, 1));
  EXPECT_TRUE(bound.accepts(1 + 0x1p-7, tie, 1));
  EXPECT_FALSE(bound.accepts(1 + 0x1p-6, tie, 1));
  EXPECT_TRUE(bound.accepts(1, 1 + 0x1p-9, 1));
  EXPECT_FALSE(bound.accepts(1 + 0x1p-7, 1 + 0x1p-9, 1));  // within one ulp, but no right result
}

TEST(Bound, OverflowOfTheOutputFollowsItsRounding) {
  const Bound bound(expected(DType::f16, 4), any_data());
  EXPECT_TRUE(bound.accepts(kInf, 65520, 65520));
  EXPECT_TRUE(bound.accepts(65504, 65519.999, 65519.999));
  EXPECT_FALSE(bound.accepts(kInf, 65500, 65500));
  EXPECT_FALSE(bound.accepts(65504, 70000, 70000));
  EXPECT_FALSE(bound.accepts(-kInf, 70000, 70000));
}

TEST(Bound, GradualUnderflowOfTheOutputFollowsItsRounding) {
  const Bound bound(expected(DType::f16, 1), any_data());
  EXPECT_TRUE(bound.accepts(0, 0x1p-26, 0x1p-26));
  EXPECT_FALSE(bound.accepts(0x1p-24, 0x1p-26, 0x1p-26));
}

TEST(Bound, NoAcceptedValueIsFartherThanTheDistance) {
  for (const DType type : {DType::f16, DType::bf16})
    for (int n = 0; n < 140; ++n) {
      const double reference = 0x1p-30 * std::pow(1.37, n);  // up to the overflow of f16 and beyond
      const Bound bound(expected(type, 64), any_data());
      const double magnitude = 3 * reference;
      const double step = ulp_at(type, reference) / 2;
      for (int i = -8; i <= 8; ++i) {
        const double value = round_to(type, reference + i * step);
        const bool accepted = std::isfinite(value) && bound.accepts(value, reference, magnitude);
        if (accepted) {
          EXPECT_LE(std::fabs(value - reference), bound.distance(reference, magnitude));
        }
      }
    }
}

TEST(Bound, TheReferencesOwnErrorIsAdded) {
  Expected e = expected(DType::f32, 10);
  const double without = Bound(e, any_data()).distance(0, 1);
  e.own = {kUnit, 20, 0.5};
  EXPECT_DOUBLE_EQ(Bound(e, any_data()).distance(0, 1), without + growth(20, kUnit, false) * kUnit + 0.5);
}

TEST(Bound, DoublesForARecordedReferenceAndAddsItsRounding) {
  Policy recorded = any_data();
  recorded.doubled = true;
  const double single = Bound(expected(DType::f32, 10), any_data()).distance(0, 1);
  EXPECT_EQ(Bound(expected(DType::f32, 10), recorded).distance(0, 1), 2 * single);
  const Bound narrow(expected(DType::bf16, 1), recorded);
  EXPECT_TRUE(narrow.accepts(1 + 0x1p-7, 1, 1));  // both of them rounded from near the middle
  EXPECT_FALSE(narrow.accepts(1 + 0x1p-6, 1, 1));
}

TEST(Bound, SumsBeyondTheAccumulatorCannotBeJudged) {
  const Bound bound(expected(DType::f32, 10), any_data());
  EXPECT_TRUE(bound.judgeable(3e38));
  EXPECT_FALSE(bound.judgeable(3.5e38));
}

}  // namespace
}  // namespace assay::golden
