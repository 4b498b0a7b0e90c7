// The references agree with each other, and right results from another order are never refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "bits.hpp"
#include "golden/compare.hpp"
#include "golden/strict/dot.hpp"
#include "testgen/case_arguments.hpp"
#include "testgen/data.hpp"
#include "testgen/random.hpp"
#include "testgen/space/random_problem.hpp"

namespace assay::golden {
namespace {

using testgen::Case;
using testgen::CaseArguments;

const std::vector<DType> kTypes{DType::f32, DType::f16, DType::bf16, DType::s8};

Case case_of(ops::Problem problem, Mode mode, testgen::DataKind data, std::uint64_t number) {
  Case c;
  c.problem = std::move(problem);
  c.mode = mode;
  c.data = data;
  c.suite_seed = number;
  testgen::validate(c);
  return c;
}

// A gemm or a matmul, mostly a gemm.
Case random_case(std::uint64_t number, DType type, Mode mode, testgen::DataKind data,
                 const testgen::NamedPins& pins = {}) {
  testgen::Generator random(number);
  while (true) {
    ops::Problem p = testgen::random_problem(number % 4 == 0 ? "matmul" : "gemm", type, random, {}, pins);
    if (mode != Mode::Exact || testgen::can_be_exact(p)) return case_of(std::move(p), mode, data, number);
  }
}

std::vector<Reference> evaluate_all(const Case& c, const std::vector<Tensor>& inputs) {
  std::vector<Reference> references;
  for (const Backend* backend : own_backends())
    if (backend->supports(c.problem)) references.push_back(backend->evaluate(c.problem, inputs));
  return references;
}

void expect_agreement(const Case& c) {
  if (element_count(c.problem.outputs.at(0).shape) == 0) return;
  const std::vector<Reference> all = evaluate_all(c, testgen::make_inputs(c));
  ASSERT_GE(all.size(), 2U) << testgen::reproduce_line(c);
  const Policy policy = testgen::policy_of(c);
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t j = i + 1; j < all.size(); ++j) {
      const Comparison result = compare(all[i].outputs[0], all[j].outputs[0], policy);
      EXPECT_TRUE(result.passed) << all[i].backend << " against " << all[j].backend << ": "
                                 << result.to_line() << "\n"
                                 << testgen::reproduce_line(c);
    }
}

constexpr std::array kReal{testgen::DataKind::Uniform, testgen::DataKind::Normal,
                           testgen::DataKind::Positive};

TEST(Agreement, StrictCpuAndOneDnnOnRealData) {
  for (const DType type : kTypes)
    for (const testgen::DataKind data : kReal)
      for (std::uint64_t i = 0; i < 60; ++i) expect_agreement(random_case(i, type, Mode::Real, data));
}

class EveryOperator : public ::testing::TestWithParam<const ops::Operator*> {};

// At least 60 problems each, and 12 of each type.
TEST_P(EveryOperator, HasGoldensThatAgree) {
  const std::string_view op = GetParam()->name();
  const std::vector<DType> types = testgen::problem_types(op);
  ASSERT_FALSE(types.empty());
  testgen::Generator random(testgen::hash(op));
  const std::size_t each = std::max<std::size_t>(12, (60 + types.size() - 1) / types.size());
  for (const DType type : types)
    for (std::uint64_t i = 0; i < each; ++i) {
      const testgen::DataKind data = kReal[i % kReal.size()];
      expect_agreement(case_of(testgen::random_problem(op, type, random), Mode::Real, data, i));
      if (HasFailure()) return;
    }
}

INSTANTIATE_TEST_SUITE_P(Operators, EveryOperator, ::testing::ValuesIn(ops::all_operators()),
                         [](const auto& test) { return std::string(test.param->name()); });

TEST(Agreement, StrictCpuAndOneDnnToTheBitOnExactData) {
  for (const DType type : kTypes)
    for (std::uint64_t i = 0; i < 60; ++i)
      expect_agreement(random_case(1000 + i, type, Mode::Exact, testgen::DataKind::Integers));
}

TEST(Agreement, StrictAndCpuOnIntegersOfEveryKind) {
  for (const testgen::DataKind data : {testgen::DataKind::Mixed, testgen::DataKind::Special,
                                       testgen::DataKind::Cancellation, testgen::DataKind::Random})
    for (std::uint64_t i = 0; i < 30; ++i) {
      const Case c = random_case(2000 + i, DType::s8, Mode::Bits, data);
      const std::vector<Tensor> inputs = testgen::make_inputs(c);
      const std::vector<Reference> all = evaluate_all(c, inputs);
      ASSERT_GE(all.size(), 2U);
      for (std::size_t j = 1; j < all.size(); ++j)
        EXPECT_EQ(all[0].outputs[0].bits->bytes, all[j].outputs[0].bits->bytes) << testgen::reproduce_line(c);
    }
}

TEST(Agreement, InfinitiesAndNansStandInTheSamePlaces) {
  for (std::uint64_t i = 0; i < 60; ++i) {
    const Case c =
        random_case(3000 + i, DType::f32, Mode::Real, testgen::DataKind::Uniform, {{"activation", "none"}});
    std::vector<Tensor> inputs = testgen::make_inputs(c);
    testgen::ElementRandom random(5, i);
    for (Tensor& t : inputs)
      for (int n = 0; n < 2; ++n) {
        const std::uint32_t words[] = {0x7F800000, 0xFF800000, 0x7FC00000, 0xFFA00001, 0};
        t.as<std::uint32_t>()[random.below(static_cast<std::uint32_t>(t.elements()))] =
            words[random.below(5)];
      }
    const std::vector<Reference> all = evaluate_all(c, inputs);
    for (std::size_t j = 1; j < all.size(); ++j) {
      const Comparison result = compare(*all[0].outputs[0].bits, all[j].outputs[0], testgen::policy_of(c));
      EXPECT_TRUE(result.passed) << all[j].backend << ": " << result.to_line() << "\n"
                                 << testgen::reproduce_line(c);
    }
  }
}

TEST(Agreement, BatchedMatmul) {
  for (const char* shapes :
       {"2x3x4x5 5x6", "4x5 7x5x3", "2x1x3x4 6x4x5", "5 2x5x3", "2x3x5 5", "3x1x2x1x2x3 4x1x1x3x2"})
    for (const DType dtype : kTypes) {
      const std::string text = shapes, type(to_string(dtype));
      const std::size_t space = text.find(' ');
      CaseArguments a;
      a.op = "matmul";
      a.inputs = {"A:" + type + ":" + text.substr(0, space), "B:" + type + ":" + text.substr(space + 1)};
      expect_agreement(testgen::case_from_arguments(a));
    }
}

// Sums of the same products in other orders, with and without FMA.
std::vector<float> other_orders(const std::vector<float>& a, const std::vector<float>& b) {
  std::vector<float> results;
  float reversed = 0;
  for (std::size_t k = a.size(); k-- > 0;) reversed += a[k] * b[k];
  results.push_back(reversed);
  for (const std::size_t stripes : {4U, 64U}) {
    std::vector<float> sums(stripes);
    for (std::size_t k = 0; k < a.size(); ++k) sums[k % stripes] += a[k] * b[k];
    results.push_back(std::accumulate(sums.begin(), sums.end(), 0.0F));
  }
  std::vector<float> products(a.size());
  for (std::size_t k = 0; k < a.size(); ++k) products[k] = a[k] * b[k];
  std::sort(products.begin(), products.end());
  results.push_back(std::accumulate(products.begin(), products.end(), 0.0F));
  return results;
}

TEST(NoFalseAlarm, OtherOrdersPassOnRandomAndOneSignedData) {
  for (const char* data : {"uniform", "normal", "positive"})
    for (const std::int64_t k : {1, 2, 15, 16, 17, 100, 1000, 4096}) {
      CaseArguments a;
      a.op = "gemm";
      a.m = a.n = 12;
      a.k = k;
      a.dtype = "f32";
      a.data = data;
      const Case c = testgen::case_from_arguments(a);
      const std::vector<Tensor> inputs = testgen::make_inputs(c);
      const Reference reference = find_backend("cpu").evaluate(c.problem, inputs);
      std::vector<Tensor> results(4, Tensor("Y", DType::f32, {12, 12}));
      const auto size = static_cast<std::size_t>(k);
      for (std::size_t i = 0; i < 144; ++i) {
        std::vector<float> row(size);
        std::vector<float> column(size);
        for (std::size_t kk = 0; kk < size; ++kk) {
          row[kk] = inputs[0].as<float>()[i / 12 * size + kk];
          column[kk] = inputs[1].as<float>()[kk * 12 + i % 12];
        }
        const std::vector<float> sums = other_orders(row, column);
        for (std::size_t r = 0; r < results.size(); ++r) results[r].as<float>()[i] = sums[r];
      }
      Policy policy = testgen::policy_of(c);
      for (std::size_t r = 0; r < results.size(); ++r) {
        // Sorting makes zero-mean data one-signed for half of the sum: only the worst case holds for it.
        policy.zero_mean = policy.zero_mean && r != 3;
        Expected expected = reference.outputs[0];
        expected.tolerance.roundings = 2.0 * static_cast<double>(k);  // products and sums both round here
        const Comparison result = compare(results[r], expected, policy);
        EXPECT_TRUE(result.passed) << data << " K " << k << " order " << r << ": " << result.to_line();
      }
    }
}

}  // namespace
}  // namespace assay::golden
