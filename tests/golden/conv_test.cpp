// Convolutions: strict by definition, and the goldens against each other.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "bits.hpp"
#include "golden/compare.hpp"
#include "testgen/case.hpp"
#include "testgen/space/random_problem.hpp"

namespace assay::golden {
namespace {

using Ints = std::vector<std::int64_t>;

Tensor floats(const std::string& name, Shape shape, const std::vector<float>& values) {
  Tensor t(name, DType::f32, std::move(shape));
  std::copy(values.begin(), values.end(), t.as<float>());
  return t;
}

ops::Problem problem_of(const std::string& op, const std::vector<Tensor>& inputs) {
  ops::Problem p{op, {}, {}, {}};
  for (const Tensor& t : inputs) p.inputs.push_back({t.name, t.dtype, t.shape});
  return p;
}

std::vector<float> strict(ops::Problem p, const std::vector<Tensor>& inputs) {
  const Reference r = find_backend("strict").evaluate(p, inputs);
  const Tensor& y = *r.outputs[0].bits;
  return {y.as<float>(), y.as<float>() + y.elements()};
}

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(StrictConv, ABorderMultiplies) {
  const std::vector<Tensor> inputs{floats("X", {1, 1, 2}, {1, 2}),
                                   floats("W", {1, 1, 3}, {kInfinity, 1, 10})};
  ops::Problem p = problem_of("conv", inputs);
  p.attributes.set("pads", Ints{1, 1});
  const std::vector<float> y = strict(p, inputs);
  EXPECT_TRUE(std::isnan(y[0]));  // +0 times infinity
  EXPECT_EQ(y[1], kInfinity);
}

TEST(StrictConv, TheChainRunsOverTapsAndThenChannels) {
  // 2^24 absorbs a 1 that follows it, and not one that comes before: only this order gives 2^24 + 2.
  const std::vector<Tensor> inputs{floats("X", {1, 2, 2}, {1, 0x1p24F, 1, 0}),
                                   floats("W", {1, 2, 2}, {1, 1, 1, 1})};
  EXPECT_EQ(strict(problem_of("conv", inputs), inputs), std::vector<float>{0x1p24F + 2});
}

TEST(StrictConv, BiasAndResidualAreTwoRoundings) {
  const std::vector<Tensor> inputs{floats("X", {1, 1, 1}, {1}), floats("W", {1, 1, 1}, {1}),
                                   floats("B", {1}, {0x1p-24F}), floats("R", {1, 1, 1}, {0x1p-24F})};
  EXPECT_EQ(strict(problem_of("conv", inputs), inputs), std::vector<float>{1});
}

TEST(StrictConv, ActivationsKeepNanAndOrderZeros) {
  const std::vector<Tensor> inputs{floats("X", {1, 1, 4}, {NAN, -2, 9, 1}), floats("W", {1, 1, 1}, {1})};
  ops::Problem p = problem_of("conv", inputs);
  p.attributes.set("activation", std::string("clip"));
  std::vector<float> y = strict(p, inputs);
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_EQ((std::vector<float>{y[1], y[2], y[3]}), (std::vector<float>{0, 6, 1}));
  p.attributes.set("activation", std::string("relu"));
  y = strict(p, inputs);
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_EQ(y[1], 0);
  EXPECT_FALSE(std::signbit(y[1]));
}

TEST(StrictConv, ATransposedOutputTakesTheTapsThatReachIt) {
  const std::vector<Tensor> inputs{floats("X", {1, 1, 2}, {1, 10}), floats("W", {1, 1, 3}, {1, 2, 3})};
  ops::Problem p = problem_of("convtranspose", inputs);
  p.attributes.set("strides", Ints{2});
  EXPECT_EQ(strict(p, inputs), (std::vector<float>{1, 2, 13, 20, 30}));
  p.attributes.set("strides", Ints{4});  // nothing reaches the fourth
  EXPECT_EQ(strict(p, inputs), (std::vector<float>{1, 2, 3, 0, 10, 20, 30}));
  p.attributes.set("pads", Ints{1, 3});
  EXPECT_EQ(strict(p, inputs), (std::vector<float>{2, 3, 0}));
}

TEST(StrictConv, GroupsAndChannelsLast) {
  const std::vector<Tensor> inputs{floats("X", {1, 2, 2}, {1, 2, 3, 4}), floats("W", {2, 1, 1}, {10, 100})};
  ops::Problem p = problem_of("conv", inputs);
  p.attributes.set("group", std::int64_t{2});
  EXPECT_EQ(strict(p, inputs), (std::vector<float>{10, 20, 300, 400}));
  p.attributes.set("layout", std::string("NHWC"));
  EXPECT_EQ(strict(p, inputs), (std::vector<float>{10, 200, 30, 400}));
}

// One product whose sum is `acc`, requantised.
int quantised(int acc, float scale, int zero, DType type) {
  std::vector<Tensor> inputs{Tensor("x", DType::u8, {1, 1, 1}),
                             floats("x_scale", {}, {scale}),
                             Tensor("x_zero_point", DType::u8, {}),
                             Tensor("w", DType::s8, {1, 1, 1}),
                             floats("w_scale", {}, {1}),
                             Tensor("w_zero_point", DType::s8, {}),
                             floats("y_scale", {}, {1}),
                             Tensor("y_zero_point", type, {}),
                             Tensor("B", DType::s32, {1})};
  inputs[7].bytes[0] = static_cast<std::byte>(zero);
  inputs[8].as<std::int32_t>()[0] = acc;
  int results[2];
  for (int i = 0; i < 2; ++i) {
    const Reference r =
        find_backend(i == 0 ? "strict" : "cpu").evaluate(problem_of("qlinearconv", inputs), inputs);
    const std::byte y = r.outputs[0].bits->bytes[0];
    results[i] = type == DType::s8 ? static_cast<int>(static_cast<std::int8_t>(y)) : static_cast<int>(y);
  }
  EXPECT_EQ(results[0], results[1]) << acc << " * " << scale << " + " << zero;
  return results[0];
}

TEST(QuantisedConv, TiesGoToEvenAndEndsSaturate) {
  EXPECT_EQ(quantised(1, 0.5F, 0, DType::s8), 0);
  EXPECT_EQ(quantised(3, 0.5F, 0, DType::s8), 2);
  EXPECT_EQ(quantised(-3, 0.5F, 1, DType::s8), -1);
  EXPECT_EQ(quantised(300, 1, 0, DType::u8), 255);
  EXPECT_EQ(quantised(300, 1, -128, DType::s8), 127);
  EXPECT_EQ(quantised(-300, 1, 255, DType::u8), 0);
  EXPECT_EQ(quantised(5, kInfinity, 3, DType::u8), 255);
  EXPECT_EQ(quantised(0, kInfinity, 3, DType::u8), 3);  // a NaN
}

TEST(QuantisedConv, EverySmallSumAndScaleAsByIntegers) {
  for (int acc = -700; acc <= 700; ++acc)
    for (const int eighths : {1, 2, 4, 8, 12}) {
      const int whole = acc * eighths / 8 - (acc * eighths % 8 < 0 ? 1 : 0), rest = acc * eighths - whole * 8;
      const int rounded = whole + (rest > 4 || (rest == 4 && whole % 2 != 0) ? 1 : 0);
      ASSERT_EQ(quantised(acc, static_cast<float>(eighths) / 8, 100, DType::u8),
                std::clamp(rounded + 100, 0, 255));
    }
}

// ------------------------------------------------------------------------------------------ agreement

testgen::Case case_of(ops::Problem problem, Mode mode, testgen::DataKind data, std::uint64_t seed) {
  testgen::Case c;
  c.problem = std::move(problem);
  c.mode = mode;
  c.data = data;
  c.suite_seed = seed;
  testgen::validate(c);
  return c;
}

void expect_agreement(const testgen::Case& c) {
  const std::vector<Tensor> inputs = testgen::make_inputs(c);
  std::vector<Reference> all;
  for (const Backend* backend : own_backends())
    if (backend->supports(c.problem)) all.push_back(backend->evaluate(c.problem, inputs));
  ASSERT_GE(all.size(), 2U);
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t j = i + 1; j < all.size(); ++j) {
      const Comparison result = compare(all[i].outputs[0], all[j].outputs[0], testgen::policy_of(c));
      ASSERT_TRUE(result.passed) << all[i].backend << " against " << all[j].backend << ": "
                                 << result.to_line() << "\n"
                                 << testgen::reproduce_line(c);
    }
}

TEST(ConvAgreement, OnRealDataWithinBoundsAndOnExactDataToTheBit) {
  testgen::Generator random(1);
  for (const char* op : {"conv", "convtranspose"})
    for (const DType type : {DType::f32, DType::f16, DType::bf16, DType::e4m3})
      for (std::uint64_t i = 0; i < 150; ++i) {
        const ops::Problem p = testgen::random_problem(op, type, random);
        expect_agreement(
            case_of(p, Mode::Real, i % 2 == 0 ? testgen::DataKind::Uniform : testgen::DataKind::Positive, i));
        expect_agreement(case_of(p, Mode::Exact, testgen::DataKind::Integers, i));
      }
}

TEST(ConvAgreement, StrictAndCpuOnIntegersOfEveryKind) {
  testgen::Generator random(2);
  for (const char* op : {"convinteger", "qlinearconv"})
    for (const DType type : {DType::s8, DType::u8})
      for (std::uint64_t i = 0; i < 150; ++i)
        expect_agreement(case_of(testgen::random_problem(op, type, random), Mode::Bits,
                                 i % 2 == 0 ? testgen::DataKind::Mixed : testgen::DataKind::Special, i));
}

TEST(ConvAgreement, AMagnitudeAloneHasTheBitsOfAll) {
  testgen::Generator random(3);
  for (const char* op : {"conv", "convtranspose"})
    for (std::uint64_t i = 0; i < 60; ++i) {
      const testgen::Case c =
          case_of(testgen::random_problem(op, DType::f32, random), Mode::Real, testgen::DataKind::Normal, i);
      const Reference cpu = find_backend("cpu").evaluate(c.problem, testgen::make_inputs(c));
      const DeferredMagnitude& deferred = *cpu.outputs[0].deferred;
      const std::vector<double> all = deferred.all();
      std::vector<std::size_t> elements;
      for (std::size_t at = 0; at < all.size(); at += 1 + at % 5) elements.push_back(at);
      const std::vector<double> some = deferred.of(elements);
      for (std::size_t k = 0; k < some.size(); ++k) {
        ASSERT_EQ(some[k], all[elements[k]]) << testgen::reproduce_line(c);
        ASSERT_LE(some[k], deferred.limit());
        ASSERT_LE(std::fabs(cpu.outputs[0].values[elements[k]]), some[k]);
      }
    }
}

}  // namespace
}  // namespace assay::golden
