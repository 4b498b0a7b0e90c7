// The smallest case that fails, found through predicates that stand for faults.
#include "testgen/shrink.hpp"

#include <gtest/gtest.h>

#include "testgen/case_arguments.hpp"
#include "testgen/random.hpp"

namespace assay::testgen {
namespace {

Case case_of(const std::string& op, const std::vector<std::string>& inputs,
             const std::vector<std::string>& attributes = {}, const std::string& mode = "bits") {
  CaseArguments a;
  a.op = op;
  a.inputs = inputs;
  a.attributes = attributes;
  a.mode = mode;
  a.config = "edge16";
  return case_from_arguments(a);
}

std::int64_t extent(const Case& c, std::size_t input, std::size_t dim) {
  return c.problem.inputs.at(input).shape.at(dim);
}

// Shrinks, checks that every case asked about is valid, and that the outcome fails.
Case shrunk(const Case& from, const StillFails& fails, int most = 500) {
  EXPECT_TRUE(fails(from));
  const Shrunk s = shrink(
      from,
      [&](const Case& c) {
        Case again = c;
        validate(again);
        EXPECT_EQ(canonical_text(again), canonical_text(c));
        return fails(c);
      },
      most);
  EXPECT_TRUE(s.complete) << s.tried << " tried";
  EXPECT_TRUE(fails(s.c)) << reproduce_line(s.c);
  return s.c;
}

const std::vector<std::string> kGemm{"A:bf16:37x200", "B:bf16:200x51", "C:bf16:51", "R:bf16:37x51"};

TEST(Shrink, AThresholdOfKIsFoundToTheUnit) {
  for (const std::int64_t least : {2, 3, 17, 64, 65, 100, 129, 200}) {
    const Case c = shrunk(case_of("gemm", kGemm, {"alpha=0.5", "beta=2", "activation=gelu"}),
                          [&](const Case& x) { return extent(x, 0, 1) >= least; });
    EXPECT_EQ(ops::to_string(c.problem),
              "gemm(A:bf16[1x" + std::to_string(least) + "], B:bf16[" + std::to_string(least) + "x1])");
    EXPECT_EQ(c.data, DataKind::Uniform);
  }
}

TEST(Shrink, ThresholdsOfAllThreeDimensionsTogether) {
  const Case c = shrunk(case_of("gemm", {"A:f32:64x64", "B:f32:64x64"}), [](const Case& x) {
    return extent(x, 0, 0) >= 9 && extent(x, 0, 1) >= 33 && extent(x, 1, 1) >= 5;
  });
  EXPECT_EQ(ops::to_string(c.problem), "gemm(A:f32[9x33], B:f32[33x5])");
}

TEST(Shrink, ATailOfATile) {
  const Case c = shrunk(case_of("gemm", {"A:f32:300x193", "B:f32:193x20"}),
                        [](const Case& x) { return extent(x, 0, 1) % 64 == 1 && extent(x, 0, 1) > 1; });
  EXPECT_EQ(ops::to_string(c.problem), "gemm(A:f32[1x65], B:f32[65x1])");
}

TEST(Shrink, KeepsWhatTheFailureNeeds) {
  const Case c =
      shrunk(case_of("gemm", {"A:s8:20x30", "B:s8:40x20", "C:s32:30x1"}, {"transA=1", "transB=1", "alpha=2"}),
             [](const Case& x) {
               return x.problem.attributes.find("transA") != nullptr && ops::find_input(x.problem, "C") &&
                      extent(x, 0, 1) >= 3;
             });
  EXPECT_EQ(ops::to_string(c.problem), "gemm(A:s8[1x3], B:s8[1x1], C:s32[]; transA=1)");
}

TEST(Shrink, ATransposedOperandIsLaidOutAnew) {
  const Case c = shrunk(case_of("gemm", {"A:f32:20x30", "B:f32:40x20"}, {"transA=1", "transB=1"}),
                        [](const Case& x) { return x.problem.attributes.find("transB") != nullptr; });
  EXPECT_EQ(ops::to_string(c.problem), "gemm(A:f32[1x1], B:f32[1x1]; transB=1)");
}

TEST(Shrink, AConvolutionOfGroupsStridesAndPads) {
  const Case from =
      case_of("conv", {"X:bf16:2x17x19x24", "W:bf16:16x3x5x6", "B:bf16:16", "R:bf16:2x9x7x16"},
              {"layout=NHWC", "group=4", "strides=2,3", "pads=1,2,2,3", "dilations=1,1", "activation=relu"});
  const Case strided = shrunk(from, [](const Case& x) {
    const auto* strides = x.problem.attributes.find("strides");
    return strides != nullptr && std::get<std::vector<std::int64_t>>(*strides)[1] >= 2;
  });
  EXPECT_EQ(ops::to_string(strided.problem), "conv(X:bf16[1x1x1x1], W:bf16[1x1x1x1]; strides=1,2)");
  const Case grouped = shrunk(from, [](const Case& x) {
    const auto* group = x.problem.attributes.find("group");
    return group != nullptr && std::get<std::int64_t>(*group) >= 2;
  });
  EXPECT_EQ(ops::to_string(grouped.problem), "conv(X:bf16[1x2x1x1], W:bf16[2x1x1x1]; group=2)");
}

TEST(Shrink, AttentionWhoseHeadsShareKeys) {
  const Case c = shrunk(case_of("attention", {"Q:f16:2x40x8x32", "K:f16:2x70x2x32", "V:f16:2x70x2x16"},
                                {"layout=bshd", "causal=1", "softcap=3"}),
                        [](const Case& x) {
                          const std::size_t head = x.problem.attributes.find("layout") != nullptr ? 2 : 1;
                          return extent(x, 0, head) > extent(x, 1, head);
                        });
  EXPECT_EQ(ops::to_string(c.problem), "attention(Q:f16[1x2x1x1], K:f16[1x1x1x1], V:f16[1x1x1x1])");
}

TEST(Shrink, AFailureOfCertainValuesIsFollowedOverOtherSeeds) {
  const auto one_in_two = [](const Case& x) { return extent(x, 0, 1) >= 7 && data_seed(x) % 2 == 0; };
  Case from = case_of("gemm", kGemm);
  while (!one_in_two(from)) ++from.suite_seed;
  const Case c = shrunk(from, one_in_two);
  EXPECT_LE(extent(c, 0, 0) * extent(c, 1, 1), 4) << reproduce_line(c);
  EXPECT_LE(extent(c, 0, 1), 9) << reproduce_line(c);
}

TEST(Shrink, EndsWhereItIsToldTo) {
  int asked = 0;
  const Shrunk s = shrink(
      case_of("gemm", kGemm), [&](const Case&) { return ++asked % 3 == 0; }, 10);
  EXPECT_EQ(s.tried, 10);
  EXPECT_EQ(asked, 10);
  EXPECT_EQ(s.kept, 3);
  EXPECT_FALSE(s.complete);
}

TEST(Shrink, IsTheSameEveryTime) {
  const StillFails fails = [](const Case& x) { return hash(ops::to_string(x.problem)) % 3 == 0; };
  Case from = case_of("gemm", kGemm, {"alpha=2"});
  while (!fails(from)) ++from.problem.inputs[0].shape[0], ++from.problem.inputs[3].shape[0], validate(from);
  EXPECT_EQ(canonical_text(shrink(from, fails).c), canonical_text(shrink(from, fails).c));
}

}  // namespace
}  // namespace assay::testgen
