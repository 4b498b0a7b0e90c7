// Einsum: equations against shapes, what is refused, work, and the kernel's arguments.
#include <gtest/gtest.h>

#include "../support/expect_error.hpp"
#include "ops/einsum/einsum_spec.hpp"

namespace assay::ops {
namespace {

using test::expect_error;

Problem einsum(const std::string& equation, const std::vector<Shape>& shapes, DType type = DType::f64) {
  Problem p{"einsum", {}, {}, {}};
  p.attributes.set("equation", equation);
  for (const Shape& shape : shapes)
    p.inputs.push_back({"Inputs_" + std::to_string(p.inputs.size()), type, shape});
  return p;
}

Shape shape_of(Problem p) {
  einsum_operator().infer(p);
  return p.outputs.at(0).shape;
}

void refused(Problem p, ExitCode code, const char* text) {
  expect_error(code, text, [&] { einsum_operator().infer(p); });
}

TEST(Einsum, TheOutputIsWhatTheEquationSays) {
  EXPECT_EQ(shape_of(einsum("ij->ji", {{3, 4}})), (Shape{4, 3}));
  EXPECT_EQ(shape_of(einsum(" bij , bjk -> bik ", {{2, 3, 4}, {2, 4, 5}})), (Shape{2, 3, 5}));
  EXPECT_EQ(shape_of(einsum("i,i", {{5}, {5}})), Shape{});
  EXPECT_EQ(shape_of(einsum("->", {{}})), Shape{});
  EXPECT_EQ(shape_of(einsum("", {{}})), Shape{});
  EXPECT_EQ(shape_of(einsum("...ii->...i", {{2, 3, 4, 4}})), (Shape{2, 3, 4}));
}

TEST(Einsum, WithoutAnArrowTheLettersThatOccurOnceRemainInTheAlphabetsOrder) {
  EXPECT_EQ(shape_of(einsum("ji", {{3, 4}})), (Shape{4, 3}));
  EXPECT_EQ(shape_of(einsum("bA", {{3, 4}})), (Shape{4, 3}));  // capitals first
  EXPECT_EQ(shape_of(einsum("kj,ik", {{3, 4}, {5, 3}})), (Shape{5, 4}));
  EXPECT_EQ(shape_of(einsum("ii", {{3, 3}})), Shape{});
  EXPECT_EQ(shape_of(einsum("a...", {{3, 4, 5}})), (Shape{4, 5, 3}));
}

TEST(Einsum, EllipsesAlignAtTheirEndsAndBroadcast) {
  EXPECT_EQ(shape_of(einsum("...ij,...jk->...ik", {{7, 1, 3, 4}, {6, 4, 5}})), (Shape{7, 6, 3, 5}));
  EXPECT_EQ(shape_of(einsum("...ij,jk->...ik", {{3, 4}, {4, 5}})), (Shape{3, 5}));
  const EinsumForm form = einsum_form(einsum("...i,...i->...", {{7, 1, 3}, {6, 3}}));
  EXPECT_EQ(form.length, (std::vector<std::int64_t>{7, 6, 3}));
  EXPECT_EQ(form.outer, 2U);
  EXPECT_EQ(form.stride[0], (std::vector<std::int64_t>{3, 0, 1}));
  EXPECT_EQ(form.stride[1], (std::vector<std::int64_t>{0, 3, 1}));
}

TEST(Einsum, ADiagonalTakesTheStridesOfAllItsDimensions) {
  const EinsumForm form = einsum_form(einsum("iji->ij", {{3, 4, 3}}));
  EXPECT_EQ(form.stride[0], (std::vector<std::int64_t>{12 + 1, 3}));
  EXPECT_EQ(einsum_operator().work(einsum("ii->i", {{9, 9}})).compulsory_read.count(), 9U * 8);
}

TEST(Einsum, WorkCountsOneFusedOperationATerm) {
  const Work work = einsum_operator().work(einsum("bij,bjk->bik", {{2, 3, 4}, {2, 4, 5}}, DType::f32));
  EXPECT_EQ(work.scalar_operations, 2U * 3 * 4 * 5);
  EXPECT_EQ(work.flops, 2U * 2 * 3 * 4 * 5);
  EXPECT_EQ(work.compulsory_read.count(), (24U + 40) * 4);
  EXPECT_EQ(work.compulsory_written.count(), 30U * 4);
  EXPECT_EQ(work.macs, 0U);
  EXPECT_EQ(einsum_operator().work(einsum("ij->ji", {{3, 4}})).scalar_operations, 0U);
  EXPECT_EQ(einsum_operator().work(einsum("i,j->ij", {{3}, {4}})).scalar_operations, 12U);
}

TEST(Einsum, ToleranceIsOfTheOperandsOwnType) {
  const Tolerance t = einsum_operator().tolerance(einsum("i,i", {{50}, {50}}));
  EXPECT_EQ(t.accumulator, DType::f64);
  EXPECT_EQ(t.roundings, 50);
  EXPECT_EQ(einsum_operator().tolerance(einsum("ij->ji", {{3, 4}})).roundings, 0);
}

TEST(Einsum, EmptyOutputsAndEmptySumsHaveTheirOwnKernels) {
  EXPECT_EQ(einsum_operator().pack(einsum("ij,jk->ik", {{0, 4}, {4, 5}})).kernel, "empty");
  EXPECT_EQ(einsum_operator().pack(einsum("ij,jk->ik", {{3, 0}, {0, 5}})).kernel, "zeros");
  EXPECT_EQ(einsum_operator().work(einsum("ij,jk->ik", {{3, 0}, {0, 5}})).compulsory_read.count(), 0U);
}

TEST(Einsum, EquationsThatDoNotFitAreNamed) {
  const auto usage = [](const std::string& equation, const std::vector<Shape>& shapes, const char* text) {
    refused(einsum(equation, shapes), ExitCode::Usage, text);
  };
  usage("ij,jk->ik", {{3, 4}}, "equation 'ij,jk->ik' has 2 terms for 1 inputs");
  usage("ijk->i", {{3, 4}}, "has the term 'ijk' for input 'Inputs_0' [3, 4]");
  usage("i->i", {{3, 4}}, "has the term 'i' for input 'Inputs_0' [3, 4]");
  usage("ij,jk->ik", {{3, 4}, {5, 6}},
        "has the label 'j' for dimensions of 4 and, of input 'Inputs_1' [5, 6], 5");
  usage("ij,jk->ik", {{3, 4}, {1, 6}},
        "has the label 'j' for dimensions of 4 and");  // letters do not broadcast
  usage("...i,...i->...i", {{3, 4}, {2, 4}}, "has the label '...' for dimensions of 3 and");
  usage("ij->ik", {{3, 4}}, "has the output label 'k', which no input has");
  usage("ij->ii", {{3, 4}}, "has the output label 'i' twice");
  usage("...i->i", {{3, 4}}, "lacks '...' in its output");
  usage("i.j->i", {{3, 4}}, "holds '.'; expected letters, '...', commas and one '->'");
  usage("i->j->i", {{3}}, "holds '-'");
  usage("......->...", {{3}}, "holds '...' twice in one term");
}

TEST(Einsum, WhatIsNotCoveredIsNamed) {
  refused(einsum("i,i,i->i", {{3}, {3}, {3}}), ExitCode::Unsupported,
          "3 inputs; at most 2: contract two at a time");
  refused(einsum("ij->ji", {{3, 4}}, DType::bf16), ExitCode::Unsupported, "is bf16; expected f32 or f64");
  Problem p = einsum("i,i", {{3}, {3}});
  p.inputs[1].dtype = DType::f32;
  refused(p, ExitCode::Usage, "all must be of one type");
  p = einsum("i", {{3}});
  p.attributes.erase("equation");
  refused(p, ExitCode::Usage, "attribute 'equation' is missing");
}

}  // namespace
}  // namespace assay::ops
