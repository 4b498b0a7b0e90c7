// The elementwise operators' spec, and how their kernel collapses and cuts a problem.
#include <gmock/gmock.h>

#include "../support/expect_error.hpp"
#include "ops/elementwise/elementwise_spec.hpp"

namespace assay::ops {
namespace {

using test::expect_error;

Problem problem(const std::string& op, std::vector<Shape> shapes, DType dtype = DType::f32) {
  Problem p;
  p.op = op;
  for (Shape& shape : shapes)
    p.inputs.push_back({find_operator(op).input_names()[p.inputs.size()], dtype, std::move(shape)});
  return p;
}

Shape output_of(Problem p) {
  find_operator(p.op).infer(p);
  return p.outputs.at(0).shape;
}

TEST(Elementwise, ShapesBroadcastAsInNumPy) {
  EXPECT_EQ(output_of(problem("add", {{2, 3}, {2, 3}})), (Shape{2, 3}));
  EXPECT_EQ(output_of(problem("add", {{}, {}})), Shape{});
  EXPECT_EQ(output_of(problem("add", {{}, {4, 1}})), (Shape{4, 1}));
  EXPECT_EQ(output_of(problem("mul", {{3, 1, 5}, {4, 1}})), (Shape{3, 4, 5}));
  EXPECT_EQ(output_of(problem("max", {{1}, {5}, {2, 1}, {}})), (Shape{2, 5}));
  EXPECT_EQ(output_of(problem("relu", {{7, 1}})), (Shape{7, 1}));
}

TEST(Elementwise, ShapesThatDoNotFitAreNamed) {
  expect_error(ExitCode::Usage, "sub: input 'B' [2] does not broadcast with dimension 3", [] {
    output_of(problem("sub", {{3}, {2}}));
  });
  expect_error(ExitCode::Usage, "max: input 'data_2' [4, 1] does not broadcast with dimension 2", [] {
    output_of(problem("max", {{2, 1}, {1, 5}, {4, 1}}));
  });
  expect_error(ExitCode::Usage, "mul: output 'Y' [1048576, 1048576] of f32 is larger than 2^40 bytes", [] {
    output_of(problem("mul", {{1 << 20, 1}, {1 << 20}}));
  });
}

TEST(Elementwise, TypesAreAnyButAllTheSame) {
  Problem doubles = problem("div", {{2}, {2}}, DType::f64);
  expect_error(ExitCode::Unsupported, "div: input 'A' is f64, which the engines do not compute in",
               [&] { find_operator("div").infer(doubles); });
  for (const DType type : engine_dtypes()) {
    Problem p = problem("div", {{2}, {2}}, type);
    if (bits_of(type) < 8) {
      expect_error(ExitCode::Unsupported, "div: input 'A' is", [&] { find_operator("div").infer(p); });
      continue;
    }
    find_operator("div").infer(p);
    EXPECT_EQ(p.outputs[0].dtype, type);
    p.inputs[1].dtype = type == DType::f32 ? DType::f16 : DType::f32;
    expect_error(ExitCode::Unsupported, "all must be of one type", [&] { find_operator("div").infer(p); });
  }
}

TEST(Elementwise, TheNumberOfInputsIsChecked) {
  expect_error(ExitCode::Usage, "add: 1 inputs given, expected 2 (A, B)",
               [] { output_of(problem("add", {{1}})); });
  EXPECT_EQ(output_of(problem("min", std::vector<Shape>(15, Shape{2}))), Shape{2});
  Problem p = problem("min", std::vector<Shape>(15, Shape{2}));
  p.inputs.push_back(p.inputs[0]);
  expect_error(ExitCode::Usage, "min: 16 inputs given, expected 1 to 15", [&] { output_of(p); });
}

TEST(Elementwise, WorkCountsEachInputOnceAndAPassForEachTwoInputs) {
  const Work add = find_operator("add").work(problem("add", {{8, 1, 3}, {5, 1}}));
  EXPECT_EQ(add.vector_elements, 120U);
  EXPECT_EQ(add.vector_divisions, 0U);
  EXPECT_EQ(add.macs, 0U);
  EXPECT_EQ(add.compulsory_read, Bytes(4 * (24 + 5)));
  EXPECT_EQ(add.compulsory_written, Bytes(480));
  EXPECT_EQ(find_operator("max").work(problem("max", {{6}, {6}, {6}})).vector_elements, 12U);
  EXPECT_EQ(find_operator("max").work(problem("max", {{6}})).vector_elements, 6U);
  EXPECT_EQ(find_operator("div").work(problem("div", {{6}, {2, 1}})).vector_divisions, 12U);
}

TEST(Elementwise, TheKernelGetsTheOutputFirst) {
  const KernelCall call = find_operator("max").pack(problem("max", {{2}, {2}, {2}}));
  EXPECT_EQ(call.kernel, "elementwise");
  ASSERT_EQ(call.tensors.size(), 4U);
  EXPECT_EQ(call.tensors[0].role, TensorRef::Role::Output);
  EXPECT_EQ(call.tensors[3].index, 2U);
}

}  // namespace
}  // namespace assay::ops
