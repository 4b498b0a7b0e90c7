// Attention in whole runs: its efficiency on the default machine, the laws with masked scores, bad block
// tables.
#include <gtest/gtest.h>

#include "app/case/case_run.hpp"
#include "base/machine_yaml.hpp"
#include "golden/backend.hpp"
#include "testgen/case.hpp"

namespace assay {
namespace {

using Attributes = std::vector<std::pair<std::string, ops::AttributeValue>>;

testgen::Case attention(std::vector<ops::TensorInfo> inputs, const Attributes& attributes = {},
                        const std::string& config = "server128") {
  testgen::Case c;
  c.problem = {"attention", {}, std::move(inputs), {}};
  for (const auto& [name, value] : attributes) c.problem.attributes.set(name, value);
  c.config = config;
  testgen::validate(c);
  return c;
}

// Cycles of the timing alone.
std::uint64_t cycles(const testgen::Case& c) {
  app::RunOptions options;
  options.values = false;
  const report::CaseResult r = app::run_case(app::without_values(c), options);
  EXPECT_EQ(r.verdict, ExitCode::Unverified) << r.message;
  return r.cycles;
}

std::vector<ops::TensorInfo> prefill(DType type) {
  const Shape shape{1, 16, 2048, 128};
  return {{"Q", type, shape}, {"K", type, shape}, {"V", type, shape}};
}

TEST(AttentionEfficiency, PrefillKeepsTheArrayBusy) {
  constexpr std::uint64_t ideal = 1'048'576;
  EXPECT_LE(cycles(attention(prefill(DType::bf16))), ideal * 100 / 97);
  const testgen::Case causal = attention(prefill(DType::bf16), {{"causal", std::int64_t{1}}});
  const std::uint64_t needed = ops::find_operator("attention").work(causal.problem).macs / 16384;
  EXPECT_LE(cycles(causal), needed * 100 / 84);  // counting the MACs that causality needs
}

// Narrow values stream past P: the scores' cycles, and half as many for the values.
TEST(AttentionEfficiency, NarrowHeadsDoNotLeaveHalfTheArrayIdle) {
  const Shape shape{1, 12, 512, 64};
  const std::vector<ops::TensorInfo> bert{
      {"Q", DType::bf16, shape}, {"K", DType::bf16, shape}, {"V", DType::bf16, shape}};
  EXPECT_LE(cycles(attention(bert)), 36'864U * 100 / 82);
}

TEST(AttentionEfficiency, EightBitsArriveBelowTheirBudget) {
  EXPECT_LE(cycles(attention(prefill(DType::e4m3))), 800'000U);
  EXPECT_LE(cycles(attention(prefill(DType::s8), {{"weights", std::string("u8")}})), 800'000U);
}

TEST(AttentionEfficiency, DecodeKeepsMainMemoryBusyPagedOrNot) {
  const std::vector<ops::TensorInfo> contiguous{{"Q", DType::bf16, {1, 32, 1, 128}},
                                                {"K", DType::bf16, {1, 8, 4096, 128}},
                                                {"V", DType::bf16, {1, 8, 4096, 128}}};
  const testgen::Case c = attention(contiguous);
  app::RunOptions timing;
  timing.values = false;
  const report::CaseResult r = app::run_case(app::without_values(c), timing);
  EXPECT_EQ(r.roofline.binding, "hbm");
  EXPECT_LE(r.cycles, r.roofline.attainable * 100 / 88);
  // A gather reads its indices: this one runs with values.
  std::vector<ops::TensorInfo> pages = contiguous;
  pages[1].shape = pages[2].shape = {256, 8, 16, 128};
  pages.push_back({"block_table", DType::s32, {1, 256}});
  const app::CaseInput input = app::generated(attention(pages));
  const app::Execution paged = app::execute(input, find_machine("server128"), {}, Cycle(1'000'000));
  ASSERT_EQ(paged.run.outcome, sim::Outcome::halted) << paged.run.message;
  EXPECT_LE(paged.run.cycles.count(), r.cycles * 105 / 100);
}

TEST(AttentionLaws, MaskedScoresMayBeMultipliedAndNoMore) {
  const std::vector<ops::TensorInfo> inputs{{"Q", DType::bf16, {1, 2, 300, 16}},
                                            {"K", DType::bf16, {1, 2, 300, 16}},
                                            {"V", DType::bf16, {1, 2, 300, 16}}};
  const app::CaseInput causal = app::generated(attention(inputs, {{"causal", std::int64_t{1}}}, "edge16"));
  const report::CaseResult r = app::run_case(causal, {});
  EXPECT_EQ(r.verdict, ExitCode::Pass) << r.message;
  EXPECT_GT(r.macs_executed, r.macs_declared);
  app::RunOptions broken;
  broken.break_law = "products";
  EXPECT_EQ(app::run_case(causal, broken).verdict, ExitCode::Error);
}

TEST(AttentionPages, ATableThatPointsOutsideIsNamed) {
  const std::vector<ops::TensorInfo> inputs{{"Q", DType::f32, {1, 1, 2, 8}},
                                            {"K", DType::f32, {3, 1, 16, 8}},
                                            {"V", DType::f32, {3, 1, 16, 8}},
                                            {"block_table", DType::s32, {1, 2}}};
  for (const std::int32_t bad : {-1, 3}) {
    app::CaseInput input = app::generated(attention(inputs, {}, "edge16"));
    input.inputs[3].as<std::int32_t>()[1] = bad;
    const app::Execution run = app::execute(input, find_machine("edge16"), {}, Cycle(1'000'000));
    EXPECT_NE(run.run.outcome, sim::Outcome::halted);
    EXPECT_NE(run.run.message.find("index"), std::string::npos) << run.run.message;
    try {
      golden::find_backend("strict").evaluate(input.c.problem, input.inputs);
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("block_table names page"), std::string::npos) << error.what();
    }
  }
}

TEST(AttentionPages, LengthsBeyondTheKeysAreTheNearest) {
  const std::vector<ops::TensorInfo> inputs{{"Q", DType::f32, {4, 2, 3, 8}},
                                            {"K", DType::f32, {4, 1, 300, 8}},
                                            {"V", DType::f32, {4, 1, 300, 8}},
                                            {"kv_lengths", DType::s32, {4}}};
  for (const char* machine : {"edge16", "server128", "tests/tiny4"}) {
    testgen::Case c = attention(inputs, {{"causal", std::int64_t{1}}}, machine);
    app::CaseInput input = app::generated(c);
    const std::array<std::int32_t, 4> lengths{-5, 0, 257, 1 << 30};
    std::copy(lengths.begin(), lengths.end(), input.inputs[3].as<std::int32_t>());
    input.c.mode = golden::Mode::Bits;
    input.policy.mode = golden::Mode::Bits;
    const report::CaseResult r = app::run_case(input, {});
    EXPECT_EQ(r.verdict, ExitCode::Pass) << r.message;
  }
}

}  // namespace
}  // namespace assay
