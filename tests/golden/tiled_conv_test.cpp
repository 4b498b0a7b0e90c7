// The convolutions by tiles: strict by hand-worked values, and against fp64 within the derived bound.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "golden/compare.hpp"
#include "testgen/case_arguments.hpp"

namespace assay::golden {
namespace {

Tensor bf16s(const std::string& name, Shape shape, const std::vector<float>& values) {
  Tensor t(name, DType::bf16, std::move(shape));
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &values[i], sizeof bits);
    EXPECT_EQ(bits & 0xFFFF, 0U) << values[i];
    t.as<std::uint16_t>()[i] = static_cast<std::uint16_t>(bits >> 16);
  }
  return t;
}

// One channel, bf16 operands, f32 results.
std::vector<float> strict(const char* algorithm, std::int64_t size, const std::vector<float>& x,
                          std::int64_t kernel, const std::vector<float>& w) {
  const std::vector<Tensor> inputs{bf16s("X", {1, size, size, 1}, x), bf16s("W", {1, kernel, kernel, 1}, w)};
  ops::Problem p{"conv", {}, {{"X", DType::bf16, inputs[0].shape}, {"W", DType::bf16, inputs[1].shape}}, {}};
  for (const auto& [name, value] :
       {std::pair("layout", "NHWC"), {"algorithm", algorithm}, {"out_dtype", "f32"}})
    p.attributes.set(name, std::string(value));
  const Reference r = find_backend("strict").evaluate(p, inputs);
  const Tensor& y = *r.outputs[0].bits;
  return {y.as<float>(), y.as<float>() + y.elements()};
}

TEST(StrictWinograd, OnesAreNine) {
  EXPECT_EQ(strict("winograd", 4, std::vector<float>(16, 1), 3, std::vector<float>(9, 1)),
            std::vector<float>(4, 9));
}

TEST(StrictWinograd, TransformedWeightsAreRoundedToTheOperandsType) {
  // d = [0 1 0 0] and g = [1 2^-8 0]: V = [0 1 -1 1], U = [1 1/2 1/2-2^-9 0], where 1/2 + 2^-9 was a tie.
  std::vector<float> x(16), w(9);
  x[1] = 1;
  w[0] = 1;
  w[1] = 0x1p-8F;
  EXPECT_EQ(strict("winograd", 4, x, 3, w), (std::vector<float>{0x1p-9F, 1 - 0x1p-9F, 0, 0}));
}

TEST(StrictWinograd, TransformedPatchesAreRoundedToo) {
  // d = [1 0 -2^-8 0], whose V = [1+2^-8 (a tie: 1), -2^-8, -2^-8, 0]; g = [1 0 0]: U = [1 1/2 1/2 0].
  std::vector<float> x(16), w(9);
  x[0] = 1;
  x[2] = -0x1p-8F;
  w[0] = 1;
  EXPECT_EQ(strict("winograd", 4, x, 3, w), (std::vector<float>{1 - 0x1p-8F, 0, 0, 0}));
}

TEST(StrictWinograd, AnInfinitySpreadsOverItsTile) {
  std::vector<float> x(16), w(9);
  x[5] = std::numeric_limits<float>::infinity();  // (1, 1)
  w[0] = 1;
  const std::vector<float> y = strict("winograd", 4, x, 3, w);
  for (const float value : y) EXPECT_FALSE(std::isfinite(value));
}

TEST(StrictFft, AnImpulseComesBack) {
  std::vector<float> x(64);
  x[0] = 3;
  const std::vector<float> y = strict("fft", 8, x, 1, {1});
  EXPECT_EQ(y[0], 3);
  for (std::size_t i = 1; i < y.size(); ++i) EXPECT_LT(std::fabs(y[i]), 1e-6F) << i;
}

TEST(StrictFft, SpectraAreRoundedToTheOperandsType) {
  // Even points of a row are 1 + 2^-8, a tie that goes to 1; odd ones 1 - 2^-8.
  std::vector<float> x(64);
  x[0] = 1;
  x[4] = 0x1p-8F;
  const std::vector<float> y = strict("fft", 8, x, 1, {1});
  EXPECT_EQ(y[0], 1 - 0x1p-9F);
  EXPECT_EQ(y[4], 0x1p-9F);
}

TEST(StrictFft, TheKernelIsNotMirrored) {
  std::vector<float> x(64), w(25);
  x[8 * 1 + 2] = 1;
  w[5 * 1 + 2] = 4;  // meets the impulse at output (0, 0)
  const std::vector<float> y = strict("fft", 8, x, 5, w);
  EXPECT_NEAR(y[0], 4, 0.01);  // spectra of 8 bits
  for (std::size_t i = 1; i < y.size(); ++i) EXPECT_NEAR(y[i], 0, 0.01) << i;
}

// ------------------------------------------------------------------------------------------ agreement

testgen::Case case_of(const std::string& algorithm, std::int64_t kernel, const std::string& dtype,
                      std::uint64_t seed) {
  testgen::CaseArguments a;
  a.op = "conv";
  const auto number = static_cast<std::int64_t>(seed);
  a.inputs = {
      fmt::format("X:{}:{}x{}x{}x{}", dtype, 1 + number % 2, 9 + number % 7, 8 + number % 5, 1 + number % 40),
      fmt::format("W:{}:{}x{}x{}x{}", dtype, 1 + number % 6, kernel, kernel, 1 + number % 40)};
  if (number % 2 == 0) a.inputs.push_back(fmt::format("B:{}:{}", dtype, 1 + number % 6));
  a.attributes = {"layout=NHWC", "algorithm=" + algorithm, "pads=1,2,2,1",
                  number % 3 == 0 ? "activation=clip" : "activation=none"};
  a.data = number % 4 == 0 ? "positive" : "uniform";
  a.seed = seed;
  return testgen::case_from_arguments(a);
}

TEST(TiledConvAgreement, StrictLiesWithinTheBoundOfFp64) {
  for (const std::string algorithm : {"winograd", "fft"})
    for (const char* dtype : {"f32", "f16", "bf16"})
      for (std::uint64_t seed = 0; seed < 40; ++seed) {
        const std::int64_t kernels[] = {1, 3, 5, 6, 9};
        const testgen::Case c =
            case_of(algorithm, algorithm == "winograd" ? 3 : kernels[seed % 5], dtype, seed);
        const std::vector<Tensor> inputs = testgen::make_inputs(c);
        const Reference strict = find_backend("strict").evaluate(c.problem, inputs);
        const Reference cpu = find_backend("cpu").evaluate(c.problem, inputs);
        const Comparison result = compare(strict.outputs[0], cpu.outputs[0], testgen::policy_of(c));
        ASSERT_TRUE(result.passed) << result.to_line() << "\n" << testgen::reproduce_line(c);
      }
}

// The bound is no licence: a channel that is left out is seen.
TEST(TiledConvAgreement, TheBoundRefusesASumWithoutAChannel) {
  for (const std::string algorithm : {"winograd", "fft"}) {
    const testgen::Case c = case_of(algorithm, 3, "f32", 5);
    const std::vector<Tensor> inputs = testgen::make_inputs(c);
    std::vector<Tensor> without = inputs;
    const auto channels = static_cast<std::size_t>(c.problem.inputs[0].shape[3]);
    for (std::size_t i = 0; i < static_cast<std::size_t>(without[0].elements()); i += channels)
      without[0].as<float>()[i] = 0;
    const Reference cpu = find_backend("cpu").evaluate(c.problem, inputs);
    const Comparison result = compare(find_backend("strict").evaluate(c.problem, without).outputs[0],
                                      cpu.outputs[0], testgen::policy_of(c));
    EXPECT_FALSE(result.passed) << algorithm;
  }
}

TEST(TiledConvAgreement, OneDnnHasNoBoundForThem) {
  const testgen::Case c = case_of("winograd", 3, "f32", 1);
  EXPECT_NE(find_backend("dnnl").unsupported_reason(c.problem), "");
}

}  // namespace
}  // namespace assay::golden
