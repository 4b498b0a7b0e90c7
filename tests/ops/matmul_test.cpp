// ONNX MatMul: NumPy's broadcasting of batches, 1-D operands, and the kernel's merged form.
#include <cstring>

#include "../support/expect_error.hpp"
#include "ops/gemm/gemm_args.h"
#include "ops/gemm/gemm_spec.hpp"

namespace assay::ops {
namespace {

using test::expect_error;
using Strides = std::vector<std::uint64_t>;

Problem matmul(Shape a, Shape b) {
  return {"matmul", {}, {{"A", DType::f32, std::move(a)}, {"B", DType::f32, std::move(b)}}, {}};
}

Shape result(Shape a, Shape b) {
  Problem p = matmul(std::move(a), std::move(b));
  matmul_operator().infer(p);
  return p.outputs[0].shape;
}

void expect_refused(Shape a, Shape b, ExitCode code, const std::string& part) {
  expect_error(code, part, [&] { result(a, b); });
}

TEST(Matmul, ShapesFollowNumPy) {
  EXPECT_EQ(result({3, 4}, {4, 5}), (Shape{3, 5}));
  EXPECT_EQ(result({4}, {4}), Shape{});
  EXPECT_EQ(result({4}, {4, 5}), Shape{5});
  EXPECT_EQ(result({3, 4}, {4}), Shape{3});
  EXPECT_EQ(result({2, 3, 4}, {4}), (Shape{2, 3}));
  EXPECT_EQ(result({4}, {2, 4, 5}), (Shape{2, 5}));
  EXPECT_EQ(result({2, 1, 3, 4}, {7, 4, 5}), (Shape{2, 7, 3, 5}));
  EXPECT_EQ(result({1, 3, 4}, {6, 4, 5}), (Shape{6, 3, 5}));
}

TEST(Matmul, ABatchThatBDoesNotHaveIsFoldedIntoM) {
  const GemmForm form = gemm_form(matmul({2, 6, 3, 4}, {4, 5}));
  EXPECT_EQ(form.m, 2U * 6 * 3);
  EXPECT_TRUE(form.batch_dims.empty());
}

TEST(Matmul, NeighbouringBatchDimensionsAreMerged) {
  const GemmForm form = gemm_form(matmul({2, 6, 3, 4}, {2, 6, 4, 5}));
  EXPECT_EQ(form.m, 3U);
  EXPECT_EQ(form.batch_dims, Strides{12});
  EXPECT_EQ(form.a_batch_strides, Strides{12});
  EXPECT_EQ(form.b_batch_strides, Strides{20});
}

TEST(Matmul, BroadcastDimensionsHaveStrideZero) {
  const GemmForm form = gemm_form(matmul({2, 1, 3, 4}, {7, 4, 5}));
  EXPECT_EQ(form.batch_dims, (Strides{2, 7}));
  EXPECT_EQ(form.a_batch_strides, (Strides{12, 0}));
  EXPECT_EQ(form.b_batch_strides, (Strides{0, 20}));
}

TEST(Matmul, AnOuterBatchOverOneBKeepsItsPlaceBehindABroadcastOne) {
  // [2,7] batches: A varies with both, B with the inner one only: nothing may be folded.
  const GemmForm form = gemm_form(matmul({2, 7, 3, 4}, {7, 4, 5}));
  EXPECT_EQ(form.m, 3U);
  EXPECT_EQ(form.batch_dims, (Strides{2, 7}));
  EXPECT_EQ(form.b_batch_strides, (Strides{0, 20}));
}

TEST(Matmul, DimensionsThatOnlyOneOperandWalksEvenlyAreNotMerged) {
  const GemmForm a_stops = gemm_form(matmul({2, 1, 3, 4}, {2, 7, 4, 5}));
  EXPECT_EQ(a_stops.batch_dims, (Strides{2, 7}));
  EXPECT_EQ(a_stops.a_batch_strides, (Strides{12, 0}));
  const GemmForm b_stops = gemm_form(matmul({7, 2, 3, 4}, {1, 2, 4, 5}));
  EXPECT_EQ(b_stops.batch_dims, (Strides{7, 2}));
  EXPECT_EQ(b_stops.b_batch_strides, (Strides{0, 20}));
}

TEST(Matmul, SizeOneDimensionsDisappear) {
  const GemmForm form = gemm_form(matmul({1, 1, 3, 4}, {1, 1, 4, 5}));
  EXPECT_TRUE(form.batch_dims.empty());
  EXPECT_EQ(form.m, 3U);
  EXPECT_EQ(form.batches(), 1U);
}

TEST(Matmul, SixUnmergeableBatchDimensionsFit) {
  const GemmForm form = gemm_form(matmul({2, 1, 2, 1, 2, 1, 3, 4}, {1, 2, 1, 2, 1, 2, 4, 5}));
  EXPECT_EQ(form.batch_dims.size(), 6U);
}

TEST(Matmul, WrongShapesAreNamed) {
  expect_refused({2, 3, 4}, {3, 4, 5}, ExitCode::Usage, "batch dimensions 2 of input 'A' [2, 3, 4] and 3");
  expect_refused({3, 4}, {5, 4}, ExitCode::Usage, "inner dimensions differ: 4 from input 'A' [3, 4], 5");
  expect_refused({}, {4, 5}, ExitCode::Usage, "input 'A' is a scalar");
  expect_refused({3, 4}, {}, ExitCode::Usage, "input 'B' is a scalar");
}

TEST(Matmul, EmptyOutputsAndSumsAreResults) {
  EXPECT_EQ(result({0, 3, 4}, {4, 5}), (Shape{0, 3, 5}));
  EXPECT_EQ(result({1, 3, 4}, {0, 4, 5}), (Shape{0, 3, 5}));  // 1 broadcasts to 0
  EXPECT_EQ(result({2, 1, 3, 4}, {1, 0, 4, 5}), (Shape{2, 0, 3, 5}));
  EXPECT_EQ(result({3, 4}, {4, 0}), (Shape{3, 0}));
  EXPECT_EQ(matmul_operator().pack(matmul({1, 3, 4}, {0, 4, 5})).kernel, "empty");
  EXPECT_TRUE(matmul_operator().work(matmul({0, 4}, {4, 5})).products.empty());
  EXPECT_EQ(result({3, 0}, {0, 5}), (Shape{3, 5}));
  EXPECT_EQ(matmul_operator().pack(matmul({3, 0}, {0, 5})).kernel, "zeros");
  EXPECT_TRUE(matmul_operator().work(matmul({3, 0}, {0, 5})).products.empty());
  Problem p = matmul({3, 0}, {0, 5});
  p.attributes.set("activation", std::string("sigmoid"));
  expect_error(
      ExitCode::Unsupported,
      "the inner dimension of 'A' [3, 0] and 'B' [0, 5] is 0; expected at least 1, or sums as they are",
      [&] { matmul_operator().infer(p); });
  expect_refused({2, 3, 4}, {0, 4, 5}, ExitCode::Usage, "batch dimensions 2 of");
}

TEST(Matmul, AbsurdBatchesAreRefusedWithoutOverflow) {
  const std::int64_t big = 1 << 19;
  expect_refused({big, 1, big, 1}, {big, 1, big}, ExitCode::Usage, "more than 2^62 multiply-accumulates");
  const std::int64_t half = 1 << 30;  // two batches whose product is 2^60
  expect_refused({half, 1, 1, 1}, {half, 1, 1}, ExitCode::Usage, "larger than 2^40 bytes");
}

TEST(Matmul, WorkCountsEveryMatrixOfTheBatch) {
  const Work work = matmul_operator().work(matmul({2, 1, 3, 4}, {7, 4, 5}));
  EXPECT_EQ(work.macs, 2U * 7 * 3 * 4 * 5);
  EXPECT_EQ(work.compulsory_read.count(), 4U * (2 * 3 * 4 + 7 * 4 * 5));
  EXPECT_EQ(work.compulsory_written.count(), 4U * 2 * 7 * 3 * 5);
}

TEST(Matmul, HasNeitherAlphaNorC) {
  Problem p = matmul({3, 4}, {4, 5});
  p.attributes.set("alpha", 2.0F);
  expect_error(ExitCode::Usage, "matmul: unknown attribute 'alpha'", [&] { matmul_operator().infer(p); });
}

Problem qlinear() {
  return {"qlinearmatmul",
          {},
          {{"a", DType::u8, {2, 3, 4}},
           {"a_scale", DType::f32, {}},
           {"a_zero_point", DType::u8, {1}},
           {"b", DType::s8, {4, 5}},
           {"b_scale", DType::f32, {5}},
           {"b_zero_point", DType::s8, {}},
           {"y_scale", DType::f32, {}},
           {"y_zero_point", DType::s8, {}}},
          {}};
}

std::uint64_t roles_of(const Problem& p) {
  assay_gemm_attributes words;
  const KernelCall call = find_operator(p.op).pack(p);
  std::memcpy(&words, call.attributes.data(), sizeof words);
  return words.special;
}

TEST(QlinearMatmul, TheOutputHasMatmulsShapeAndItsZeroPointsType) {
  Problem p = qlinear();
  qlinearmatmul_operator().infer(p);
  EXPECT_EQ(p.outputs.at(0).name, "y");
  EXPECT_EQ(p.outputs[0].dtype, DType::s8);
  EXPECT_EQ(p.outputs[0].shape, (Shape{2, 3, 5}));
  const Work work = qlinearmatmul_operator().work(p);
  EXPECT_EQ(work.macs, 2U * 3 * 4 * 5);
  EXPECT_EQ(work.compulsory_read.count(), 24U + 20 + 4 * 7) << "zero points are the host's";
  const KernelCall call = qlinearmatmul_operator().pack(p);
  EXPECT_EQ(call.kernel, "gemm");
  EXPECT_EQ(call.tensors.at(1).index, 3U) << "b";
  EXPECT_EQ(roles_of(p), 0x080706050403U) << "the roles in the order of the kernel's";
}

TEST(QlinearMatmul, WhatIsNotCoveredIsNamed) {
  const auto refused = [](std::size_t input, DType type, Shape shape, ExitCode code, const char* text) {
    Problem p = qlinear();
    p.inputs[input].dtype = type;
    p.inputs[input].shape = std::move(shape);
    expect_error(code, text, [&] { qlinearmatmul_operator().infer(p); });
  };
  constexpr ExitCode kNot = ExitCode::Unsupported;
  refused(0, DType::f32, {2, 3, 4}, kNot, "qlinearmatmul: input 'a' is f32; expected s8 or u8");
  refused(0, DType::u8, {2, 3, 6}, ExitCode::Usage, "inner dimensions differ: 6 from input 'a'");
  refused(1, DType::f32, {3}, kNot,
          "input 'a_scale' [3]: one value for a row is unsupported; expected one value");
  refused(2, DType::s8, {}, kNot, "input 'a_zero_point' is s8; expected u8");
  refused(4, DType::f32, {4}, kNot, "expected one value or [5], one for each column");
  refused(4, DType::f16, {5}, kNot, "input 'b_scale' is f16; expected f32");
  refused(5, DType::s8, {5}, kNot, "input 'b_zero_point' [5]: one value for a column is unsupported");
  refused(7, DType::s32, {}, kNot, "input 'y_zero_point' is s32; expected s8 or u8");
}

TEST(MatmulInteger, ZeroPointsAreOptionalEachByItself) {
  Problem p{"matmulinteger", {}, {{"A", DType::u8, {3, 4}}, {"B", DType::s8, {4, 5}}}, {}};
  matmulinteger_operator().infer(p);
  EXPECT_EQ(p.outputs.at(0).dtype, DType::s32);
  EXPECT_EQ(roles_of(p), 0U);
  p.inputs.push_back({"b_zero_point", DType::s8, {}});
  EXPECT_EQ(roles_of(p), 0x300U);
}

}  // namespace
}  // namespace assay::ops
