// assay relations, and --relations of run and shrink.
#include <nlohmann/json.hpp>

#include "../support/program.hpp"

namespace assay {
namespace {

using test::assay;
using test::output_of;
using ::testing::HasSubstr;
using Json = nlohmann::json;

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
  test::expect_error(2, "--no-values", std::string(kGemm) + " --relations all --no-values");
}

}  // namespace
}  // namespace assay
