// The goldens of the elementwise operators: defined values, broadcasting, and agreement with each other.
#include <gmock/gmock.h>

#include <cmath>
#include <cstring>

#include "bits.hpp"
#include "golden/backend.hpp"
#include "golden/compare.hpp"
#include "ops/elementwise/elementwise_spec.hpp"
#include "testgen/case.hpp"
#include "testgen/random.hpp"

namespace assay::golden {
namespace {

template <typename T>
Tensor tensor(DType dtype, Shape shape, const std::vector<T>& values) {
  Tensor t("", dtype, std::move(shape));
  std::memcpy(t.bytes.data(), values.data(), t.bytes.size());
  return t;
}

template <typename T>
std::vector<T> evaluate(const std::string& backend, const std::string& op,
                        const std::vector<Tensor>& inputs) {
  ops::Problem p;
  p.op = op;
  for (const Tensor& t : inputs) p.inputs.push_back({t.name, t.dtype, t.shape});
  const Reference r = find_backend(backend).evaluate(p, inputs);
  const Tensor& y = r.outputs.at(0).bits.value();
  std::vector<T> values(y.bytes.size() / sizeof(T));
  std::memcpy(values.data(), y.bytes.data(), y.bytes.size());
  return values;
}

using testing::ElementsAre;

TEST(StrictElementwise, IntegersWrapAtTheirWidth) {
  const Tensor a = tensor<std::int8_t>(DType::s8, {6}, {127, -128, -128, 100, -128, 7});
  const Tensor b = tensor<std::int8_t>(DType::s8, {6}, {1, -1, -1, 3, 0, -2});
  for (const char* backend : {"strict", "cpu"}) {
    const auto run = [&](const char* op) { return evaluate<std::int8_t>(backend, op, {a, b}); };
    EXPECT_THAT(run("add"), ElementsAre(-128, 127, 127, 103, -128, 5));
    EXPECT_THAT(run("sub"), ElementsAre(126, -127, -127, 97, -128, 9));
    EXPECT_THAT(run("mul"), ElementsAre(127, -128, -128, 44, 0, -14));
    EXPECT_THAT(run("div"), ElementsAre(127, -128, -128, 33, 0, -3));
    EXPECT_THAT(run("max"), ElementsAre(127, -1, -1, 100, 0, 7));
    EXPECT_THAT(run("min"), ElementsAre(1, -128, -128, 3, -128, -2));
    EXPECT_THAT(evaluate<std::int8_t>(backend, "relu", {a}), ElementsAre(127, 0, 0, 100, 0, 7));
  }
}

TEST(StrictElementwise, UnsignedBytesAreNeverNegative) {
  const Tensor a = tensor<std::uint8_t>(DType::u8, {3}, {200, 255, 3});
  const Tensor b = tensor<std::uint8_t>(DType::u8, {3}, {100, 2, 250});
  for (const char* backend : {"strict", "cpu"}) {
    EXPECT_THAT(evaluate<std::uint8_t>(backend, "add", {a, b}), ElementsAre(44, 1, 253));
    EXPECT_THAT(evaluate<std::uint8_t>(backend, "sub", {b, a}), ElementsAre(156, 3, 247));
    EXPECT_THAT(evaluate<std::uint8_t>(backend, "div", {a, b}), ElementsAre(2, 127, 0));
    EXPECT_THAT(evaluate<std::uint8_t>(backend, "max", {a, b}), ElementsAre(200, 255, 250));
    EXPECT_THAT(evaluate<std::uint8_t>(backend, "relu", {a}), ElementsAre(200, 255, 3));
  }
}

TEST(StrictElementwise, WordsWrapAndDivideAsDefined) {
  const Tensor a = tensor<std::int32_t>(DType::s32, {4}, {INT32_MIN, INT32_MIN, INT32_MAX, -7});
  const Tensor b = tensor<std::int32_t>(DType::s32, {4}, {-1, 0, 65537, 2});
  for (const char* backend : {"strict", "cpu"}) {
    EXPECT_THAT(evaluate<std::int32_t>(backend, "div", {a, b}), ElementsAre(INT32_MIN, 0, 32767, -3));
    EXPECT_THAT(evaluate<std::int32_t>(backend, "sub", {a, b}),
                ElementsAre(INT32_MIN + 1, INT32_MIN, INT32_MAX - 65537, -9));
    EXPECT_THAT(evaluate<std::int32_t>(backend, "mul", {a, b}),
                ElementsAre(INT32_MIN, 0, INT32_MAX - 65536, -14));
  }
}

TEST(StrictElementwise, FloatsRoundOnceAndOrderNanAndZeros) {
  const std::vector<float> x{1, -0.0F, f32(0xFFA00001), -0.0F}, y{3, 0.0F, 1, -0.0F};
  const Tensor a = tensor(DType::f32, {4}, x), b = tensor(DType::f32, {4}, y);
  const auto run = [&](const char* op) { return evaluate<std::uint32_t>("strict", op, {a, b}); };
  EXPECT_THAT(run("div"), ElementsAre(0x3EAAAAABU, 0x7FC00000U, 0x7FC00000U, 0x7FC00000U));
  EXPECT_THAT(run("sub"), ElementsAre(0xC0000000U, 0x80000000U, 0x7FC00000U, 0U));
  EXPECT_THAT(run("mul"), ElementsAre(0x40400000U, 0x80000000U, 0x7FC00000U, 0U));
  EXPECT_THAT(run("max"), ElementsAre(0x40400000U, 0U, 0x7FC00000U, 0x80000000U));
  EXPECT_THAT(run("min"), ElementsAre(0x3F800000U, 0x80000000U, 0x7FC00000U, 0x80000000U));
  EXPECT_THAT(evaluate<std::uint32_t>("strict", "max", {a}),
              ElementsAre(0x3F800000U, 0x80000000U, 0x7FC00000U, 0x80000000U));
  EXPECT_THAT(evaluate<std::uint32_t>("strict", "relu", {a}), ElementsAre(0x3F800000U, 0U, 0x7FC00000U, 0U));
}

TEST(StrictElementwise, HalvesDivideInTwoRoundings) {
  // 1 / 3 rounds to f32 first, and that to f16.
  const Tensor a = tensor<std::uint16_t>(DType::f16, {1}, {0x3C00});
  const Tensor b = tensor<std::uint16_t>(DType::f16, {1}, {0x4200});
  EXPECT_THAT(evaluate<std::uint16_t>("strict", "div", {a, b}), ElementsAre(0x3555));
}

TEST(StrictElementwise, EveryInputBroadcasts) {
  const Tensor column = tensor<std::int32_t>(DType::s32, {2, 1, 1}, {100, 200});
  const Tensor row = tensor<std::int32_t>(DType::s32, {3}, {1, 2, 3});
  const Tensor middle = tensor<std::int32_t>(DType::s32, {2, 1}, {0, 150});
  for (const char* backend : {"strict", "cpu"}) {
    EXPECT_THAT(evaluate<std::int32_t>(backend, "sub", {column, row}),
                ElementsAre(99, 98, 97, 199, 198, 197));
    EXPECT_THAT(evaluate<std::int32_t>(backend, "max", {row, middle, column}),
                ElementsAre(100, 100, 100, 150, 150, 150, 200, 200, 200, 200, 200, 200));
  }
}

// Random broadcast problems: every golden that takes one agrees with every other.
TEST(ElementwiseGoldens, AgreeInEveryModeThatTheyShare) {
  int compared = 0;
  for (std::uint64_t number = 0; number < 400; ++number) {
    testgen::ElementRandom random(3, number);
    const auto& operators = ops::elementwise_operators();
    const ops::Operator& op = *operators[number % operators.size()];
    testgen::Case c;
    c.problem.op = std::string(op.name());
    const DType dtype = all_dtypes()[random.below(6)];
    const std::size_t inputs = std::min<std::size_t>(op.input_names().size(), 2 + random.below(2));
    for (std::size_t i = 0; i < inputs; ++i)
      c.problem.inputs.push_back(
          {"", dtype, {random.coin() ? 1 : 5, random.coin() ? 1 : 7, random.coin() ? 1 : 9}});
    c.mode = random.coin() ? Mode::Exact : Mode::Real;
    c.data = testgen::default_data_kind(c.mode);
    testgen::validate(c);
    const std::vector<Tensor> data = testgen::make_inputs(c);
    std::vector<Reference> references;
    for (const Backend* backend : all_backends())
      if (!backend->unavailable() && backend->supports(c.problem)) references.push_back(backend->evaluate(c.problem, data));
    EXPECT_EQ(references.size(), is_float(dtype) ? 3U : 2U);
    for (std::size_t i = 1; i < references.size(); ++i) {
      const Comparison result =
          compare(references[0].outputs[0], references[i].outputs[0], testgen::policy_of(c));
      EXPECT_TRUE(result.passed) << references[i].backend << ": " << result.to_line() << "\n"
                                 << testgen::canonical_text(c);
      ++compared;
    }
  }
  EXPECT_GT(compared, 500);
}

}  // namespace
}  // namespace assay::golden
