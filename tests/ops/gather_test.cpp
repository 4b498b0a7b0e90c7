// Gather: shapes, types, work and the kernel's arguments.
#include <gtest/gtest.h>

#include "../support/expect_error.hpp"
#include "ops/gather/gather_spec.hpp"

namespace assay::ops {
namespace {

using test::expect_error;

Problem gather(Shape data, Shape indices, DType type = DType::bf16) {
  return {"gather", {}, {{"data", type, std::move(data)}, {"indices", DType::s32, std::move(indices)}}, {}};
}

Shape shape_of(Problem p) {
  gather_operator().infer(p);
  return p.outputs.at(0).shape;
}

TEST(Gather, TheIndicesShapeTakesThePlaceOfTheFirstDimension) {
  EXPECT_EQ(shape_of(gather({9, 6}, {2, 3})), (Shape{2, 3, 6}));
  EXPECT_EQ(shape_of(gather({9, 6, 4}, {})), (Shape{6, 4}));
  EXPECT_EQ(shape_of(gather({9}, {5})), Shape{5});
}

TEST(Gather, NoIndicesOrNoElementsAreAResult) {
  EXPECT_EQ(shape_of(gather({9, 6}, {0, 3})), (Shape{0, 3, 6}));
  EXPECT_EQ(shape_of(gather({0, 6}, {0})), (Shape{0, 6}));
  EXPECT_EQ(gather_operator().pack(gather({9, 0}, {5})).kernel, "empty");
  EXPECT_EQ(gather_operator().work(gather({9, 0}, {5})).compulsory_read.count(), 0U);
  expect_error(ExitCode::Usage, "input 'data' [0, 6] has no rows for the indices [2]", [] {
    Problem p = gather({0, 6}, {2});
    gather_operator().infer(p);
  });
}

TEST(Gather, CountsTheListARowAndTheOutput) {
  const Work work = gather_operator().work(gather({9, 6}, {2, 3}));
  EXPECT_EQ(work.compulsory_read.count(), 24U + 12);
  EXPECT_EQ(work.compulsory_written.count(), 6U * 12);
  EXPECT_EQ(gather_operator().pack(gather({9, 6}, {2, 3})).attributes,
            (std::vector<std::uint64_t>{6, 12, 9}));
}

TEST(Gather, WhatIsNotCoveredIsNamed) {
  const auto refused = [](Problem p, ExitCode code, const char* text) {
    expect_error(code, text, [&] { gather_operator().infer(p); });
  };
  Problem p = gather({9, 6}, {2});
  p.attributes.set("axis", std::int64_t{1});
  refused(p, ExitCode::Unsupported, "attribute 'axis' = 1; only 0 is supported");
  p.attributes.set("axis", std::int64_t{-3});
  refused(p, ExitCode::Usage, "attribute 'axis' = -3; expected -2 to 1");
  p.attributes.set("axis", std::int64_t{-2});
  EXPECT_EQ(shape_of(p), (Shape{2, 6}));
  p = gather({9, 6}, {2});
  p.inputs[1].dtype = DType::f32;
  refused(p, ExitCode::Unsupported, "input 'indices' is f32; expected s32");
  refused(gather({9, 6}, {2}, DType::s4), ExitCode::Unsupported, "input 'data' is s4");
  refused(gather({}, {2}), ExitCode::Usage, "input 'data' is a scalar");
}

}  // namespace
}  // namespace assay::ops
