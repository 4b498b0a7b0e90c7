// grouped_gemm: shapes, types, refusals, work, and what its kernel gets.
#include <gtest/gtest.h>

#include "../support/expect_error.hpp"
#include "ops/grouped/grouped_spec.hpp"

namespace assay::ops {
namespace {

using test::expect_error;

Problem grouped(DType type = DType::bf16) {
  return {"grouped_gemm", {}, {{"X", type, {6, 9}}, {"W", type, {4, 9, 7}}, {"ids", DType::s32, {6, 2}}}, {}};
}
Problem with(Problem p, const TensorInfo& input) {
  p.inputs.push_back(input);
  return p;
}

Shape result(Problem p) {
  grouped_gemm_operator().infer(p);
  return p.outputs[0].shape;
}

void expect_refused(Problem p, ExitCode code, const std::string& part) {
  expect_error(code, part, [&] { grouped_gemm_operator().infer(p); });
}

TEST(GroupedGemm, AValueForEachSlotOrTheirWeightedSum) {
  EXPECT_EQ(result(grouped()), (Shape{6, 2, 7}));
  EXPECT_EQ(result(with(grouped(), {"weights", DType::f32, {6, 2}})), (Shape{6, 7}));
  Problem own = grouped();
  own.inputs[0].shape = {6, 2, 9};
  own.inputs[1].shape = {4, 7, 9};
  own.attributes.set("transW", std::int64_t{1});
  EXPECT_EQ(result(own), (Shape{6, 2, 7}));
}

TEST(GroupedGemm, TypesAreThoseOfGemm) {
  Problem p = grouped(DType::e4m3);
  p.inputs[1].dtype = DType::e5m2;
  grouped_gemm_operator().infer(p);
  EXPECT_EQ(p.outputs[0].dtype, DType::bf16);
  p = grouped(DType::s8);
  grouped_gemm_operator().infer(p);
  EXPECT_EQ(p.outputs[0].dtype, DType::s32);
  expect_refused(grouped(DType::s32), ExitCode::Unsupported, "input 'X' is s32");
  p = grouped();
  p.inputs[1].dtype = DType::f16;
  expect_refused(p, ExitCode::Unsupported, "both must be of one type");
  expect_refused(with(grouped(), {"B", DType::f16, {4, 7}}), ExitCode::Unsupported,
                 "input 'B' is f16 with bf16 operands; expected bf16, f32");
  expect_refused(with(grouped(DType::s8), {"weights", DType::f32, {6, 2}}), ExitCode::Unsupported,
                 "input 'weights' with s8 operands; expected none");
  expect_refused(with(grouped(), {"weights", DType::bf16, {6, 2}}), ExitCode::Unsupported,
                 "input 'weights' is bf16; expected f32");
  p = grouped();
  p.inputs[2].dtype = DType::s8;
  expect_refused(p, ExitCode::Unsupported, "input 'ids' is s8; expected s32");
}

TEST(GroupedGemm, WrongShapesAreNamed) {
  Problem p = grouped();
  p.inputs[0].shape = {5, 9};
  expect_refused(p, ExitCode::Usage, "grouped_gemm: input 'X' is [5, 9]; expected [6, 9]");
  p = grouped();
  p.inputs[2].shape = {6};
  expect_refused(p, ExitCode::Usage, "input 'ids' [6] has rank 1, expected 2");
  p = grouped();
  p.inputs[1].shape = {9, 7};
  expect_refused(p, ExitCode::Usage, "input 'W' [9, 7] has rank 2, expected 3");
  expect_refused(with(grouped(), {"B", DType::bf16, {7}}), ExitCode::Usage,
                 "input 'B' is [7]; expected [4, 7]");
  expect_refused(with(grouped(), {"weights", DType::f32, {6}}), ExitCode::Usage,
                 "input 'weights' is [6]; expected [6, 2]");
  p = grouped();
  p.attributes.set("transW", std::int64_t{2});
  expect_refused(p, ExitCode::Usage, "'transW' = 2; expected 0 or 1");
}

TEST(GroupedGemm, EmptyResultsAndSumsAreDefined) {
  Problem p = grouped();
  p.inputs[0].shape = {0, 9};
  p.inputs[2].shape = {0, 2};
  EXPECT_EQ(result(p), (Shape{0, 2, 7}));
  EXPECT_EQ(grouped_gemm_operator().pack(p).kernel, "empty");
  p = grouped();
  p.inputs[0].shape = {6, 0};
  p.inputs[1].shape = {4, 0, 7};
  EXPECT_EQ(result(p), (Shape{6, 2, 7}));
  EXPECT_EQ(grouped_gemm_operator().pack(p).kernel, "zeros");
  expect_refused(with(p, {"B", DType::bf16, {4, 7}}), ExitCode::Unsupported, "the K of 'W' [4, 0, 7]");
  p = grouped();
  p.inputs[1].shape = {0, 9, 7};
  expect_refused(p, ExitCode::Unsupported, "the number of experts of 'W' [0, 9, 7]");
  p = grouped();
  p.inputs[2].shape = {6, 0};
  expect_refused(p, ExitCode::Unsupported, "and 'ids' [6, 0] is 0; expected at least 1");
  p = grouped();
  p.inputs[2].shape = {6, 65};
  expect_refused(p, ExitCode::Unsupported, "65 of them for a token; expected at most 4096 and 64");
}

Work work_of(const Problem& p, const std::vector<std::int32_t>& ids) {
  std::vector<Tensor> inputs;
  for (const TensorInfo& t : p.inputs) inputs.emplace_back(t.name, t.dtype, t.shape);
  std::copy(ids.begin(), ids.end(), inputs[2].as<std::int32_t>());
  return grouped_gemm_operator().work_of(p, inputs);
}

TEST(GroupedGemm, TheIdsDecideWhatMustBeDone) {
  const Problem p = with(grouped(), {"B", DType::bf16, {4, 7}});
  EXPECT_EQ(grouped_gemm_operator().work(p).macs, 12U * 9 * 7) << "as if every slot had an expert";
  const Work work = work_of(p, {0, 3, 3, -1, -1, -1, 0, 3, 3, 3, -1, 0});
  EXPECT_EQ(work.macs, 8U * 9 * 7);
  ASSERT_EQ(work.products.size(), 2U);
  EXPECT_EQ(work.products[0].m, 3U);
  EXPECT_EQ(work.products[1].m, 5U);
  // ids, at least four tokens' rows, two experts.
  EXPECT_EQ(work.compulsory_read.count(), 4U * 12 + 2 * 4 * 9 + 2 * 2 * (9 * 7 + 7));
  EXPECT_EQ(work.compulsory_written.count(), 2U * 6 * 2 * 7);
}

TEST(GroupedGemm, RoundingsOfSlotsComeOnTop) {
  EXPECT_EQ(grouped_gemm_operator().tolerance(grouped()).roundings, 9);
  const Problem p = with(with(grouped(), {"B", DType::bf16, {4, 7}}), {"weights", DType::f32, {6, 2}});
  EXPECT_EQ(grouped_gemm_operator().tolerance(p).roundings, 12);
  EXPECT_FALSE(grouped_gemm_operator().integer_reach(p, 2));
  EXPECT_EQ(grouped_gemm_operator().integer_reach(grouped(), 2)->result, 36);
}

TEST(GroupedGemm, WeightedValuesPassThroughAWorkspace) {
  EXPECT_TRUE(grouped_gemm_operator().pack(grouped()).workspaces.empty());
  const KernelCall call = grouped_gemm_operator().pack(with(grouped(), {"weights", DType::f32, {6, 2}}));
  ASSERT_EQ(call.workspaces.size(), 1U);
  EXPECT_EQ(call.workspaces[0].shape, (Shape{6, 2, 7}));
  EXPECT_EQ(call.tensors.back().role, TensorRef::Role::Workspace);
}

}  // namespace
}  // namespace assay::ops
