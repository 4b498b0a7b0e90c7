// The comparison policy: what passes, what does not, and what is an error of the suite.
#include "golden/compare.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "../support/expect_error.hpp"
#include "bits.hpp"

namespace assay::golden {
namespace {

using test::expect_error;
using testing::HasSubstr;

constexpr double kInf = std::numeric_limits<double>::infinity();
const double kNan = std::nan("");

Expected values(DType type, Shape shape, std::vector<double> v, double k = 8) {
  Expected e;
  e.name = "Y";
  e.dtype = type;
  e.shape = std::move(shape);
  e.values = std::move(v);
  for (const double x : e.values) e.magnitude.push_back(std::fabs(x));
  e.tolerance = {DType::f32, k, k};
  return e;
}

Expected exact_bits(const Tensor& t) {
  Expected e;
  e.name = "Y";
  e.dtype = t.dtype;
  e.shape = t.shape;
  e.bits = t;
  return e;
}

Policy mode(Mode m) {
  Policy policy;
  policy.mode = m;
  return policy;
}

TEST(Compare, NothingToCompareIsAnError) {
  const Tensor empty("Y", DType::f32, {0, 4});
  expect_error(ExitCode::Error, "no element to compare", [&] {
    compare(empty, values(DType::f32, {0, 4}, {}), mode(Mode::Real));
  });
}

TEST(Compare, AnotherShapeOrTypeIsAnError) {
  const Expected e = values(DType::f32, {2}, {1, 2});
  expect_error(ExitCode::Error, "f32 [1, 2] with a reference that is f32 [2]", [&] {
    compare(tensor(DType::f32, {1, 2}, {1, 2}), e, mode(Mode::Real));
  });
  expect_error(ExitCode::Error, "f16 [2] with a reference", [&] {
    compare(tensor(DType::f16, {2}, {1, 2}), e, mode(Mode::Real));
  });
}

TEST(Compare, AReferenceWithoutMagnitudesIsAnError) {
  Expected e = values(DType::f32, {2}, {1, 2});
  e.magnitude.pop_back();
  expect_error(ExitCode::Error, "2 values and 1 magnitudes", [&] {
    compare(tensor(DType::f32, {2}, {1, 2}), e, mode(Mode::Real));
  });
}

TEST(Compare, BitsModeNeedsAReferenceToTheBit) {
  expect_error(ExitCode::Error, "bits mode needs a reference to the bit", [&] {
    compare(tensor(DType::f32, {1}, {1}), values(DType::f32, {1}, {1}), mode(Mode::Bits));
  });
}

TEST(Compare, BitsDistinguishZerosAndNans) {
  EXPECT_FALSE(
      compare(tensor(DType::f32, {1}, {-0.0}), exact_bits(tensor(DType::f32, {1}, {0.0})), mode(Mode::Bits))
          .passed);
  Tensor payload = tensor(DType::f32, {1}, {kNan});
  payload.as<std::uint32_t>()[0] |= 1;
  EXPECT_FALSE(compare(payload, exact_bits(tensor(DType::f32, {1}, {kNan})), mode(Mode::Bits)).passed);
  EXPECT_TRUE(
      compare(tensor(DType::f32, {1}, {kNan}), exact_bits(tensor(DType::f32, {1}, {kNan})), mode(Mode::Bits))
          .passed);
}

TEST(Compare, AReferenceToTheBitIsComparedSoInRealModeToo) {
  const Tensor one = tensor(DType::f32, {1}, {1});
  EXPECT_FALSE(compare(tensor(DType::f32, {1}, {1 + 0x1p-23}), exact_bits(one), mode(Mode::Real)).passed);
}

TEST(Compare, ExactModeRoundsTheReferenceOnceAndComparesBits) {
  const Expected e = values(DType::bf16, {2}, {257, 4});  // 257 is a tie: 256
  EXPECT_TRUE(compare(tensor(DType::bf16, {2}, {256, 4}), e, mode(Mode::Exact)).passed);
  EXPECT_FALSE(compare(tensor(DType::bf16, {2}, {258, 4}), e, mode(Mode::Exact)).passed);
}

TEST(Compare, RealModeMatchesNanAndInfinityExactly) {
  const Expected e = values(DType::f32, {4}, {kNan, kInf, -kInf, 1});
  EXPECT_TRUE(compare(tensor(DType::f32, {4}, {kNan, kInf, -kInf, 1}), e, mode(Mode::Real)).passed);
  const std::vector<std::vector<double>> wrong{
      {0, kInf, -kInf, 1},    {kInf, kInf, -kInf, 1}, {kNan, kNan, -kInf, 1},    {kNan, -kInf, -kInf, 1},
      {kNan, 3e38, -kInf, 1}, {kNan, kInf, kInf, 1},  {kNan, kInf, -kInf, kNan}, {kNan, kInf, -kInf, kInf}};
  for (const std::vector<double>& got : wrong) {
    const Comparison c = compare(tensor(DType::f32, {4}, got), e, mode(Mode::Real));
    EXPECT_FALSE(c.passed);
    EXPECT_EQ(c.mismatches, 1);
  }
}

TEST(Compare, AnInfiniteReferenceOfFp8IsItsLargestValue) {
  for (const DType type : {DType::e4m3, DType::e5m2}) {
    const Expected e = values(type, {3}, {kInf, -kInf, kNan});
    const double largest = largest_finite(type);
    EXPECT_TRUE(compare(tensor(type, {3}, {largest, -largest, kNan}), e, mode(Mode::Real)).passed);
    for (const std::vector<double>& got : {std::vector<double>{largest / 2, -largest, kNan},
                                           {largest, largest, kNan},
                                           {largest, -largest, largest}})
      EXPECT_EQ(compare(tensor(type, {3}, got), e, mode(Mode::Real)).mismatches, 1);
  }
}

TEST(Compare, RealModeTakesZerosOfEitherSign) {
  EXPECT_TRUE(
      compare(tensor(DType::f32, {1}, {-0.0}), values(DType::f32, {1}, {0}), mode(Mode::Real)).passed);
}

TEST(Compare, ASumBeyondTheAccumulatorIsAnErrorNotAPass) {
  Expected e = values(DType::f32, {1}, {1});
  e.magnitude[0] = 1e39;
  expect_error(ExitCode::Error, "beyond the accumulator's range; use bits mode",
               [&] { compare(tensor(DType::f32, {1}, {1}), e, mode(Mode::Real)); });
}

TEST(Compare, TheFirstBadElementIsDescribed) {
  const Expected e = values(DType::f32, {2, 3}, {1, 2, 3, 4, 5, 6});
  const Comparison c = compare(tensor(DType::f32, {2, 3}, {1, 2, 3, 4, 5.5, 7}), e, mode(Mode::Real));
  EXPECT_FALSE(c.passed);
  EXPECT_EQ(c.mismatches, 2);
  ASSERT_TRUE(c.first);
  EXPECT_EQ(c.first->index, (Shape{1, 1}));
  EXPECT_EQ(c.first->linear, 4);
  EXPECT_EQ(c.first->got, 5.5);
  EXPECT_EQ(c.first->expected, 5);
  EXPECT_EQ(c.first->ulps, 0.5 / 0x1p-21);
  EXPECT_GT(c.first->bound, 0);
  EXPECT_GT(c.max_error_in_bounds, 1);
  EXPECT_THAT(c.to_line(),
              HasSubstr("FAIL 2 of 6 elements; first at [1, 1]: got 5.5 (0x40b00000), expected 5"));
}

TEST(Compare, APassSaysHowMuchOfTheBoundWasUsed) {
  const Comparison c =
      compare(tensor(DType::f32, {2}, {1 + 0x1p-23, 2}), values(DType::f32, {2}, {1, 2}), mode(Mode::Real));
  EXPECT_TRUE(c.passed);
  EXPECT_NEAR(c.max_error_in_bounds, 0.25, 1e-3);  // 2 of 8 units
  EXPECT_EQ(c.max_ulps, 1);
  EXPECT_NEAR(c.cosine, 1, 1e-9);
  EXPECT_GT(c.snr_db, 100);
}

TEST(Compare, ARecordedOutputIsJudgedByTheDoubledBound) {
  const Expected model = values(DType::f32, {1}, {1}, 1);
  const Tensor recorded = tensor(DType::f32, {1}, {1 + 0x1p-23});
  Policy policy = mode(Mode::Real);
  policy.doubled = true;
  EXPECT_TRUE(compare(tensor(DType::f32, {1}, {1}), recorded_reference(recorded, model), policy).passed);
  EXPECT_FALSE(
      compare(tensor(DType::f32, {1}, {1 - 0x1p-23}), recorded_reference(recorded, model), policy).passed);
}

TEST(Compare, ARecordedIntegerIsComparedBitForBit) {
  Expected model = exact_bits(tensor(DType::s32, {1}, {7}));
  const Expected recorded = recorded_reference(tensor(DType::s32, {1}, {8}), model);
  EXPECT_TRUE(compare(tensor(DType::s32, {1}, {8}), recorded, mode(Mode::Real)).passed);
  EXPECT_FALSE(compare(tensor(DType::s32, {1}, {7}), recorded, mode(Mode::Real)).passed);
}

TEST(CompareReferences, DisagreementBeyondTheirOwnBoundsIsFound) {
  Expected a = values(DType::f32, {2}, {1, 2});
  Expected b = a;
  a.own = {0x1p-53, 8, 0};
  b.own = {0x1p-24, 8, 0};
  b.values[1] += 2 * 7 * 0x1p-24;
  EXPECT_TRUE(compare(a, b, mode(Mode::Real)).passed);
  b.values[1] += 2 * 2 * 0x1p-24;
  const Comparison c = compare(a, b, mode(Mode::Real));
  EXPECT_FALSE(c.passed);
  EXPECT_EQ(c.first->linear, 1);
  EXPECT_THAT(c.cause, HasSubstr("two references disagree"));
  b.values[1] = kNan;
  EXPECT_FALSE(compare(a, b, mode(Mode::Real)).passed);
}

TEST(Modes, AnUnknownOneIsRefusedWithTheNearest) {
  expect_error(ExitCode::Usage,
               "unknown mode 'reel'; expected one of bits, exact, real; did you mean 'real'?",
               [] { parse_mode("reel"); });
}

}  // namespace
}  // namespace assay::golden
