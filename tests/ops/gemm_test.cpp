// ONNX Gemm: shapes, types, work, tolerance and the kernel's arguments.
#include <cstring>
#include <limits>

#include "../support/expect_error.hpp"
#include "ops/gemm/gemm_args.h"
#include "ops/gemm/gemm_spec.hpp"

namespace assay::ops {
namespace {

using test::expect_error;

Problem gemm(Shape a, Shape b, DType type = DType::f32) {
  return {"gemm", {}, {{"A", type, std::move(a)}, {"B", type, std::move(b)}}, {}};
}

Problem with_c(Shape c, DType type = DType::f32) {
  Problem p = gemm({5, 9}, {9, 7}, type);
  p.inputs.push_back({"C", type == DType::s8 ? DType::s32 : type, std::move(c)});
  return p;
}

void expect_refused(const Problem& problem, ExitCode code, const std::string& part) {
  expect_error(code, part, [&] {
    Problem copy = problem;
    gemm_operator().infer(copy);
  });
}

assay_gemm_attributes words_of(const Problem& problem) {
  const KernelCall call = gemm_operator().pack(problem);
  assay_gemm_attributes words;
  EXPECT_EQ(call.attributes.size() * sizeof(std::uint64_t), sizeof words);
  std::memcpy(&words, call.attributes.data(), sizeof words);
  return words;
}

float as_float(std::uint64_t word) {
  const auto bits = static_cast<std::uint32_t>(word);
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

TEST(Gemm, EachTransposeGivesTheSameMnk) {
  for (const std::int64_t ta : {0, 1})
    for (const std::int64_t tb : {0, 1}) {
      Problem p = gemm(ta ? Shape{9, 5} : Shape{5, 9}, tb ? Shape{7, 9} : Shape{9, 7});
      p.attributes.set("transA", ta);
      p.attributes.set("transB", tb);
      gemm_operator().infer(p);
      EXPECT_EQ(p.outputs[0].shape, (Shape{5, 7}));
      const assay_gemm_attributes w = words_of(p);
      EXPECT_EQ(w.m, 5U);
      EXPECT_EQ(w.n, 7U);
      EXPECT_EQ(w.k, 9U);
      EXPECT_EQ(w.trans_a, static_cast<std::uint64_t>(ta));
      EXPECT_EQ(w.trans_b, static_cast<std::uint64_t>(tb));
    }
}

TEST(Gemm, CBroadcastsUnidirectionally) {
  struct Row {
    Shape c;
    std::uint64_t row_stride, col_stride;
  };
  for (const Row& row : {Row{{}, 0, 0}, Row{{1}, 0, 0}, Row{{7}, 0, 1}, Row{{1, 7}, 0, 1}, Row{{5, 1}, 1, 0},
                         Row{{1, 1}, 0, 0}, Row{{5, 7}, 7, 1}}) {
    const assay_gemm_attributes w = words_of(with_c(row.c));
    EXPECT_EQ(w.terms, 1U);
    EXPECT_EQ(w.c_row_stride, row.row_stride) << to_string(row.c);
    EXPECT_EQ(w.c_col_stride, row.col_stride) << to_string(row.c);
  }
  for (const Shape& c : {Shape{5}, Shape{7, 5}, Shape{7, 1}, Shape{1, 5, 7}, Shape{2, 7}})
    expect_refused(with_c(c), ExitCode::Usage, "does not broadcast to the result [5, 7]");
}

TEST(Gemm, TensorsAreInTheOrderOfTheArgumentBlock) {
  const KernelCall call = gemm_operator().pack(with_c({7}));
  EXPECT_EQ(call.kernel, "gemm");
  ASSERT_EQ(call.tensors.size(), 4U);  // A, B, Y, C
  const std::size_t indices[] = {0, 1, 0, 2};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(call.tensors[i].role, i == 2 ? TensorRef::Role::Output : TensorRef::Role::Input);
    EXPECT_EQ(call.tensors[i].index, indices[i]);
  }
}

TEST(Gemm, WithBetaZeroCIsNotRead) {
  Problem p = with_c({5, 7});
  p.attributes.set("beta", 0.0F);
  EXPECT_EQ(gemm_operator().pack(p).tensors.size(), 3U);
  EXPECT_EQ(words_of(p).terms, 0U);
  EXPECT_EQ(gemm_operator().work(p).compulsory_read,
            gemm_operator().work(gemm({5, 9}, {9, 7})).compulsory_read);
}

TEST(Gemm, AResidualIsAsTheOutputWithOrWithoutC) {
  Problem p = gemm({5, 9}, {9, 7}, DType::bf16);
  p.inputs.push_back({"R", DType::bf16, {5, 7}});
  const Work work = gemm_operator().work(p), plain = gemm_operator().work(gemm({5, 9}, {9, 7}, DType::bf16));
  EXPECT_EQ((work.compulsory_read - plain.compulsory_read).count(), 2U * 5 * 7);
  EXPECT_EQ(work.flops, plain.flops + 5 * 7);
  EXPECT_EQ(gemm_operator().tolerance(p).roundings, 10);
  EXPECT_EQ(gemm_operator().integer_reach(p, 2)->result, 9 * 4 + 2);
  ASSERT_EQ(gemm_operator().pack(p).tensors.size(), 4U);
  EXPECT_EQ(gemm_operator().pack(p).tensors[3].index, 2U);
  EXPECT_EQ(words_of(p).terms, 1U);
  p.inputs.insert(p.inputs.begin() + 2, {"C", DType::bf16, {7}});
  EXPECT_EQ(words_of(p).terms, 2U);
  EXPECT_EQ(gemm_operator().pack(p).tensors[4].index, 3U);
  EXPECT_EQ(gemm_operator().tolerance(p).roundings, 11);
  p.attributes.set("beta", 0.0F);
  EXPECT_EQ(words_of(p).terms, 1U);
  EXPECT_EQ(gemm_operator().pack(p).tensors[3].index, 3U) << "not C, which is not read";
}

TEST(Gemm, AResidualOfAnotherTypeOrShapeIsRefused) {
  Problem p = gemm({5, 9}, {9, 7}, DType::bf16);
  p.inputs.push_back({"R", DType::f32, {5, 7}});
  expect_refused(p, ExitCode::Unsupported, "gemm: input 'R' is f32; expected bf16, as the output");
  p.attributes.set("out_dtype", std::string("f32"));
  gemm_operator().infer(p);
  p.inputs[2].shape = {7};
  expect_refused(p, ExitCode::Usage, "gemm: input 'R' is [7]; expected [5, 7], as the output");
  p = gemm({5, 9}, {9, 7}, DType::s8);
  p.inputs.push_back({"R", DType::s8, {5, 7}});
  expect_refused(p, ExitCode::Unsupported, "gemm: input 'R' is s8; expected s32, as the output");
}

TEST(Gemm, AlphaAndBetaAreFp32BitsOrS32Values) {
  Problem p = with_c({7});
  p.attributes.set("alpha", 0.1F);
  p.attributes.set("beta", std::int64_t{-2});
  EXPECT_EQ(as_float(words_of(p).alpha), 0.1F);
  EXPECT_EQ(as_float(words_of(p).beta), -2.0F);
  p = with_c({7}, DType::s8);
  p.attributes.set("alpha", std::int64_t{2147483647});
  p.attributes.set("beta", -2.0F);
  EXPECT_EQ(words_of(p).alpha, 2147483647U);
  EXPECT_EQ(words_of(p).beta, 0xFFFFFFFEU);
}

TEST(Gemm, IntegerOperandsTakeIntegralFactorsOnly) {
  Problem p = gemm({5, 9}, {9, 7}, DType::s8);
  p.attributes.set("alpha", 0.5F);
  expect_refused(p, ExitCode::Unsupported, "'alpha' = 0.5 with integer operands; expected an s32 integer");
  p.attributes.set("alpha", std::int64_t{1} << 31);
  expect_refused(p, ExitCode::Unsupported, "expected an s32 integer");
}

TEST(Gemm, FactorsMustBeFiniteAndFlagsZeroOrOne) {
  Problem p = gemm({5, 9}, {9, 7});
  p.attributes.set("alpha", std::numeric_limits<float>::infinity());
  expect_refused(p, ExitCode::Unsupported, "expected a finite number");
  p = gemm({5, 9}, {9, 7});
  p.attributes.set("transA", std::int64_t{2});
  expect_refused(p, ExitCode::Usage, "'transA' = 2; expected 0 or 1");
}

TEST(Gemm, TheOutputHasTheOperandsTypeUnlessAskedForF32) {
  for (const DType type : {DType::f32, DType::f16, DType::bf16}) {
    Problem p = gemm({5, 9}, {9, 7}, type);
    gemm_operator().infer(p);
    EXPECT_EQ(p.outputs[0].dtype, type);
    p.attributes.set("out_dtype", std::string("f32"));
    gemm_operator().infer(p);
    EXPECT_EQ(p.outputs[0].dtype, DType::f32);
  }
  Problem p = gemm({5, 9}, {9, 7}, DType::s8);
  gemm_operator().infer(p);
  EXPECT_EQ(p.outputs[0].dtype, DType::s32);
}

TEST(Gemm, EightBitFloatsMixAndHaveOutputsOfTheirOwn) {
  for (const DType a : {DType::e4m3, DType::e5m2})
    for (const DType b : {DType::e4m3, DType::e5m2}) {
      Problem p = gemm({5, 9}, {9, 7}, a);
      p.inputs[1].dtype = b;
      gemm_operator().infer(p);
      EXPECT_EQ(p.outputs[0].dtype, DType::bf16);
      for (const DType out : {DType::f32, DType::f16, DType::bf16, DType::e4m3, DType::e5m2}) {
        p.attributes.set("out_dtype", std::string(to_string(out)));
        gemm_operator().infer(p);
        EXPECT_EQ(p.outputs[0].dtype, out);
      }
    }
  Problem p = gemm({5, 9}, {9, 7}, DType::e4m3);
  p.inputs[1].dtype = DType::bf16;
  expect_refused(p, ExitCode::Unsupported, "both must be of one type, or the other one e4m3 or e5m2");
}

TEST(Gemm, BytesOfEitherSignMix) {
  for (const DType a : {DType::s8, DType::u8})
    for (const DType b : {DType::s8, DType::u8}) {
      Problem p = gemm({5, 9}, {9, 7}, a);
      p.inputs[1].dtype = b;
      gemm_operator().infer(p);
      EXPECT_EQ(p.outputs[0].dtype, DType::s32);
    }
  Problem p = gemm({5, 9}, {9, 7}, DType::u8);
  p.inputs[1].dtype = DType::s32;
  expect_refused(p, ExitCode::Unsupported, "both must be of one type, or the other one s8 or u8");
}

TEST(Gemm, UnsupportedTypesAreNamedWithTheNearestChoice) {
  expect_refused(gemm({5, 9}, {9, 7}, DType::u4), ExitCode::Unsupported,
                 "input 'A' is u4; expected one of f32, f16");
  expect_refused(gemm({5, 9}, {9, 7}, DType::s32), ExitCode::Unsupported, "input 'A' is s32");
  Problem p = gemm({5, 9}, {9, 7}, DType::bf16);
  p.inputs[1].dtype = DType::f16;
  expect_refused(p, ExitCode::Unsupported, "both must be of one type");
  p = gemm({5, 9}, {9, 7}, DType::bf16);
  p.attributes.set("out_dtype", std::string("f16"));
  expect_refused(p, ExitCode::Unsupported, "out_dtype f16 for bf16 operands; expected one of bf16, f32");
  p.attributes.set("out_dtype", std::string("fp99"));
  expect_refused(p, ExitCode::Usage, "unknown dtype 'fp99'");
  p = with_c({7}, DType::bf16);
  p.inputs[2].dtype = DType::f16;
  expect_refused(p, ExitCode::Unsupported, "input 'C' is f16 with bf16 operands; expected bf16, f32");
}

TEST(Gemm, WrongShapesAreNamed) {
  expect_refused(gemm({5, 9}, {8, 7}), ExitCode::Usage,
                 "inner dimensions differ: 9 from input 'A' [5, 9], 8 from input 'B' [8, 7]");
  expect_refused(gemm({5}, {5, 7}), ExitCode::Usage, "input 'A' [5] has rank 1, expected 2");
  expect_refused(gemm({1, 5, 9}, {9, 7}), ExitCode::Usage, "has rank 3, expected 2");
}

TEST(Gemm, AbsurdProblemsAreRefusedWithoutOverflow) {
  const std::int64_t big = std::int64_t{1} << 30;
  expect_refused(gemm({big, 200}, {200, big}), ExitCode::Usage, "more than 2^62 multiply-accumulates");
  expect_refused(gemm({big, 1}, {1, 1 << 10}), ExitCode::Usage, "larger than 2^40 bytes");
}

TEST(Gemm, WorkCountsMacsEpilogueAndCompulsoryBytes) {
  Problem p = with_c({7}, DType::bf16);
  p.attributes.set("alpha", 0.5F);
  const Work work = gemm_operator().work(p);
  EXPECT_EQ(work.macs, 5U * 7 * 9);
  ASSERT_EQ(work.products.size(), 1U);
  EXPECT_EQ(work.products[0].m * work.products[0].n * work.products[0].k * work.products[0].count, work.macs);
  EXPECT_EQ(work.flops, 2U * 5 * 7 * 9 + 3 * 5 * 7);
  EXPECT_EQ(work.compulsory_read.count(), 2U * (5 * 9 + 9 * 7 + 7));
  EXPECT_EQ(work.compulsory_written.count(), 2U * 5 * 7);
}

TEST(Gemm, ToleranceCountsEachRounding) {
  Problem p = with_c({7});
  EXPECT_EQ(gemm_operator().tolerance(p).roundings, 10);
  p.attributes.set("alpha", -4.0F);
  EXPECT_EQ(gemm_operator().tolerance(p).roundings, 11);
  EXPECT_EQ(gemm_operator().tolerance(p).eta_terms, 4 * 9 + 2);
}

TEST(Gemm, AnActivationIsAFunctionOfTheVectorUnit) {
  Problem p = gemm({5, 9}, {9, 7});
  EXPECT_EQ(words_of(p).special, 0U);
  p.attributes.set("activation", std::string("clip"));
  p.attributes.set("low", -1.0F);
  EXPECT_EQ(words_of(p).special, 14ULL << ASSAY_GEMM_ACTIVATION) << "its code in isa/instructions.yaml";
  EXPECT_EQ(words_of(p).bounds, 0x40C00000BF800000U);
  EXPECT_FALSE(gemm_operator().integer_reach(p, 8));
  p.attributes.set("activation", std::string("relu"));
  EXPECT_TRUE(gemm_operator().integer_reach(p, 8));
  p.attributes.set("activation", std::string("gelo"));
  expect_refused(p, ExitCode::Unsupported, "did you mean 'gelu'?");
  p.attributes.set("activation", std::string("clip"));
  p.attributes.set("high", -2.0F);
  expect_refused(p, ExitCode::Usage, "'low' = -1 and 'high' = -2; expected low <= high");
  Problem integers = gemm({5, 9}, {9, 7}, DType::s8);
  integers.attributes.set("activation", std::string("relu"));
  expect_refused(integers, ExitCode::Unsupported, "activation relu with s8 operands; expected none");
}

}  // namespace
}  // namespace assay::ops
