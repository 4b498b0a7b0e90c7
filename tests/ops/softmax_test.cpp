// Softmax's spec: axis, types, work; and what the kernel is given.
#include "../support/expect_error.hpp"
#include "ops/softmax/softmax_spec.hpp"

namespace assay::ops {
namespace {

using test::expect_error;

Problem problem(Shape shape, std::optional<std::int64_t> axis = std::nullopt, DType type = DType::f32) {
  Problem p{"softmax", {}, {{"X", type, std::move(shape)}}, {}};
  if (axis) p.attributes.set("axis", *axis);
  return p;
}

void expect_form(const Problem& p, std::uint64_t outer, std::uint64_t length, std::uint64_t inner) {
  const SoftmaxForm form = softmax_form(p);
  EXPECT_EQ(form.outer, outer);
  EXPECT_EQ(form.length, length);
  EXPECT_EQ(form.inner, inner);
}

TEST(Softmax, ARowIsTheLastAxisUnlessOneIsGiven) {
  expect_form(problem({2, 3, 5, 7}), 30, 7, 1);
  expect_form(problem({2, 3, 5, 7}, 0), 1, 2, 105);
  expect_form(problem({2, 3, 5, 7}, 1), 2, 3, 35);
  expect_form(problem({2, 3, 5, 7}, -2), 6, 5, 7);
  expect_form(problem({4}), 1, 4, 1);
}

TEST(Softmax, TheOutputIsLikeTheInput) {
  for (const DType type : {DType::f32, DType::f16, DType::bf16}) {
    Problem p = problem({2, 3}, 1, type);
    softmax_operator().infer(p);
    ASSERT_EQ(p.outputs.size(), 1U);
    EXPECT_EQ(p.outputs[0].dtype, type);
    EXPECT_EQ(p.outputs[0].shape, (Shape{2, 3}));
  }
}

TEST(Softmax, RefusesByName) {
  expect_error(ExitCode::Usage, "softmax: axis 2 of a tensor of rank 2, expected -2 to 1", [] {
    softmax_form(problem({2, 3}, 2));
  });
  expect_error(ExitCode::Usage, "softmax: axis -3 of a tensor of rank 2", [] {
    softmax_form(problem({2, 3}, -3));
  });
  expect_error(ExitCode::Usage, "softmax: axis -1 of a tensor of rank 0", [] { softmax_form(problem({})); });
  expect_error(ExitCode::Unsupported, "softmax: input 'X' is s8, expected f32, f16 or bf16",
               [] { softmax_form(problem({2}, 0, DType::s8)); });
}

TEST(Softmax, EveryElementPassesThreeTimesAndMovesTwice) {
  const Work work = softmax_operator().work(problem({10, 20}, 0, DType::bf16));
  EXPECT_EQ(work.vector_elements, 600U);
  EXPECT_EQ(work.compulsory_read, Bytes(400));
  EXPECT_EQ(work.compulsory_written, Bytes(400));
  EXPECT_EQ(work.macs, 0U);
  EXPECT_FALSE(softmax_operator().integer_reach(problem({2}), 1).has_value());
}

TEST(Softmax, TheKernelGetsTheForm) {
  const KernelCall call = softmax_operator().pack(problem({2, 3, 5, 7}, 1));
  EXPECT_EQ(call.kernel, "softmax");
  EXPECT_EQ(call.attributes, (std::vector<std::uint64_t>{2, 3, 35}));
  ASSERT_EQ(call.tensors.size(), 2U);
  EXPECT_EQ(call.tensors[0].role, TensorRef::Role::Input);
  EXPECT_EQ(call.tensors[1].role, TensorRef::Role::Output);
}

}  // namespace
}  // namespace assay::ops
