// assay relations, and --relations of run and shrink.
#include <nlohmann/json.hpp>

#include "../support/program.hpp"

namespace assay {
namespace {

using test::assay;
using test::output_of;
using ::testing::HasSubstr;
using Json = nlohmann::json;

// Shapes and attributes that random problems have seldom or never.
constexpr const char* kShapes[] = {
    "matmul --input A:f32:2x1x5x7 --input B:f32:1x3x7x6 --input R:f32:2x3x5x6",
    "matmul --input A:bf16:7 --input B:bf16:7x6",
    "matmul --input A:bf16:7 --input B:bf16:3x7x6",
    "matmul --input A:f16:4x5x7 --input B:f16:7",
    "matmul --input A:f16:7 --input B:f16:7",
    "matmul --input A:f32:2x5x7 --input B:f32:7x6 --input R:f32:2x5x6",
    "matmul --input A:f32:5x7 --input B:f32:4x7x6",
    "matmul --input A:f32:5x0 --input B:f32:0x6",
    "matmul --input A:bf16:1x1 --input B:bf16:1x1",
    "gemm --input A:bf16:5x7 --input B:bf16:7x6 --input C:bf16:scalar --attr beta=0.5 --attr alpha=-3",
    "gemm --input A:f32:5x7 --input B:f32:7x6 --input C:f32:5x1 --input R:f32:5x6 --attr activation=gelu",
    "gemm --input A:f32:5x7 --input B:f32:7x6 --input C:f32:1x6 --input R:f32:5x6 --attr activation=clip",
    "gemm --input A:s8:5x7 --input B:u8:7x6 --input C:s32:5x6 --input R:s32:5x6",
    "gemm --input A:e4m3:5x7 --input B:e5m2:7x6 --input C:f16:5x6 --attr out_dtype=e4m3",
    "gemm --input A:f32:1x0 --input B:f32:0x3",
    "matmulinteger --input A:s8:2x5x7 --input B:u8:2x7x6 --input a_zero_point:s8:1 --input "
    "b_zero_point:u8:scalar",
    "qlinearmatmul --input a:s8:5x7 --input a_scale:f32:scalar --input a_zero_point:s8:scalar --input "
    "b:u8:7x6 --input b_scale:f32:6 --input b_zero_point:u8:1 --input y_scale:f32:1 --input "
    "y_zero_point:u8:1",
    "softmax --input X:f32:70",
    "softmax --input X:f32:2100x20 --attr axis=0",
    "softmax --input X:f16:3x2048",
    "softmax --input X:bf16:2x3x1",
    "einsum --input Inputs_0:f32:2x3x4 --input Inputs_1:f32:4x3x5 --attr 'equation=...jk,kjl->...l'",
    "einsum --input Inputs_0:f64:3x3 --attr 'equation=ii->i'",
    "einsum --input Inputs_0:f32:3x3x4 --input Inputs_1:f32:3x4 --attr 'equation=iij,ij'",
    "einsum --input Inputs_0:f32:1x4x5 --input Inputs_1:f32:6x5x3 --attr 'equation=...ab,...bc'",
    "einsum --input Inputs_0:f64:scalar --attr 'equation=->' --data special --seed 13",
    "gather --input data:f32:7x3 --input indices:s32:scalar",
    "gather --input data:s32:7 --input indices:s32:4x5",
    "relu --input X:f32:scalar",
    "add --input A:f32:scalar --input B:f32:4x1",
    "max --input data_0:s8:3x4",
    "rotary --input X:f32:1x2 --input cos:f32:1x1 --input sin:f32:1x1",
    "matmul_nbits --input A:f16:3x2x70 --input B:s4:70x6 --input scales:f16:3x6 --attr group=32",
    "matmul_nbits --input A:bf16:70 --input B:u8:5x70 --input scales:f32:5x1 --attr group=0 --attr transB=1 "
    "--attr zero=128",
    "conv --input X:f32:1x1x5x5 --input W:f32:1x1x3x3 --input B:f32:1",
    "conv --input X:bf16:1x6x6x4 --input W:bf16:5x3x3x4 --attr layout=NHWC --attr algorithm=winograd --attr "
    "pads=1,1,1,1",
    "conv --input X:bf16:2x9x8x4 --input W:bf16:5x5x5x4 --attr layout=NHWC --attr algorithm=fft --attr "
    "pads=2,2,2,2",
    "conv --input X:bf16:2x9x8x4 --input W:bf16:5x5x5x4 --attr layout=NHWC --attr algorithm=im2col --attr "
    "pads=2,2,2,2 --input R:bf16:2x9x8x5",
    "convtranspose --input X:f16:2x6x5 --input W:f16:6x2x3 --attr group=3 --attr strides=2 --input B:f16:6",
    "qlinearconv --input x:u8:1x4x5x5 --input x_scale:f32:scalar --input x_zero_point:u8:scalar --input "
    "w:s8:4x1x2x2 --input w_scale:f32:4 --input w_zero_point:s8:4 --input y_scale:f32:scalar --input "
    "y_zero_point:u8:scalar --attr group=4",
    "attention --input Q:f32:2x4x6x8 --input K:f32:2x2x9x8 --input V:f32:2x2x9x5 --attr causal=1",
    "attention --input Q:bf16:1x8x2x16 --input K:bf16:1x300x2x16 --input V:bf16:1x300x2x16 --attr "
    "layout=bshd --attr window=7 --input mask:u8:8x300",
    "attention --input Q:s8:1x2x3x256 --input K:s8:1x2x9x256 --input V:s8:1x2x9x256 --attr weights=u8",
    "attention --input Q:e4m3:1x2x3x16 --input K:e4m3:1x2x9x16 --input V:e4m3:1x2x9x16 --input mask:f32:1x9",
    "attention --input Q:f16:2x2x5x16 --input K:f16:9x1x4x16 --input V:f16:9x1x4x16 --input kv_lengths:s32:2 "
    "--input block_table:s32:2x4 --attr causal=1",
    "attention --input Q:f16:1x2x5x16 --input K:f16:1x2x0x16 --input V:f16:1x2x0x16",
    "attention --input Q:f32:1x1x1x1 --input K:f32:1x1x1x1 --input V:f32:1x1x1x1",
    "grouped_gemm --input X:f32:1x3 --input W:f32:1x3x4 --input ids:s32:1x1",
    "grouped_gemm --input X:bf16:9x2x3 --input W:bf16:5x4x3 --input ids:s32:9x2 --input B:bf16:5x4 --input "
    "weights:f32:9x2 --attr transW=1",
    "grouped_gemm --input X:e5m2:9x3 --input W:e4m3:5x3x4 --input ids:s32:9x2 --input B:f16:5x4"};

constexpr const char* kGemm = "run gemm --m 12 --n 10 --k 14 --config edge16 --mode bits";
constexpr const char* kSquare = "gemm --m 12 --n 12 --k 12 --dtype f32 --config edge16 --mode bits";

std::string wrong_value() { return std::string(" --kernel ") + BROKEN_KERNEL_DIR + "/wrong_value/gemm.elf"; }

// The relation's outcome in the JSON of a run.
std::string outcome(const Json& run, const std::string& relation) {
  for (const Json& verdict : run["relations"])
    if (verdict["relation"] == relation) return verdict["outcome"];
  return "not judged";
}

TEST(RelationsVerb, ListsThemAllOrThoseOfAnOperator) {
  const Json all = Json::parse(output_of("relations --json"));
  EXPECT_GE(all.size(), 30U);
  for (const Json& relation : all) {
    EXPECT_FALSE(std::string(relation["says"]).empty());
    EXPECT_FALSE(relation["operators"].empty()) << relation["name"];
  }
  const std::string rotary = output_of("relations rotary");
  EXPECT_THAT(rotary, HasSubstr("turn "));
  EXPECT_THAT(rotary, ::testing::Not(HasSubstr("causal_prefix")));
  test::expect_error(6, "did you mean 'rotary'", "relations rotar");
}

TEST(RelationsVerb, OfARightKernelHoldBesideTheGolden) {
  const test::ProcessResult result = assay(std::string(kGemm) + " --relations all");
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("golden    strict Y: PASS"));
  EXPECT_THAT(result.output, HasSubstr("relation  permute held: m, n permuted\n"));
  EXPECT_THAT(result.output, HasSubstr("relation  machine held: on "));
  const Json json = Json::parse(output_of(std::string(kGemm) + " --relations split,product --json"));
  ASSERT_EQ(json["relations"].size(), 2U);
  EXPECT_EQ(outcome(json, "split"), "held");
  EXPECT_EQ(outcome(json, "product"), "held");
}

TEST(RelationsVerb, HoldForRareShapes) {
  for (const char* shape : kShapes) {
    const test::ProcessResult result =
        assay(std::string("run ") + shape + " --config edge16 --mode bits --relations all --json");
    ASSERT_EQ(result.exit_code, 0) << shape << "\n" << result.output;
    const Json json = Json::parse(result.output);
    EXPECT_GE(json["relations"].size(), 3U) << shape;
    for (const Json& verdict : json["relations"]) EXPECT_EQ(verdict["outcome"], "held") << shape << verdict;
  }
}

TEST(RelationsVerb, AloneTheyVerifyNothing) {
  const test::ProcessResult result = assay(std::string(kGemm) + " --golden none --relations split");
  EXPECT_EQ(result.exit_code, 10) << result.output;
  EXPECT_THAT(result.output, HasSubstr("relation  split held"));
}

TEST(RelationsVerb, ABrokenOneFailsWithItsElementAndTheLineThatShowsItAgain) {
  const std::string run =
      std::string("run ") + kSquare + wrong_value() + " --golden none --json --relations ";
  const test::ProcessResult first = assay(run + "zero_products");
  EXPECT_EQ(first.exit_code, 1) << first.output;
  const Json json = Json::parse(first.output);
  EXPECT_EQ(outcome(json, "zero_products"), "broken");
  EXPECT_THAT(std::string(json["message"]), HasSubstr("relation zero_products is broken: "));
  EXPECT_THAT(std::string(json["message"]),
              ::testing::ContainsRegex("Y\\[[0-9]+, [0-9]+\\] is .*, expected "));
  const std::string again = json["relations"][0]["reproduce"];
  ASSERT_EQ(again.rfind("assay ", 0), 0U);
  const test::ProcessResult second = assay(again.substr(6) + " --json");
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_EQ(Json::parse(second.output)["message"], json["message"]);
  EXPECT_THAT(assay(std::string("run ") + kSquare + wrong_value() + " --relations zero_products").output,
              HasSubstr("relation  zero_products broken: "));
}

TEST(RelationsVerb, WhatBreaksOneIsShrunk) {
  const Json json = Json::parse(output_of(std::string("shrink ") + kSquare + wrong_value() +
                                          " --golden none --relations zero_products --json"));
  EXPECT_THAT(std::string(json["why"]), HasSubstr("relation zero_products is broken"));
  EXPECT_THAT(std::string(json["reproduce"]), HasSubstr("--relations zero_products"));
  EXPECT_GE(json["kept"], 1);
  EXPECT_EQ(assay(std::string(json["reproduce"]).substr(6)).exit_code, 1);
}

TEST(RelationsVerb, ErrorsAreOneLine) {
  test::expect_error(2, "unknown relation 'permut'", std::string(kGemm) + " --relations permut");
  test::expect_error(2, "'all' stands alone", std::string(kGemm) + " --relations all,split");
  test::expect_error(6, "relation 'turn' says nothing of gemm(", std::string(kGemm) + " --relations turn");
  test::expect_error(6, "relation 'as_conv' says nothing of gemm(",
                     std::string(kGemm) + " --attr activation=tanh --relations as_conv");
  test::expect_error(6, "no relation says anything of matmul(A:f32[0x7]",
                     "run matmul --input A:f32:0x7 --input B:f32:7x6 --config edge16 --relations all");
  test::expect_error(2, "--no-values", std::string(kGemm) + " --relations all --no-values");
}

}  // namespace
}  // namespace assay
