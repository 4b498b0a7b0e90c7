// The goldens of grouped_gemm: defined values, and each other.
#include <gtest/gtest.h>

#include <cmath>

#include "../support/expect_error.hpp"
#include "bits.hpp"
#include "golden/backend.hpp"
#include "golden/compare.hpp"
#include "testgen/case_arguments.hpp"

namespace assay::golden {
namespace {

Tensor ids(Shape shape, const std::vector<std::int32_t>& values) {
  Tensor t("ids", DType::s32, std::move(shape));
  std::copy(values.begin(), values.end(), t.as<std::int32_t>());
  return t;
}

Tensor run(const std::string& golden, const std::vector<Tensor>& inputs,
           const std::vector<std::pair<std::string, std::string>>& attributes = {}) {
  ops::Problem p;
  p.op = "grouped_gemm";
  for (const Tensor& t : inputs) p.inputs.push_back({t.name, t.dtype, t.shape});
  for (const auto& [name, value] : attributes) p.attributes.set(name, value);
  const Expected e = find_backend(golden).evaluate(p, inputs).outputs[0];
  if (e.bits) return *e.bits;
  Tensor t("Y", DType::f32, e.shape);
  for (std::size_t i = 0; i < e.values.size(); ++i) t.as<float>()[i] = static_cast<float>(e.values[i]);
  return t;
}

const Tensor kX = tensor(DType::f32, {2, 1}, {1, 2}, "X");
const Tensor kW = tensor(DType::f32, {3, 1, 2}, {1, 10, 2, 20, 4, 40}, "W");

TEST(GroupedGoldens, EachSlotGoesThroughItsExpert) {
  for (const char* golden : {"strict", "cpu"}) {
    EXPECT_EQ(decode(run(golden, {kX, kW, ids({2, 2}, {0, 2, 1, 1})})),
              (std::vector<double>{1, 10, 4, 40, 4, 40, 4, 40}));
    const Tensor own = tensor(DType::f32, {1, 2, 1}, {1, 3}, "X");
    EXPECT_EQ(decode(run(golden, {own, kW, ids({1, 2}, {2, 0})})), (std::vector<double>{4, 40, 3, 30}));
    const Tensor bias = tensor(DType::f32, {3, 2}, {1, 2, 3, 4, -50, -60}, "B");
    EXPECT_EQ(decode(run(golden, {kX, kW, ids({2, 1}, {2, 1}), bias}, {{"activation", "relu"}})),
              (std::vector<double>{0, 0, 7, 44}));
  }
}

TEST(GroupedGoldens, ASlotWithoutAnExpertIsZeroEvenWithABias) {
  const Tensor bias = tensor(DType::f32, {3, 2}, {1, 1, 1, 1, 1, 1}, "B");
  for (const char* golden : {"strict", "cpu"}) {
    EXPECT_EQ(decode(run(golden, {kX, kW, ids({2, 1}, {-1, 0}), bias}, {{"activation", "sigmoid"}}))[0], 0);
    const Tensor weights = tensor(DType::f32, {2, 2}, {0.5, 0.25, 2, 1}, "weights");
    EXPECT_EQ(decode(run(golden, {kX, kW, ids({2, 2}, {2, -1, -1, -1}), weights})),
              (std::vector<double>{2, 20, 0, 0}));
  }
}

TEST(GroupedGoldens, SlotsAreAddedInAscendingOrderWithOneRoundingEach) {
  const Tensor x = tensor(DType::f32, {1, 1}, {1}, "X");
  const Tensor w = tensor(DType::f32, {3, 1, 1}, {1, 0x1p-24, 0x1p-24}, "W");
  const Tensor weights = tensor(DType::f32, {1, 3}, {1, 1, 1}, "weights");
  const auto sum = [&](const std::vector<std::int32_t>& order) {
    return decode(run("strict", {x, w, ids({1, 3}, order), weights}))[0];
  };
  EXPECT_EQ(sum({0, 1, 2}), 1) << "each 2^-24 is lost by itself";
  EXPECT_EQ(sum({1, 2, 0}), 1 + 0x1p-23);
}

TEST(GroupedGoldens, IntegersWrapAndTakeABias) {
  const Tensor x = tensor(DType::s8, {1, 2}, {127, -128}, "X"),
               w = tensor(DType::s8, {1, 2, 1}, {127, -128}, "W");
  const Tensor bias = tensor(DType::s32, {1, 1}, {2147483647}, "B");
  for (const char* golden : {"strict", "cpu"})
    EXPECT_EQ(run(golden, {x, w, ids({1, 1}, {0}), bias}).as<std::int32_t>()[0], INT32_MIN + 32512);
}

TEST(GroupedGoldens, AnIdThatIsNoExpertIsNamed) {
  for (const char* golden : {"strict", "cpu"})
    test::expect_error(ExitCode::Usage, "ids[1, 0] = 3; expected -1 to 2", [&] {
      run(golden, {kX, kW, ids({2, 1}, {0, 3})});
    });
}

TEST(GroupedGoldens, StrictAndCpuAgree) {
  for (const char* data : {"uniform", "normal", "positive"})
    for (const char* type : {"f32", "bf16", "f16", "e4m3"})
      for (const char* activation : {"none", "gelu"}) {
        testgen::CaseArguments a;
        a.op = "grouped_gemm";
        const std::string t = type;
        a.inputs = {"X:" + t + ":23x40", "W:" + t + ":5x40x17", "ids:s32:23x3", "B:" + t + ":5x17",
                    "weights:f32:23x3"};
        a.attributes = {std::string("activation=") + activation};
        a.data = data;
        const testgen::Case c = testgen::case_from_arguments(a);
        const std::vector<Tensor> inputs = testgen::make_inputs(c);
        const Reference strict = find_backend("strict").evaluate(c.problem, inputs),
                        cpu = find_backend("cpu").evaluate(c.problem, inputs);
        const Comparison result = compare(*strict.outputs[0].bits, cpu.outputs[0], testgen::policy_of(c));
        EXPECT_TRUE(result.passed) << result.to_line() << "\n" << testgen::reproduce_line(c);
      }
}

}  // namespace
}  // namespace assay::golden
