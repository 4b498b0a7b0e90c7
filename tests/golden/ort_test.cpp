// The golden ort against strict and cpu: every operator that it has, on random
// problems; and in values worked out by hand. Where ONNX Runtime is not
// installed the program ends with 77, which ctest shows as skipped.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <limits>

#include "../support/expect_error.hpp"
#include "bits.hpp"
#include "golden/compare.hpp"
#include "golden/given.hpp"
#include "golden/ort/ort_graph.hpp"
#include "golden/ort/ort_model.hpp"
#include "testgen/case_arguments.hpp"
#include "testgen/onnx_case.hpp"
#include "testgen/random.hpp"
#include "testgen/space/random_problem.hpp"

namespace assay::golden {
namespace {

using testgen::Case;
using testgen::CaseArguments;
using testgen::ElementRandom;

std::string number(std::uint64_t value) { return std::to_string(value); }

// ort against the two that define the results: strict by its bits, cpu by its
// bound.
void expect_agreement(const Case& c, const std::vector<Tensor>& inputs) {
  ASSERT_EQ(find_backend("ort").unsupported_reason(c.problem), "") << testgen::canonical_text(c);
  Expected ort;
  ASSERT_NO_THROW(ort = find_backend("ort").evaluate(c.problem, inputs).outputs[0])
      << testgen::reproduce_line(c);
  for (const char* name : {"strict", "cpu"}) {
    const Expected other = find_backend(name).evaluate(c.problem, inputs).outputs[0];
    const Comparison result = compare(other, ort, testgen::policy_of(c));
    ASSERT_TRUE(result.passed) << name << ": " << result.to_line() << "\n" << testgen::reproduce_line(c);
  }
}
void expect_agreement(const Case& c) { expect_agreement(c, testgen::make_inputs(c)); }

Case case_of(const std::string& op, const std::vector<std::string>& inputs,
             const std::vector<std::string>& attributes = {}, const std::string& mode = "real",
             const std::string& data = "") {
  CaseArguments a;
  a.op = op;
  a.inputs = inputs;
  a.attributes = attributes;
  a.mode = mode;
  a.data = data;
  return testgen::case_from_arguments(a);
}

template <typename List>
auto one_of(ElementRandom& random, const List& list) {
  return list[random.below(static_cast<std::uint32_t>(list.size()))];
}

const std::vector<std::string> kFloats{"f32", "f16", "bf16"};
const std::vector<std::string> kRealData{"uniform", "normal", "positive"};

// -------------------------------------------------------------------------------------
// the gemm family

TEST(OrtAgrees, Gemm) {
  for (std::uint64_t i = 0; i < 200; ++i) {
    ElementRandom random(11, i);
    CaseArguments a;
    a.op = i % 4 == 0 ? "matmul" : "gemm";
    a.m = random.between(1, 70);
    a.n = random.between(1, 70);
    a.k = random.between(1, 200);
    a.dtype = one_of(random, std::vector<std::string>{"f32", "f16", "bf16", "e4m3", "s8"});
    const bool integers = a.dtype == "s8";
    a.mode = integers ? "bits" : random.coin() ? "exact" : "real";
    if (a.mode == "real") a.data = one_of(random, kRealData);
    if (a.op == "gemm") {
      a.attributes = {"transA=" + number(random.below(2)), "transB=" + number(random.below(2)),
                      "alpha=" + std::to_string(random.between(-2, 2)),
                      "beta=" + std::to_string(random.between(-2, 2))};
      const std::string m = std::to_string(*a.m), n = std::to_string(*a.n);
      a.bias =
          one_of(random, std::vector<std::string>{"", "scalar", "1", n, "1x" + n, m + "x1", m + "x" + n});
    }
    if (a.mode == "real")
      a.attributes.push_back("activation=" +
                             one_of(random, std::vector<std::string>{"none", "gelu", "relu"}));
    Case c = testgen::case_from_arguments(a);
    if (random.coin()) {
      c.problem.inputs.push_back({"R", c.problem.outputs[0].dtype, c.problem.outputs[0].shape});
      testgen::validate(c);
    }
    expect_agreement(c);
  }
}

TEST(OrtAgrees, MatmulOfBatches) {
  for (const std::string shapes :
       {"2x3x4x5 5x6", "4x5 7x5x3", "2x1x3x4 6x4x5", "5 2x5x3", "2x3x5 5", "5 5", "3x0 0x4"})
    for (const std::string type : {"f32", "f16", "bf16", "e5m2", "s8"}) {
      const std::size_t space = shapes.find(' ');
      expect_agreement(case_of("matmul", {"A:" + type + ":" + shapes.substr(0, space),
                                          "B:" + type + ":" + shapes.substr(space + 1)}));
    }
}

TEST(OrtAgrees, SumsOfNoProducts) {
  for (const char* type : {"f32", "bf16", "s8"}) {
    const std::string a = std::string("A:") + type + ":3x0", b = std::string("B:") + type + ":0x4";
    expect_agreement(case_of("gemm", {a, b}));
    expect_agreement(case_of("matmul", {a, b}));
  }
  expect_agreement(case_of("matmulinteger", {"A:u8:3x0", "B:s8:0x4"}, {}, "bits"));
  expect_agreement(case_of("grouped_gemm", {"X:f32:6x0", "W:f32:3x0x7", "ids:s32:6x2"}));
  expect_agreement(case_of("attention", {"Q:f32:1x1x2x4", "K:f32:1x1x0x4", "V:f32:1x1x0x3"}));
  expect_agreement(case_of("einsum", {"Inputs_0:f64:3x0", "Inputs_1:f64:0x4"}, {"equation=ij,jk"}));
}

TEST(OrtAgrees, MatmulInteger) {
  for (std::uint64_t i = 0; i < 60; ++i) {
    ElementRandom random(12, i);
    const std::string a = random.coin() ? "s8" : "u8", b = random.coin() ? "s8" : "u8";
    const std::string m = number(1 + random.below(20)), n = number(1 + random.below(40)),
                      k = number(1 + random.below(300));
    std::vector<std::string> inputs{"A:" + a + ":" + m + "x" + k, "B:" + b + ":" + k + "x" + n};
    if (random.coin()) inputs.push_back("a_zero_point:" + a + ":scalar");
    if (random.coin()) inputs.push_back("b_zero_point:" + b + ":scalar");
    expect_agreement(case_of("matmulinteger", inputs, {}, "bits"));
  }
}

TEST(OrtAgrees, QLinearMatmul) {
  for (std::uint64_t i = 0; i < 100; ++i) {
    ElementRandom random(13, i);
    const std::string a = random.coin() ? "s8" : "u8", b = random.coin() ? "s8" : "u8",
                      y = random.coin() ? "s8" : "u8";
    const std::string m = number(1 + random.below(20)), n = number(1 + random.below(40)),
                      k = number(1 + random.below(100)), scales = random.coin() ? "scalar" : n;
    expect_agreement(
        case_of("qlinearmatmul",
                {"a:" + a + ":" + m + "x" + k, "a_scale:f32:scalar", "a_zero_point:" + a + ":scalar",
                 "b:" + b + ":" + k + "x" + n, "b_scale:f32:" + scales, "b_zero_point:" + b + ":scalar",
                 "y_scale:f32:scalar", "y_zero_point:" + y + ":scalar"},
                {}, "bits"));
  }
}

TEST(OrtAgrees, MatmulNbits) {
  for (std::uint64_t i = 0; i < 60; ++i) {
    ElementRandom random(14, i);
    const std::string a = random.coin() ? "f16" : "bf16",
                      b = one_of(random, std::vector<std::string>{"s4", "u4", "s8", "u8"});
    const std::uint64_t k = 32 * (1 + random.below(8)), n = 2 * (1 + random.below(30));
    const bool transposed = random.coin();
    const std::string groups = number(k / 32), columns = number(n);
    const std::string rows = transposed ? columns + "x" + number(k) : number(k) + "x" + columns,
                      scales = transposed ? columns + "x" + groups : groups + "x" + columns;
    std::vector<std::string> inputs{"A:" + a + ":" + number(1 + random.below(9)) + "x" + number(k),
                                    "B:" + b + ":" + rows, "scales:f32:" + scales};
    if (random.coin()) inputs.push_back("zeros:" + std::string(b[0] == 's' ? "s8" : "u8") + ":" + scales);
    expect_agreement(case_of("matmul_nbits", inputs, {"group=32", "transB=" + number(transposed ? 1 : 0)},
                             "real", one_of(random, kRealData)));
  }
}

TEST(OrtAgrees, GroupedGemm) {
  for (std::uint64_t i = 0; i < 60; ++i) {
    ElementRandom random(15, i);
    const std::string t = one_of(random, std::vector<std::string>{"f32", "f16", "bf16", "e4m3", "s8"});
    const bool integers = t == "s8", transposed = random.coin();
    const std::string tokens = number(1 + random.below(30)), slots = number(1 + random.below(3)),
                      k = number(1 + random.below(60)), n = number(1 + random.below(40));
    std::vector<std::string> inputs{"X:" + t + ":" + tokens + "x" + (random.coin() ? slots + "x" : "") + k,
                                    "W:" + t + ":5x" + (transposed ? n + "x" + k : k + "x" + n),
                                    "ids:s32:" + tokens + "x" + slots};
    if (random.coin())
      inputs.push_back("B:" + (integers ? std::string("s32") : t == "e4m3" ? "bf16" : t) + ":5x" + n);
    if (!integers && random.coin()) inputs.push_back("weights:f32:" + tokens + "x" + slots);
    std::vector<std::string> attributes{"transW=" + number(transposed ? 1 : 0)};
    if (!integers && random.coin()) attributes.emplace_back("activation=silu");
    expect_agreement(case_of("grouped_gemm", inputs, attributes, integers ? "bits" : "real"));
  }
}

// ----------------------------------------------------------------------------------------
// convolutions

// `wanted` random problems that ort takes.
void expect_convolutions(testgen::Generator& random, const std::string& op, DType type, int wanted) {
  for (int compared = 0; compared < wanted;) {
    Case c;
    c.problem = testgen::random_problem(op, type, random);
    c.mode = !is_float(type) ? Mode::Bits : compared % 3 == 0 ? Mode::Exact : Mode::Real;
    c.data = testgen::default_data_kind(c.mode);
    testgen::validate(c);
    if (!find_backend("ort").supports(c.problem)) continue;
    ASSERT_NO_FATAL_FAILURE(expect_agreement(c));
    ++compared;
  }
}

TEST(OrtAgrees, Convolutions) {
  testgen::Generator random(21);
  for (const char* op : {"conv", "convtranspose"})
    for (const DType type : {DType::f32, DType::f16, DType::bf16, DType::e4m3})
      expect_convolutions(random, op, type, 60);
}

TEST(OrtAgrees, IntegerConvolutions) {
  testgen::Generator random(22);
  for (const char* op : {"convinteger", "qlinearconv"})
    for (const DType type : {DType::s8, DType::u8}) expect_convolutions(random, op, type, 60);
}

// -------------------------------------------------------------------------------------------
// the others

TEST(OrtAgrees, Elementwise) {
  for (const char* op : {"add", "sub", "mul", "div", "max", "min", "relu"})
    for (std::uint64_t i = 0; i < 60; ++i) {
      ElementRandom random(31, i);
      std::vector<std::string> types{"f32", "f16", "bf16", "e4m3"};
      // No quotients in fp8: one beyond its range saturates, which fp64 values do not tell.
      if (op == std::string("div")) types.pop_back();
      types.insert(types.end(), {"s8", "u8", "s32"});
      const std::string type = one_of(random, types);
      const bool many = op == std::string("max") || op == std::string("min");
      const std::size_t count = op == std::string("relu") ? 1 : many ? 1 + random.below(3) : 2;
      Case c;
      c.problem.op = op;
      for (std::size_t input = 0; input < count; ++input)
        c.problem.inputs.push_back({"",
                                    parse_dtype(type, "type"),
                                    {random.coin() ? 1 : 5, random.coin() ? 1 : 7, random.coin() ? 1 : 9}});
      const bool integers = !is_float(c.problem.inputs[0].dtype);
      c.mode = integers ? Mode::Bits : random.coin() ? Mode::Exact : Mode::Real;
      c.data = testgen::default_data_kind(c.mode);
      testgen::validate(c);
      expect_agreement(c);
    }
}

TEST(OrtAgrees, Softmax) {
  for (std::uint64_t i = 0; i < 60; ++i) {
    ElementRandom random(32, i);
    const std::string shape = number(1 + random.below(5)) + "x" +
                              number(1 + random.below(i % 5 == 0 ? 3000 : 60)) + "x" +
                              number(1 + random.below(4));
    const std::vector<std::string> attributes{"axis=" + std::to_string(random.between(-3, 2))};
    expect_agreement(case_of("softmax", {"X:" + one_of(random, kFloats) + ":" + shape}, attributes, "real",
                             one_of(random, kRealData)));
  }
}

TEST(OrtAgrees, Rotary) {
  for (std::uint64_t i = 0; i < 60; ++i) {
    ElementRandom random(33, i);
    const std::string positions = number(1 + random.below(9)), table = random.coin() ? "f32" : "bf16";
    const std::uint64_t half = 1 + random.below(40);
    const std::string lead = one_of(random, std::vector<std::string>{"", "3x", "2x3x"}),
                      angles = ":" + table + ":" + positions + "x" + number(half);
    expect_agreement(
        case_of("rotary",
                {"X:" + one_of(random, kFloats) + ":" + lead + positions + "x" + number(2 * half),
                 "cos" + angles, "sin" + angles},
                {}, "real", one_of(random, kRealData)));
  }
}

TEST(OrtAgrees, Gather) {
  const std::vector<std::string> types{"f32", "f16", "bf16", "s8", "u8", "s32", "e4m3"};
  for (std::uint64_t i = 0; i < 60; ++i) {
    ElementRandom random(34, i);
    const std::string row = one_of(random, std::vector<std::string>{"", "x6", "x2x5"}),
                      indices = one_of(random, std::vector<std::string>{"scalar", "7", "2x3"});
    expect_agreement(case_of(
        "gather",
        {"data:" + one_of(random, types) + ":" + number(1 + random.below(9)) + row, "indices:s32:" + indices},
        {}, "bits"));
  }
}

TEST(OrtAgrees, Einsum) {
  struct Form {
    std::string equation, first, second;
  };
  const std::vector<Form> forms{{"bij,bjk->bik", "2x3x5", "2x5x4"},
                                {"ij,jk", "3x5", "5x4"},
                                {"i,j->ij", "3", "5"},
                                {"ij->ji", "3x5", ""},
                                {"ij->", "3x5", ""},
                                {"ii->i", "4x4", ""},
                                {"...ij,...jk->...ik", "2x1x3x5", "3x5x4"},
                                {"i,i", "7", "7"},
                                {"ij,ij->ij", "3x5", "3x5"},
                                {"abc,cd->abd", "2x3x4", "4x5"}};
  for (std::uint64_t i = 0; i < 60; ++i) {
    const Form& form = forms[i % forms.size()];
    const std::string type = i / forms.size() % 2 == 0 ? "f32" : "f64";
    std::vector<std::string> inputs{":" + type + ":" + form.first};
    inputs[0] = "Inputs_0" + inputs[0];
    if (!form.second.empty()) inputs.push_back("Inputs_1:" + type + ":" + form.second);
    expect_agreement(case_of("einsum", inputs, {"equation=" + form.equation}, "real", kRealData[i % 3]));
  }
}

// Any element type, layout, mask, softcap, window; lengths and pages drawn
// here, as they must name what there is.
TEST(OrtAgrees, Attention) {
  for (std::uint64_t i = 0; i < 150; ++i) {
    ElementRandom random(35, i);
    const std::string t = one_of(random, std::vector<std::string>{"f32", "f16", "bf16", "e4m3", "s8"});
    const std::uint64_t heads = 1 + random.below(2), group = 1 + random.below(3),
                        queries = 1 + random.below(20), page = std::uint64_t{1} << random.below(6),
                        pages = 1 + random.below(4), depth = 1 + random.below(40);
    const bool paged = random.below(4) == 0, last = random.below(3) == 0;
    const std::uint64_t keys = paged ? page * pages : 1 + random.below(300);
    const auto shape = [&](std::uint64_t items, std::uint64_t count, std::uint64_t rows, std::uint64_t cols) {
      return ":" + t + ":" + number(items) + "x" + number(last ? rows : count) + "x" +
             number(last ? count : rows) + "x" + number(cols);
    };
    const std::uint64_t items = paged ? 2 * pages : 2, rows = paged ? page : keys;
    std::vector<std::string> inputs{"Q" + shape(2, heads * group, queries, depth),
                                    "K" + shape(items, heads, rows, depth),
                                    "V" + shape(items, heads, rows, 1 + random.below(20))};
    if (random.below(3) == 0)
      inputs.push_back("mask:" + one_of(random, std::vector<std::string>{"u8", t == "s8" ? "u8" : "f32"}) +
                       ":1x" + (random.coin() ? "1" : number(heads * group)) + "x" + number(queries) + "x" +
                       number(keys));
    const bool lengths = random.below(3) == 0;
    if (lengths) inputs.emplace_back("kv_lengths:s32:2");
    if (paged) inputs.push_back("block_table:s32:2x" + number(pages));
    std::vector<std::string> attributes;
    if (last) attributes.emplace_back("layout=bshd");
    if (random.coin()) attributes.emplace_back("causal=1");
    if (random.below(3) == 0) attributes.push_back("window=" + number(1 + random.below(50)));
    if (t != "s8" && random.below(3) == 0) attributes.emplace_back("softcap=2.5");
    if (random.below(3) == 0) attributes.emplace_back("value_scale=0.75");
    if (t == "s8") attributes.push_back(random.coin() ? "scale=0.0001" : "scale=0.001");
    if (t == "s8" && random.coin()) attributes.emplace_back("weights=u8");
    const Case c =
        case_of("attention", inputs, attributes, "real", t == "s8" ? "" : one_of(random, kRealData));
    std::vector<Tensor> data = testgen::make_inputs(c);
    for (Tensor& input : data)
      for (std::int64_t at = 0; at < input.elements(); ++at) {
        if (input.name == "kv_lengths")
          input.as<std::int32_t>()[at] =
              static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(keys) + 1));
        if (input.name == "block_table")
          input.as<std::int32_t>()[at] =
              static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(items)));
      }
    expect_agreement(c, data);
    if (HasFatalFailure()) return;
  }
}

TEST(OrtAgrees, NonFiniteValuesStandInTheSamePlaces) {
  const std::vector<Case> cases{case_of("gemm", {"A:f32:9x11", "B:f32:11x7"}),
                                case_of("relu", {"X:f32:99"}),
                                case_of("add", {"A:f32:9x11", "B:f32:11"}),
                                case_of("max", {"data_0:f32:99", "data_1:f32:99"}),
                                case_of("min", {"data_0:f32:99", "data_1:f32:99"}),
                                case_of("softmax", {"X:f32:9x11"}),
                                case_of("attention", {"Q:f32:1x1x9x5", "K:f32:1x1x9x5", "V:f32:1x1x9x5"})};
  for (const Case& c : cases)
    for (std::uint64_t i = 0; i < 10; ++i) {
      std::vector<Tensor> inputs = testgen::make_inputs(c);
      ElementRandom random(36, i);
      for (Tensor& t : inputs) {
        const std::uint32_t words[] = {0x7F800000, 0xFF800000, 0x7FC00000, 0xFFA00001};
        t.as<std::uint32_t>()[random.below(static_cast<std::uint32_t>(t.elements()))] =
            words[random.below(4)];
      }
      expect_agreement(c, inputs);
    }
}

// ----------------------------------------------------------------------------------------------
// by hand

std::vector<double> values_of(const ops::Problem& problem, const std::vector<Tensor>& inputs) {
  const Expected e = find_backend("ort").evaluate(problem, inputs).outputs[0];
  return e.bits ? decode(*e.bits) : e.values;
}

ops::Problem problem_of(const std::string& op, const std::vector<Tensor>& inputs) {
  ops::Problem p{op, {}, {}, {}};
  for (const Tensor& t : inputs) p.inputs.push_back({t.name, t.dtype, t.shape});
  return p;
}

TEST(OrtByHand, AGemmItsMagnitudeAndItsOwnError) {
  const std::vector<Tensor> inputs{tensor(DType::bf16, {1, 2}, {3, -2}, "A"),
                                   tensor(DType::bf16, {2, 2}, {5, 1, 7, 2}, "B"),
                                   tensor(DType::bf16, {2}, {-4, 8}, "C")};
  ops::Problem p = problem_of("gemm", inputs);
  p.attributes.set("alpha", 2.0F);
  const Expected e = find_backend("ort").evaluate(p, inputs).outputs[0];
  EXPECT_EQ(e.values, (std::vector<double>{2 * (15 - 14) - 4, 2 * (3 - 4) + 8}));
  for (std::size_t i = 0; i < 2; ++i) {
    const double exact = i == 0 ? 2 * (15 + 14) + 4 : 2 * (3 + 4) + 8;
    EXPECT_GE(e.magnitude[i], exact);
    EXPECT_LE(e.magnitude[i], exact * (1 + 1e-5));
  }
  EXPECT_EQ(e.own.unit, 0x1p-24);
  EXPECT_EQ(e.own.roundings, 10);  // two products and two terms, each a product and a sum, and two more
}

TEST(OrtByHand, ProductsOfBytesDoNotSaturate) {
  const std::vector<double> most(64, 255), least(64, -128);
  const std::vector<Tensor> inputs{tensor(DType::u8, {1, 64}, most, "A"),
                                   tensor(DType::s8, {64, 1}, least, "B")};
  EXPECT_EQ(values_of(problem_of("matmulinteger", inputs), inputs), std::vector<double>{-64.0 * 255 * 128});
}

TEST(OrtByHand, IntegersDivideAsDefined) {
  const auto words = [](const std::vector<std::int32_t>& values, const char* name) {
    Tensor t(name, DType::s32, {static_cast<std::int64_t>(values.size())});
    std::copy(values.begin(), values.end(), t.as<std::int32_t>());
    return t;
  };
  constexpr std::int32_t kMin = std::numeric_limits<std::int32_t>::min();
  const std::vector<Tensor> inputs{words({7, -7, kMin, kMin, kMin, 5}, "A"),
                                   words({0, 2, -1, 1, 2, -1}, "B")};
  EXPECT_EQ(values_of(problem_of("div", inputs), inputs),
            (std::vector<double>{0, -3, kMin, kMin, kMin / 2, -5}));
}

TEST(OrtByHand, RequantisationTakesTiesToEvenAndSaturates) {
  for (const auto& [acc, expected] :
       std::vector<std::pair<int, int>>{{1, 0}, {3, 2}, {5, 2}, {-1, 0}, {-3, -2}, {127, 64}, {-127, -64}}) {
    const std::vector<Tensor> inputs{
        tensor(DType::s8, {1, 1}, {1.0 * acc}, "a"), tensor(DType::f32, {}, {0.5}, "a_scale"),
        tensor(DType::s8, {}, {0}, "a_zero_point"),  tensor(DType::s8, {1, 1}, {1}, "b"),
        tensor(DType::f32, {}, {1}, "b_scale"),      tensor(DType::s8, {}, {0}, "b_zero_point"),
        tensor(DType::f32, {}, {1}, "y_scale"),      tensor(DType::s8, {}, {100}, "y_zero_point")};
    EXPECT_EQ(values_of(problem_of("qlinearmatmul", inputs), inputs),
              std::vector<double>{std::min(127.0, 100.0 + expected)})
        << acc;
  }
}

TEST(OrtByHand, AQueryThatSeesNoKeyGivesZeroAndHiddenKeysHaveNoEffect) {
  const double inf = HUGE_VAL;
  const std::vector<Tensor> inputs{tensor(DType::f32, {1, 1, 3, 1}, {1, 1, 1}, "Q"),
                                   tensor(DType::f32, {1, 1, 3, 1}, {2, 2, NAN}, "K"),
                                   tensor(DType::f32, {1, 1, 3, 1}, {3, 5, inf}, "V"), [] {
                                     Tensor lengths("kv_lengths", DType::s32, {1});
                                     lengths.as<std::int32_t>()[0] = 2;
                                     return lengths;
                                   }()};
  ops::Problem p = problem_of("attention", inputs);
  p.attributes.set("causal", std::int64_t{1});
  EXPECT_EQ(values_of(p, inputs), (std::vector<double>{0, 3, 4}));
}

TEST(OrtByHand, WhatItLeavesOutHasAReason) {
  const auto reason = [](const Case& c) { return find_backend("ort").unsupported_reason(c.problem); };
  EXPECT_THAT(
      reason(case_of("conv", {"X:f32:1x6x6x3", "W:f32:4x3x3x3"}, {"layout=NHWC", "algorithm=winograd"})),
      testing::HasSubstr("Winograd"));
  EXPECT_THAT(reason(case_of("convinteger",
                             {"x:s8:1x3x6x6", "w:s8:4x3x3x3", "x_zero_point:s8:scalar", "w_zero_point:s8:4"},
                             {}, "bits")),
              testing::HasSubstr("w_zero_point"));
}

TEST(OrtByHand, AnIndexOutsideTheTableIsNamed) {
  std::vector<Tensor> inputs{tensor(DType::f32, {3}, {1, 2, 3}, "data"), Tensor("indices", DType::s32, {1})};
  inputs[1].as<std::int32_t>()[0] = -1;
  test::expect_error(ExitCode::Usage, "indices name row -1; expected 0 to 2",
                     [&] { values_of(problem_of("gather", inputs), inputs); });
}

// ------------------------------------------------------------------------------------------
// whole models

// ONNX Runtime's process: this one's only child.
pid_t only_child() {
  std::ifstream children("/proc/self/task/" + std::to_string(getpid()) + "/children");
  pid_t child = 0;
  children >> child;
  return child;
}

testgen::RecordedCase model_case(const std::string& folder) {
  return testgen::read_onnx_tensors(std::string(ONNX_TESTDATA) + "/" + folder).at(0);
}

std::vector<Tensor> run(const testgen::RecordedCase& c) {
  return run_onnx_model(c.model.value(), c.c.problem, c.inputs);
}

TEST(OrtModel, ComputesWhatIsRecordedInEveryTypeThatPasses) {
  for (const char* folder :
       {"node/test_hardswish_expanded", "node/test_layer_normalization_3d_axis1_epsilon_expanded",
        "pytorch-converted/test_Softmin", "pytorch-converted/test_Conv2d",
        "pytorch-operator/test_operator_chunk", "node/test_max_float16", "node/test_max_float32",
        "node/test_max_float64", "node/test_max_int8", "node/test_max_uint8", "node/test_max_int32"}) {
    const testgen::RecordedCase c = model_case(folder);
    EXPECT_EQ(ort_model_limits(*c.model, c.c.problem), "") << folder;
    const std::vector<Tensor> outputs = run(c);
    ASSERT_EQ(outputs.size(), c.outputs.size()) << folder;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      EXPECT_EQ(outputs[i].name, c.outputs[i].name);
      const Comparison result = compare(outputs[i], given_reference(c.outputs[i], {1e-5, 1e-6}), {});
      EXPECT_TRUE(result.passed) << folder << ": " << result.to_line();
    }
  }
}

TEST(OrtModel, SeveralOutputsComeInTheGraphsOrder) {
  const testgen::RecordedCase c = model_case("pytorch-operator/test_operator_chunk");
  EXPECT_EQ(c.outputs.size(), 2U);
  EXPECT_EQ(run(c)[0].shape, (Shape{2}));
  EXPECT_EQ(run(c)[1].shape, (Shape{1}));
}

TEST(OrtModel, IsFedItsOwnInputsByNameAndNotItsInitialisers) {
  testgen::RecordedCase c = model_case("pytorch-converted/test_Conv2d");
  EXPECT_EQ(c.model->inputs, std::vector<std::string>{"0"});
  ASSERT_EQ(c.inputs.size(), 3U);
  const std::vector<Tensor> before = run(c);
  std::fill(c.inputs[1].bytes.begin(), c.inputs[1].bytes.end(), std::byte{0});
  std::swap(c.inputs[0], c.inputs[2]);
  EXPECT_EQ(run(c)[0].bytes, before[0].bytes);
}

TEST(OrtModel, WhatItDoesNotComputeIsNamedAndTheProcessGoesOn) {
  const testgen::RecordedCase good = model_case("node/test_hardswish_expanded");
  run(good);
  const pid_t server = only_child();
  const auto refused = [&](ExitCode code, const std::string& text, auto spoil) {
    testgen::RecordedCase c = good;
    spoil(c);
    test::expect_error(code, text, [&] { run(c); });
    EXPECT_EQ(only_child(), server) << text;
  };
  const ExitCode bad = ExitCode::BadInput;
  refused(bad, "model.onnx: output 'y' is float32 [3,4,5], expected float32 [60]",
          [](auto& c) { c.c.problem.outputs[0].shape = {60}; });
  refused(bad, "output 'y' is", [](auto& c) { c.c.problem.outputs[0].dtype = DType::f16; });
  refused(bad, "output 'y' is",
          [](auto& c) { c.c.problem.outputs[0].shape = {1}; });  // more bytes than asked for
  refused(bad, "1 outputs, expected 2", [](auto& c) {
    c.c.problem.outputs.push_back({"z", DType::f32, {1}});
  });
  refused(bad, "model.onnx: ONNX Runtime: ", [](auto& c) { c.model->inputs.clear(); });
  refused(bad, "model.onnx: ONNX Runtime: ", [](auto& c) {
    c.model->bytes = std::make_shared<const std::string>("no model");
  });
  refused(bad, "model.onnx: ONNX Runtime: ", [](auto& c) { c.inputs[0].shape = {5, 4, 3}; });
  refused(bad, "model.onnx: ONNX Runtime: ", [](auto& c) {
    c.inputs[0].name = c.model->inputs[0] = "\xff\n";
    c.c.problem.inputs[0].name = c.inputs[0].name;
  });
  refused(ExitCode::Unsupported, "golden ort: tensor 'x' is bf16; expected one of f32, f64, f16, s8, u8, s32",
          [](auto& c) { c.c.problem.inputs[0].dtype = DType::bf16; });
  refused(ExitCode::Unsupported, "golden ort: tensor 'y' is bf16; expected one of f32",
          [](auto& c) { c.c.problem.outputs[0].dtype = DType::bf16; });
}

// ------------------------------------------------------------------------------------------
// the process

TEST(OrtServer, AfterItsDeathTheNextCallSaysSoAndTheOneAfterStartsItAnew) {
  const std::vector<Tensor> inputs{tensor(DType::f32, {2}, {-1, 2}, "X")};
  const ops::Problem p = problem_of("relu", inputs);
  EXPECT_EQ(values_of(p, inputs), (std::vector<double>{0, 2}));
  const pid_t server = only_child();
  ASSERT_NE(server, 0);
  EXPECT_EQ(values_of(p, inputs), (std::vector<double>{0, 2}));
  EXPECT_EQ(only_child(), server);
  ASSERT_EQ(kill(server, SIGKILL), 0);
  test::expect_error(ExitCode::Infrastructure, "was killed by signal 9", [&] { values_of(p, inputs); });
  EXPECT_EQ(values_of(p, inputs), (std::vector<double>{0, 2}));
  EXPECT_NE(only_child(), server);
}

TEST(OrtServer, AModelThatItRefusesIsALineAndItGoesOn) {
  const std::vector<Tensor> inputs{tensor(DType::f32, {2}, {-1, 2}, "x")};
  test::expect_error(ExitCode::Infrastructure, "golden ort: ONNX Runtime: ", [&] {
    run_ort(OrtNode{"NoSuchOperator", {"x"}, "y"}, inputs, DType::f32, {2});
  });
  const pid_t server = only_child();
  run_ort(OrtNode{"Relu", {"x"}, "y"}, inputs, DType::f32, {2});
  EXPECT_EQ(only_child(), server);
}

TEST(OrtServer, AnOutputOfAnotherShapeIsNoAnswer) {
  const std::vector<Tensor> inputs{tensor(DType::f32, {2, 3}, {1, 2, 3, 4, 5, 6}, "x")};
  OrtNode node{"Einsum", {"x"}, "y"};
  node.attributes.set("equation", std::string("ij->ji"));
  test::expect_error(ExitCode::Infrastructure, "expected", [&] {
    run_ort(node, inputs, DType::f32, {2, 3});
  });
  EXPECT_EQ(run_ort(node, inputs, DType::f32, {3, 2}).as<float>()[1], 4);
}

TEST(OrtServer, EqualRequestsGiveEqualBits) {
  const Case c = case_of("gemm", {"A:f32:64x300", "B:f32:300x48"});
  const std::vector<Tensor> inputs = testgen::make_inputs(c);
  const Backend& ort = find_backend("ort");
  EXPECT_EQ(ort.evaluate(c.problem, inputs).outputs[0].values,
            ort.evaluate(c.problem, inputs).outputs[0].values);
}

}  // namespace
}  // namespace assay::golden
