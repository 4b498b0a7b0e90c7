// A case's text, id and seed.
#include "testgen/case.hpp"

#include <gmock/gmock.h>

#include <functional>
#include <set>

#include "../support/expect_error.hpp"

namespace assay::testgen {
namespace {

using test::expect_error;

Case sample() {
  Case c;
  c.problem.op = "gemm";
  c.problem.inputs = {{"A", DType::bf16, {5, 9}}, {"B", DType::bf16, {9, 7}}};
  c.problem.attributes.set("alpha", 0.5F);
  validate(c);
  return c;
}

Case changed(const std::function<void(Case&)>& change) {
  Case c = sample();
  change(c);
  validate(c);
  return c;
}

const std::vector<std::function<void(Case&)>>& changes() {
  static const std::vector<std::function<void(Case&)>> list{
      [](Case& c) {
        c.problem.inputs[0].shape = {6, 9};
      },
      [](Case& c) { c.problem.inputs[0].dtype = c.problem.inputs[1].dtype = DType::f16; },
      [](Case& c) {
        c.problem.inputs.push_back({"C", DType::bf16, {7}});
      },
      [](Case& c) { c.problem.attributes.set("alpha", 0.25F); },
      [](Case& c) { c.problem.attributes.set("out_dtype", std::string("f32")); },
      [](Case& c) { c.data = DataKind::Normal; },
      [](Case& c) {
        c.mode = golden::Mode::Bits;
        c.data = DataKind::Mixed;
      }};
  return list;
}

TEST(Case, TheTextNamesEverythingButTheSeed) {
  EXPECT_EQ(canonical_text(sample()),
            "gemm(A:bf16[5x9], B:bf16[9x7]; alpha=0.5) config=server128 mode=real data=uniform");
}

TEST(Case, IdAndSeedAreTheSameEverywhereAndForever) {
  EXPECT_EQ(case_id(sample()), "86e54b0c89e6ecbd");
  EXPECT_EQ(data_seed(sample()), 0xEAACFEA66A2D83F3ULL);
}

TEST(Case, EveryChangeOfProblemOrDataChangesIdAndSeed) {
  std::set<std::string> ids{case_id(sample())};
  std::set<std::uint64_t> seeds{data_seed(sample())};
  for (const auto& change : changes()) {
    EXPECT_TRUE(ids.insert(case_id(changed(change))).second);
    EXPECT_TRUE(seeds.insert(data_seed(changed(change))).second);
  }
}

TEST(Case, MachineAndDataflowChangeTheIdButNotTheData) {
  const Case edge = changed([](Case& c) { c.config = "edge16"; });
  const Case ws = changed([](Case& c) { c.problem.attributes.set("dataflow", std::string("ws")); });
  for (const Case& c : {edge, ws}) {
    EXPECT_NE(case_id(c), case_id(sample()));
    EXPECT_EQ(make_inputs(c)[1].bytes, make_inputs(sample())[1].bytes);
  }
}

TEST(Case, TheSuiteSeedChangesTheDataButNotTheId) {
  const Case other = changed([](Case& c) { c.suite_seed = 2; });
  EXPECT_EQ(case_id(other), case_id(sample()));
  EXPECT_NE(make_inputs(other)[0].bytes, make_inputs(sample())[0].bytes);
}

TEST(Case, OneMeaningHasOneText) {
  const Case fallback = changed([](Case& c) {
    c.problem.attributes.set("beta", 1.0F);
    c.problem.attributes.set("transA", std::int64_t{0});
    c.problem.inputs[0].name.clear();  // by position
  });
  EXPECT_EQ(canonical_text(fallback), canonical_text(sample()));
}

TEST(Case, InputsHaveDataOfTheirOwn) {
  Case c = sample();
  c.problem.inputs[0].shape = {9, 9};
  c.problem.inputs[1].shape = {9, 9};
  validate(c);
  const std::vector<Tensor> inputs = make_inputs(c);
  EXPECT_NE(inputs[0].bytes, inputs[1].bytes);
}

TEST(Case, DataMustFitTheMode) {
  expect_error(ExitCode::Usage,
               "data 'special' does not fit mode real; expected one of uniform, normal, positive",
               [] { changed([](Case& c) { c.data = DataKind::Special; }); });
  expect_error(ExitCode::Usage, "does not fit mode exact; expected one of integers",
               [] { changed([](Case& c) { c.mode = golden::Mode::Exact; }); });
}

TEST(Case, ExactModeRefusesFactorsThatRound) {
  expect_error(ExitCode::Usage, "alpha=0.1): exact mode: not even operands of 1", [] {
    changed([](Case& c) {
      c.mode = golden::Mode::Exact;
      c.data = DataKind::Integers;
      c.problem.attributes.set("alpha", 0.1F);
    });
  });
}

TEST(Case, OnlyUniformAndNormalDataAreJudgedAsZeroMean) {
  EXPECT_TRUE(policy_of(sample()).zero_mean);
  EXPECT_FALSE(policy_of(changed([](Case& c) { c.data = DataKind::Positive; })).zero_mean);
}

}  // namespace
}  // namespace assay::testgen
