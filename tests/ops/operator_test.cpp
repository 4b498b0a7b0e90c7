// What every operator shares: registry, attributes, common checks.
#include "ops/operator.hpp"

#include <cmath>

#include "../support/expect_error.hpp"
#include "ops/gemm/gemm_spec.hpp"

namespace assay::ops {
namespace {

using test::expect_error;

Problem small() { return {"gemm", {}, {{"A", DType::f32, {2, 3}}, {"B", DType::f32, {3, 4}}}, {}}; }

void expect_refused(const Problem& problem, ExitCode code, const std::string& part) {
  expect_error(code, part, [&] {
    Problem copy = problem;
    find_operator(problem.op).infer(copy);
  });
}

TEST(Registry, FindsEveryListedOperatorByItsName) {
  ASSERT_FALSE(all_operators().empty());
  for (const Operator* op : all_operators()) EXPECT_EQ(&find_operator(op->name()), op);
}

TEST(Registry, AnUnknownOperatorIsUnsupportedAndTheNearestIsNamed) {
  expect_error(ExitCode::Unsupported, "unknown operator 'gem'; expected one of gemm, matmul, matmulinteger,",
               [] { find_operator("gem"); });
  expect_error(ExitCode::Unsupported, "did you mean 'gemm'?", [] { find_operator("gem"); });
}

TEST(Attributes, AnUnknownNameIsRefusedWithTheNearest) {
  Problem p = small();
  p.attributes.set("transa", std::int64_t{1});
  expect_refused(p, ExitCode::Usage, "did you mean 'transA'?");
}

TEST(Attributes, AValueOfAnotherTypeIsRefused) {
  Problem p = small();
  p.attributes.set("transA", std::string("yes"));
  expect_refused(p, ExitCode::Usage, "attribute 'transA' is a name 'yes', expected an integer");
  p = small();
  p.attributes.set("transA", 1.0F);
  expect_refused(p, ExitCode::Usage, "expected an integer");
  p = small();
  p.attributes.set("alpha", std::string("2"));
  expect_refused(p, ExitCode::Usage, "expected a number");
}

TEST(Attributes, AnUnknownChoiceIsUnsupportedAndTheNearestIsNamed) {
  Problem p = small();
  p.attributes.set("dataflow", std::string("wz"));
  expect_refused(p, ExitCode::Unsupported, "did you mean 'ws'?");
}

TEST(Attributes, TextIsReadByTheDeclaredType) {
  const AttributeSpec number{"alpha", AttributeType::Float, 1.0F, "", {}, false};
  EXPECT_EQ(std::get<float>(parse_attribute("gemm", number, "0.25")), 0.25F);
  EXPECT_EQ(std::get<std::int64_t>(parse_attribute("gemm", number, "-3")), -3);
  const AttributeSpec list{"pads", AttributeType::Ints, std::vector<std::int64_t>{}, "", {}, false};
  EXPECT_EQ(std::get<std::vector<std::int64_t>>(parse_attribute("conv", list, "1,-2,3")),
            (std::vector<std::int64_t>{1, -2, 3}));
  for (const char* text : {"", "x", "1x", "nan", "inf", "1e99", "--1"})
    expect_error(ExitCode::Usage, "attribute 'alpha'", [&] { parse_attribute("gemm", number, text); });
  for (const char* text : {"1,", ",1", "1,,2", "1.5", "99999999999999999999"})
    expect_error(ExitCode::Usage, "attribute 'pads'", [&] { parse_attribute("conv", list, text); });
}

TEST(Attributes, TheTextOfAFloatReadsBackToTheSameFloat) {
  const AttributeSpec spec{"alpha", AttributeType::Float, 1.0F, "", {}, false};
  for (const float value : {0.1F, 1e-30F, 3.4028235e38F, -0.0F, 1.0F / 3, 1e-45F, 2.5F}) {
    const auto read = std::get<float>(parse_attribute("gemm", spec, text_of(AttributeValue(value))));
    EXPECT_EQ(read, value);
    EXPECT_EQ(std::signbit(read), std::signbit(value));
  }
}

TEST(Attributes, AnIntegerThatFp32CannotHoldIsRefusedForAFloat) {
  Problem p = small();
  p.attributes.set("alpha", std::int64_t{16777217});
  expect_refused(p, ExitCode::Usage, "16777217 is not an fp32 value");
}

TEST(CommonChecks, TheNumberOfInputsIsChecked) {
  Problem p = small();
  p.inputs.pop_back();
  expect_refused(p, ExitCode::Usage, "gemm: 1 inputs given, expected 2 to 4 (A, B, C, R)");
  p.inputs.assign(5, p.inputs[0]);
  expect_refused(p, ExitCode::Usage, "gemm: 5 inputs given");
}

TEST(CommonChecks, ZeroAndNegativeDimensionsAreNamed) {
  const Problem relu{"relu", {}, {{"X", DType::f32, {0, 3}}}, {}};
  expect_refused(relu, ExitCode::Unsupported, "input 'X' [0, 3]: zero-size dimension");
  Problem p = small();
  p.inputs[0].shape = {2, -3};
  expect_refused(p, ExitCode::Usage, "input 'A' [2, -3]: negative dimension");
}

TEST(CommonChecks, AbsurdSizesAreRefusedWithoutOverflow) {
  Problem p = small();
  p.inputs[0].shape = {std::int64_t{1} << 62, 3};
  expect_refused(p, ExitCode::Usage, "larger than 2^40 bytes");
  p.inputs[0].shape = {INT64_MAX, INT64_MAX};
  expect_refused(p, ExitCode::Usage, "larger than 2^40 bytes");
  p.inputs[0].shape = {std::int64_t{1} << 32, std::int64_t{1} << 32};  // wraps to 0 in 64 bits
  expect_refused(p, ExitCode::Usage, "larger than 2^40 bytes");
  p.inputs[0].shape = {(std::int64_t{1} << 38) + 1, 1};  // one element too many for fp32
  expect_refused(p, ExitCode::Usage, "larger than 2^40 bytes");
}

TEST(CommonChecks, TooHighARankIsUnsupported) {
  Problem p{"matmul", {}, {{"A", DType::f32, Shape(9, 1)}, {"B", DType::f32, {1, 1}}}, {}};
  expect_refused(p, ExitCode::Unsupported, "rank 9, the most is 8");
}

TEST(Text, NamesOperatorInputsAndSortedAttributes) {
  Problem p = small();
  p.attributes.set("transB", std::int64_t{1});
  p.attributes.set("alpha", 0.5F);
  EXPECT_EQ(to_string(p), "gemm(A:f32[2x3], B:f32[3x4]; alpha=0.5, transB=1)");
}

}  // namespace
}  // namespace assay::ops
