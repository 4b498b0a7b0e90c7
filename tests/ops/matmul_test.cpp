// ONNX MatMul: NumPy's broadcasting of batches, 1-D operands, and the kernel's merged form.
#include "../support/expect_error.hpp"
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

TEST(Matmul, AnEmptyOutputIsAResultAndAnEmptySumIsNot) {
  EXPECT_EQ(result({0, 3, 4}, {4, 5}), (Shape{0, 3, 5}));
  EXPECT_EQ(result({1, 3, 4}, {0, 4, 5}), (Shape{0, 3, 5}));  // 1 broadcasts to 0
  EXPECT_EQ(result({2, 1, 3, 4}, {1, 0, 4, 5}), (Shape{2, 0, 3, 5}));
  EXPECT_EQ(result({3, 4}, {4, 0}), (Shape{3, 0}));
  EXPECT_EQ(matmul_operator().pack(matmul({1, 3, 4}, {0, 4, 5})).kernel, "empty");
  EXPECT_TRUE(matmul_operator().work(matmul({0, 4}, {4, 5})).products.empty());
  expect_refused({3, 0}, {0, 5}, ExitCode::Unsupported,
                 "the inner dimension of 'A' [3, 0] and 'B' [0, 5] is 0; expected at least 1");
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

}  // namespace
}  // namespace assay::ops
