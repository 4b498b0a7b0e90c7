// The references agree with each other, and right results from another order are never refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "bits.hpp"
#include "golden/compare.hpp"
#include "golden/strict/dot.hpp"
#include "testgen/case_arguments.hpp"
#include "testgen/random.hpp"

namespace assay::golden {
namespace {

using testgen::Case;
using testgen::CaseArguments;

const std::vector<std::string> kTypes{"f32", "f16", "bf16", "s8"};

// A random problem: every transpose, alpha, beta and form of C, with and without a residual; dimensions 1 to
// 70.
Case random_case(std::uint64_t number, const std::string& type, const std::string& mode,
                 const std::string& data) {
  testgen::ElementRandom random(77, number);
  CaseArguments a;
  a.op = random.below(4) == 0 ? "matmul" : "gemm";
  a.m = random.between(1, 70);
  a.n = random.between(1, 70);
  a.k = random.between(1, 70);
  a.dtype = type;
  a.mode = mode;
  a.data = data;
  if (a.op == "gemm") {
    a.attributes = {"transA=" + std::to_string(random.below(2)), "transB=" + std::to_string(random.below(2)),
                    "alpha=" + std::to_string(random.between(-2, 2)),
                    "beta=" + std::to_string(random.between(-2, 2))};
    const std::string m = std::to_string(*a.m);
    const std::string n = std::to_string(*a.n);
    const std::vector<std::string> forms{"", "scalar", "1", n, "1x" + n, m + "x1", m + "x" + n};
    a.bias = forms[random.below(static_cast<std::uint32_t>(forms.size()))];
  }
  if (type != "s8" && random.coin()) a.attributes.emplace_back("out_dtype=f32");
  Case c = testgen::case_from_arguments(a);
  if (random.below(3) != 0) return c;
  const ops::TensorInfo& y = c.problem.outputs[0];
  c.problem.inputs.push_back({"R", y.dtype, y.shape});
  testgen::validate(c);
  return c;
}

std::vector<Reference> evaluate_all(const Case& c, const std::vector<Tensor>& inputs) {
  std::vector<Reference> references;
  for (const Backend* backend : all_backends())
    if (!backend->unavailable() && backend->supports(c.problem)) references.push_back(backend->evaluate(c.problem, inputs));
  return references;
}

void expect_agreement(const Case& c) {
  const std::vector<Reference> all = evaluate_all(c, testgen::make_inputs(c));
  const Policy policy = testgen::policy_of(c);
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t j = i + 1; j < all.size(); ++j) {
      const Comparison result = compare(all[i].outputs[0], all[j].outputs[0], policy);
      EXPECT_TRUE(result.passed) << all[i].backend << " against " << all[j].backend << ": "
                                 << result.to_line() << "\n"
                                 << testgen::reproduce_line(c);
    }
}

TEST(Agreement, StrictCpuAndOneDnnOnRealData) {
  for (const std::string& type : kTypes)
    for (const char* data : {"uniform", "normal", "positive"})
      for (std::uint64_t i = 0; i < 60; ++i) expect_agreement(random_case(i, type, "real", data));
}

TEST(Agreement, StrictCpuAndOneDnnToTheBitOnExactData) {
  for (const std::string& type : kTypes)
    for (std::uint64_t i = 0; i < 60; ++i) expect_agreement(random_case(1000 + i, type, "exact", ""));
}

TEST(Agreement, StrictAndCpuOnIntegersOfEveryKind) {
  for (const char* data : {"mixed", "special", "cancellation", "random"})
    for (std::uint64_t i = 0; i < 30; ++i) {
      Case c = random_case(2000 + i, "s8", "bits", data);
      const std::vector<Tensor> inputs = testgen::make_inputs(c);
      const std::vector<Reference> all = evaluate_all(c, inputs);
      ASSERT_GE(all.size(), 2U);
      for (std::size_t j = 1; j < all.size(); ++j)
        EXPECT_EQ(all[0].outputs[0].bits->bytes, all[j].outputs[0].bits->bytes) << testgen::reproduce_line(c);
    }
}

TEST(Agreement, InfinitiesAndNansStandInTheSamePlaces) {
  for (std::uint64_t i = 0; i < 60; ++i) {
    Case c = random_case(3000 + i, "f32", "real", "uniform");
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
    for (const std::string& type : kTypes) {
      const std::string text = shapes;
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
