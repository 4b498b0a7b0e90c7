// The cuda golden from end to end, against the contract and the fp64 reference. As cuda_kernels_test.cpp, one
// source for the host shim and for a GPU.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "../support/expect_error.hpp"
#include "golden/backend.hpp"
#include "golden/compare.hpp"
#include "golden/formats.hpp"
#include "testgen/case_arguments.hpp"
#include "testgen/case_yaml.hpp"
#include "testgen/data.hpp"
#include "testgen/space/random_problem.hpp"

namespace assay::golden {
namespace {

using testgen::Case;

const Backend& cuda() { return find_backend("cuda"); }

class CudaBackend : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto missing = cuda().unavailable()) GTEST_SKIP() << missing->why;
  }
};

// As a result judged by strict and cpu would be, and they by it.
void expect_agreement(const Case& c) {
  const std::vector<Tensor> inputs = testgen::make_inputs(c);
  ASSERT_EQ(cuda().unsupported_reason(c.problem), "") << testgen::reproduce_line(c);
  const Reference mine = cuda().evaluate(c.problem, inputs);
  EXPECT_GT(mine.outputs[0].seconds.value_or(0), 0);
  for (const char* name : {"strict", "cpu"}) {
    const Reference other = find_backend(name).evaluate(c.problem, inputs);
    const Comparison result = compare(mine.outputs[0], other.outputs[0], testgen::policy_of(c));
    ASSERT_TRUE(result.passed) << name << ": " << result.to_line() << "\n" << testgen::reproduce_line(c);
  }
}

Case case_of(const std::string& op, const std::vector<std::string>& inputs,
             const std::vector<std::string>& attributes = {}, const std::string& mode = "real") {
  testgen::CaseArguments a;
  a.op = op;
  a.inputs = inputs;
  a.attributes = attributes;
  a.mode = mode;
  return testgen::case_from_arguments(a);
}

TEST_F(CudaBackend, GemmOnRealDataAndToTheBitOnExactData) {
  constexpr std::array kKinds{testgen::DataKind::Uniform, testgen::DataKind::Normal,
                              testgen::DataKind::Positive};
  testgen::Generator random(5000);
  for (const DType type : {DType::f32, DType::f16, DType::bf16, DType::e4m3, DType::e5m2, DType::s8})
    for (std::uint64_t i = 0; i < 24; ++i) {
      Case c;
      do c.problem = testgen::random_problem(i % 4 == 0 ? "matmul" : "gemm", type, random);
      while (i % 2 != 0 && !testgen::can_be_exact(c.problem));
      c.mode = i % 2 == 0 ? Mode::Real : Mode::Exact;
      c.data = i % 2 == 0 ? kKinds[i % 3] : testgen::DataKind::Integers;
      c.suite_seed = i;
      testgen::validate(c);
      expect_agreement(c);
    }
}

TEST_F(CudaBackend, BatchedMatmul) {
  expect_agreement(case_of("matmul", {"A:bf16:2x3x4x5", "B:bf16:5x6"}));
  expect_agreement(case_of("matmul", {"A:f32:2x1x3x4", "B:f32:6x4x5"}));
  expect_agreement(case_of("matmul", {"A:f16:5", "B:f16:2x5x3"}));
}

TEST_F(CudaBackend, QuantisedProductsToTheBit) {
  for (const char* a : {"s8", "u8"})
    for (const char* b : {"s8", "u8"}) {
      const std::string a_type = a, b_type = b;
      expect_agreement(case_of("matmulinteger",
                               {"A:" + a_type + ":2x17x70", "B:" + b_type + ":70x9",
                                "a_zero_point:" + a_type + ":scalar", "b_zero_point:" + b_type + ":scalar"}));
      expect_agreement(
          case_of("qlinearmatmul",
                  {"a:" + a_type + ":17x70", "a_scale:f32:scalar", "a_zero_point:" + a_type + ":scalar",
                   "b:" + b_type + ":70x9", "b_scale:f32:scalar", "b_zero_point:" + b_type + ":scalar",
                   "y_scale:f32:scalar", "y_zero_point:u8:scalar"}));
    }
}

TEST_F(CudaBackend, Convolutions) {
  testgen::Generator random(21);
  for (const DType type : {DType::f32, DType::f16, DType::bf16, DType::e4m3, DType::e5m2})
    for (std::uint64_t i = 0; i < 16; ++i) {
      Case c;
      do c.problem = testgen::random_problem("conv", type, random);
      while (i % 2 != 0 && !testgen::can_be_exact(c.problem));
      c.mode = i % 2 == 0 ? Mode::Real : Mode::Exact;
      c.data = i % 2 != 0   ? testgen::DataKind::Integers
               : i % 4 == 0 ? testgen::DataKind::Uniform
                            : testgen::DataKind::Positive;
      c.suite_seed = i;
      testgen::validate(c);
      expect_agreement(c);
    }
}

// Strict's result, judged by the cuda golden: infinities and NaNs in the same places.
void expect_same_places(const Case& c, const std::vector<Tensor>& inputs) {
  const Expected mine = cuda().evaluate(c.problem, inputs).outputs[0];
  const Reference strict = find_backend("strict").evaluate(c.problem, inputs);
  const Comparison result = compare(*strict.outputs[0].bits, mine, testgen::policy_of(c));
  EXPECT_TRUE(result.passed) << result.to_line() << "\n" << testgen::reproduce_line(c);
}

TEST_F(CudaBackend, ABorderMultipliesAndWhatFillsTilesDoesNot) {
  const Case c = case_of("conv", {"X:f32:1x3x5x5", "W:f32:4x3x3x3"}, {"pads=1,1,1,1"});
  for (const std::size_t input : {0U, 1U})
    for (const std::size_t at : {0U, 7U, 30U}) {
      std::vector<Tensor> inputs = testgen::make_inputs(c);
      inputs[input].as<float>()[at] = std::numeric_limits<float>::infinity();
      expect_same_places(c, inputs);
    }
}

TEST_F(CudaBackend, InfinitiesStayInTheirRowsAndColumns) {
  for (const char* type : {"f32", "f16", "bf16"}) {
    testgen::CaseArguments a;
    a.op = "gemm";
    a.m = 9;
    a.n = 11;
    a.k = 21;
    a.dtype = type;
    const Case c = testgen::case_from_arguments(a);
    for (const std::size_t input : {0U, 1U}) {
      std::vector<Tensor> inputs = testgen::make_inputs(c);
      const DType dtype = inputs[input].dtype;
      set_element_bits(dtype, inputs[input].bytes.data(), 25, encode(dtype, HUGE_VAL));
      set_element_bits(dtype, inputs[input].bytes.data(), 70, encode(dtype, std::nan("")));
      expect_same_places(c, inputs);
    }
  }
}

TEST_F(CudaBackend, Softmax) {
  for (const char* type : {"f32", "f16", "bf16"}) {
    const std::string x = std::string("X:") + type;
    for (const char* shape : {":1x1", ":3x5", ":2x257", ":2x1025"})
      expect_agreement(case_of("softmax", {x + shape}));
    expect_agreement(case_of("softmax", {x + ":3x40x7"}, {"axis=1"}));
    expect_agreement(case_of("softmax", {x + ":9x2x3"}, {"axis=0"}));
  }
}

struct Attention {
  const char *q, *kv, *values;  // shapes
  std::vector<std::string> attributes, more;
};

TEST_F(CudaBackend, Attention) {
  const std::vector<Attention> cases{
      {"1x1x1x1", "1x1x1x1", "1x1x1x1", {}, {}},
      {"2x3x16x8", "2x3x32x8", "2x3x32x8", {}, {}},
      {"1x2x17x33", "1x2x65x33", "1x2x65x9", {}, {}},            // tails of every tile
      {"1x4x5x16", "1x2x40x16", "1x2x40x16", {"causal=1"}, {}},  // GQA
      {"1x6x33x8", "1x1x33x8", "1x1x33x12", {"causal=1"}, {}},   // MQA
      {"1x2x20x8", "1x2x37x8", "1x2x37x8", {"causal=1"}, {}},    // a tile of keys for the last of 16 queries
      {"2x2x20x16", "2x2x70x16", "2x2x70x16", {"window=7"}, {}},
      {"2x2x20x16", "2x2x70x16", "2x2x70x16", {"causal=1", "window=40"}, {}},
      {"3x2x20x16", "3x2x70x16", "3x2x70x16", {}, {"kv_lengths:s32:3"}},
      {"2x2x9x16", "2x2x70x16", "2x2x70x16", {"causal=1"}, {"kv_lengths:s32:2"}},
      {"2x2x9x16", "2x2x37x16", "2x2x37x16", {}, {"mask:f32:2x2x9x37"}},
      {"2x2x9x16", "2x2x37x16", "2x2x37x16", {}, {"mask:f32:9x37"}},
      {"2x2x9x16", "2x2x37x16", "2x2x37x16", {}, {"mask:f32:2x1x1x37"}},
      {"2x2x9x16", "2x2x37x16", "2x2x37x16", {}, {"mask:u8:9x37"}},
      {"1x9x2x16", "1x37x2x16", "1x37x2x16", {"layout=bshd", "causal=1"}, {}}};
  for (const char* type : {"f32", "f16", "bf16", "e4m3"})
    for (const Attention& a : cases) {
      const std::string of = std::string(":") + type + ":";
      std::vector<std::string> inputs{"Q" + of + a.q, "K" + of + a.kv, "V" + of + a.values};
      for (std::string input : a.more) {
        if (const auto at = input.find("mask:f32"); at == 0 && std::string(type) != "e4m3")
          input.replace(5, 3, type);
        inputs.push_back(input);
      }
      expect_agreement(case_of("attention", inputs, a.attributes));
    }
}

TEST_F(CudaBackend, WhatItDoesNotTakeHasAReason) {
  const auto reason = [](const Case& c) { return cuda().unsupported_reason(c.problem); };
  EXPECT_EQ(reason(case_of("relu", {"X:f32:3"})), "no CUDA kernel of operator 'relu'");
  EXPECT_EQ(
      reason(case_of("conv", {"X:f32:1x8x8x4", "W:f32:4x3x3x4"}, {"layout=NHWC", "algorithm=winograd"})),
      "convolution by tiles: the bound of Winograd and FFT is derived for the fp64 reference alone");
  EXPECT_EQ(reason(case_of("attention", {"Q:f32:1x1x1x8", "K:f32:1x1x1x8", "V:f32:1x1x1x8"}, {"softcap=5"})),
            "softcap");
}

// What golden/cuda/record.sh records: the backend takes each, and here computes the small ones.
TEST_F(CudaBackend, TakesTheListThatIsRecorded) {
  const std::vector<Case> cases = testgen::read_case_list(RECORDED_LIST);
  EXPECT_GE(cases.size(), 60U);
  int computed = 0;
  for (const Case& c : cases) {
    EXPECT_EQ(cuda().unsupported_reason(c.problem), "") << testgen::reproduce_line(c);
    if (ops::find_operator(c.problem.op).work(c.problem).macs > 100'000) continue;
    expect_agreement(c);
    ++computed;
  }
  EXPECT_GE(computed, 10);
}

}  // namespace
}  // namespace assay::golden
