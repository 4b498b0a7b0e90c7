// The spec of matmul_nbits: shapes, types, refusals, work.
#include "../support/expect_error.hpp"
#include "ops/nbits/nbits_spec.hpp"

namespace assay::ops {
namespace {

Problem problem(DType b = DType::u4, Shape weights = {256, 64}, Shape scales = {2, 64}) {
  Problem p;
  p.op = "matmul_nbits";
  p.inputs = {{"A", DType::bf16, {3, 5, 256}}, {"B", b, std::move(weights)}, {"scales", DType::f16, scales}};
  return p;
}

void expect_refused(const Problem& p, ExitCode code, const std::string& text) {
  test::expect_error(code, text, [&] {
    Problem copy = p;
    nbits_operator().infer(copy);
  });
}

TEST(Nbits, LeadingDimensionsAreRowsAndStayInTheOutput) {
  Problem p = problem();
  nbits_operator().infer(p);
  EXPECT_EQ(p.outputs[0].shape, (Shape{3, 5, 64}));
  EXPECT_EQ(p.outputs[0].dtype, DType::bf16);
  p.attributes.set("out_dtype", std::string("f32"));
  nbits_operator().infer(p);
  EXPECT_EQ(p.outputs[0].dtype, DType::f32);
}

TEST(Nbits, FourBitWeightsAreHalfAByteOfCompulsoryTraffic) {
  const Work work = nbits_operator().work(problem());
  EXPECT_EQ(work.macs, 15u * 64 * 256);
  EXPECT_EQ(work.compulsory_read, Bytes(15 * 256 * 2 + 256 * 64 / 2 + 2 * 64 * 2));
  EXPECT_EQ(work.compulsory_written, Bytes(15 * 64 * 2));
}

TEST(Nbits, GroupsAreOfKAndMayEndShort) {
  Problem p = problem(DType::s8, {256, 64}, {3, 64});
  p.attributes.set("group", std::int64_t{100});
  EXPECT_EQ(nbits_form(p).groups, 3u);
  p = problem(DType::s8, {256, 64}, {1, 64});
  p.attributes.set("group", std::int64_t{0});
  EXPECT_EQ(nbits_form(p).group, 256u);
  EXPECT_EQ(nbits_form(p).scale(255, 7), 7u);
}

TEST(Nbits, TransposedWeightsHaveTransposedScales) {
  Problem p = problem(DType::u4, {64, 256}, {64, 2});
  p.attributes.set("transB", std::int64_t{1});
  const NbitsForm f = nbits_form(p);
  EXPECT_EQ(f.n, 64u);
  EXPECT_EQ(f.weight(3, 2), 2 * 256 + 3u);
  EXPECT_EQ(f.scale(130, 2), 5u);
}

TEST(Nbits, NoRowsColumnsOrProductsAreAResult) {
  Problem p = problem();
  p.inputs[0].shape = {0, 256};
  nbits_operator().infer(p);
  EXPECT_EQ(p.outputs[0].shape, (Shape{0, 64}));
  EXPECT_EQ(nbits_operator().pack(p).kernel, "empty");
  p = problem(DType::u4, {0, 64}, {0, 64});
  p.inputs[0].shape = {3, 0};
  EXPECT_EQ(nbits_operator().pack(p).kernel, "zeros");
  EXPECT_TRUE(nbits_operator().work(p).products.empty());
}

TEST(Nbits, WhatDoesNotFitIsNamed) {
  Problem p = problem(DType::bf16);
  expect_refused(p, ExitCode::Unsupported, "input 'B' is bf16; expected one of s4, u4, s8, u8");
  p = problem();
  p.inputs[0].dtype = DType::f32;
  expect_refused(p, ExitCode::Unsupported, "input 'A' is f32; expected f16 or bf16");
  p = problem(DType::u4, {255, 64});
  expect_refused(p, ExitCode::Usage, "input 'B' is [255, 64]; expected [256, 64]");
  p = problem(DType::u4, {256, 63}, {2, 63});
  expect_refused(p, ExitCode::Unsupported, "rows of 63 four-bit elements; expected an even number");
  p = problem(DType::u4, {256, 64}, {3, 64});
  expect_refused(p, ExitCode::Usage, "input 'scales' is [3, 64]; expected [2, 64]");
  p = problem();
  p.inputs.push_back({"zeros", DType::s8, {2, 64}});
  expect_refused(p, ExitCode::Unsupported, "input 'zeros' is s8; expected u8, unsigned as B is");
  p.inputs[3].dtype = DType::u8;
  p.attributes.set("zero", std::int64_t{8});
  expect_refused(p, ExitCode::Usage, "attribute 'zero' = 8 beside input 'zeros'");
  p = problem();
  p.attributes.set("zero", std::int64_t{16});
  expect_refused(p, ExitCode::Usage, "attribute 'zero' = 16; expected 0 to 15");
  p = problem();
  p.attributes.set("out_dtype", std::string("f16"));
  expect_refused(p, ExitCode::Unsupported, "out_dtype f16 for bf16 activations; expected one of bf16, f32");
}

}  // namespace
}  // namespace assay::ops
