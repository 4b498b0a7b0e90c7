// Softmax's references: the contract's edge cases in known bits, and that cpu and oneDNN accept the
// contract's results.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "bits.hpp"
#include "golden/backend.hpp"
#include "golden/compare.hpp"

namespace assay::golden {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

ops::Problem problem(const Tensor& x, std::int64_t axis) {
  ops::Problem p{"softmax", {}, {{x.name, x.dtype, x.shape}}, {}};
  p.attributes.set("axis", axis);
  return p;
}

Tensor strict(const Tensor& x, std::int64_t axis = -1) {
  return *find_backend("strict").evaluate(problem(x, axis), {x}).outputs[0].bits;
}

std::vector<double> row(const std::vector<double>& x, DType type = DType::f32) {
  return decode(strict(tensor(type, {static_cast<std::int64_t>(x.size())}, x)));
}

void expect_nan(const std::vector<double>& x) {
  const Tensor y = strict(tensor(DType::f32, {static_cast<std::int64_t>(x.size())}, x));
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_EQ(element_bits(y, i), 0x7FC00000U) << i;
}

TEST(StrictSoftmax, EqualScoresShareAlikeHoweverLargeTheyAre) {
  EXPECT_EQ(row({0, 0, 0, 0}), std::vector<double>(4, 0.25));
  EXPECT_EQ(row(std::vector<double>(2048, 0)), std::vector<double>(2048, 0x1p-11));
  for (const double x : {-1.0, 1e-40, 3.7, 1e8, -1e9}) {
    const std::vector<double> y = row(std::vector<double>(1030, x));
    EXPECT_EQ(y, std::vector<double>(1030, y[0])) << x;
    EXPECT_NEAR(y[0] * 1030, 1, 0x1p-19) << x;  // P itself is not exact, nor are its sums
  }
}

TEST(StrictSoftmax, AScoreOfMinusInfinityGivesPlusZero) {
  const Tensor y = strict(tensor(DType::f16, {3}, {0, -kInf, 0}));
  EXPECT_EQ(element_bits(y, 0), 0x3800U);
  EXPECT_EQ(element_bits(y, 1), 0U);
}

TEST(StrictSoftmax, RowsWithoutAnAnswerAreNanEverywhere) {
  expect_nan({-kInf, -kInf});
  expect_nan({1, kInf, 2});
  expect_nan({1, kNan, -kInf});
  expect_nan({-2e9, -3e9});  // beyond -2^31 / log2 e: as -Inf
  std::vector<double> late(3000, 1);
  late[2999] = kNan;  // in another block
  expect_nan(late);
}

TEST(StrictSoftmax, ABlockOfMaskedScoresAddsNothing) {
  std::vector<double> x(2048, -1e30);
  std::fill(x.begin() + 1024, x.end(), 0);
  const std::vector<double> y = row(x);
  EXPECT_EQ(y[0], 0);
  EXPECT_EQ(y[2047], 0x1p-10);
}

TEST(StrictSoftmax, TheAxisMayBeAny) {
  const Tensor x = tensor(DType::f32, {2, 3, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  const Tensor y = strict(x, 1);
  const double s = 1 + std::exp(-2) + std::exp(-4);  // rows of 0, 2, 4 and the like
  for (std::size_t i : {0, 1, 6, 7}) EXPECT_NEAR(decode(y)[i], std::exp(-4) / s, 0x1p-24) << i;
  for (std::size_t i : {4, 5, 10, 11}) EXPECT_NEAR(decode(y)[i], 1 / s, 0x1p-22) << i;
  EXPECT_EQ(strict(x, -2).bytes, y.bytes);
  EXPECT_NE(strict(x, 2).bytes, y.bytes);
}

class SoftmaxReferences : public ::testing::TestWithParam<DType> {};

// Random rows of 1 to 5,000 columns whose scores spread over `spread`, around `middle`.
TEST_P(SoftmaxReferences, AgreeWithTheContractAndWithEachOther) {
  std::mt19937_64 random(5);
  for (const double spread : {0.01, 1.0, 30.0, 200.0})
    for (const double middle : {0.0, -60.0, 1000.0})
      for (const std::int64_t length : {1, 2, 65, 1024, 1025, 5000}) {
        std::uniform_real_distribution<double> score(middle - spread, middle + spread);
        std::vector<double> values(static_cast<std::size_t>(2 * length));
        for (double& v : values) v = round_to(GetParam(), score(random));
        const Tensor x = tensor(GetParam(), {2, length}, values);
        const Tensor y = strict(x);
        const Reference cpu = find_backend("cpu").evaluate(problem(x, -1), {x});
        const Reference dnnl = find_backend("dnnl").evaluate(problem(x, -1), {x});
        const Policy policy{Mode::Real, false};
        for (const Reference* reference : {&cpu, &dnnl}) {
          const Comparison c = compare(y, reference->outputs[0], policy);
          ASSERT_TRUE(c.passed) << reference->backend << " " << length << ": " << c.to_line();
        }
        const Comparison between = compare(cpu.outputs[0], dnnl.outputs[0], policy);
        ASSERT_TRUE(between.passed) << length << ": " << between.to_line();
      }
}

INSTANTIATE_TEST_SUITE_P(Dtypes, SoftmaxReferences, ::testing::Values(DType::f32, DType::f16, DType::bf16),
                         [](const auto& test) { return std::string(to_string(test.param)); });

TEST(CpuSoftmax, RowsMustSumToOneAlthoughEveryElementIsWithinItsBound) {
  const std::vector<double> scores(1000, 0.0);
  for (const std::int64_t axis : {0, 1}) {
    const Tensor x = tensor(DType::f32, axis == 0 ? Shape{1000, 1} : Shape{1, 1000}, scores);
    const Reference cpu = find_backend("cpu").evaluate(problem(x, axis), {x});
    Tensor y = strict(x, axis);
    EXPECT_TRUE(compare(y, cpu.outputs[0], {Mode::Real, false}).passed);
    for (std::size_t i = 0; i < 1000; ++i) y.as<float>()[i] *= 1 + 0x1.bp-20F;
    const Comparison c = compare(y, cpu.outputs[0], {Mode::Real, false});
    EXPECT_EQ(c.mismatches, 0);
    EXPECT_FALSE(c.passed);
    EXPECT_NE(c.to_line().find("row 0 sums to 1 +1.6"), std::string::npos) << c.to_line();
  }
}

TEST(CpuSoftmax, ScoresBeyondTheContractsRangeAreNotJudged) {
  const Tensor x = tensor(DType::f32, {2}, {0x1p25, 0});
  const Reference cpu = find_backend("cpu").evaluate(problem(x, -1), {x});
  EXPECT_TRUE(std::isinf(cpu.outputs[0].magnitude[0]));
}

}  // namespace
}  // namespace assay::golden
