// Gather on whole machines: any type and shape, lists longer than SPM's part for them, rows longer than a
// buffer, repeated and shuffled indices, and lists that are wrong.
#include <gmock/gmock.h>

#include <random>

#include "../support/expect_error.hpp"
#include "app/case/case_run.hpp"
#include "testgen/case_arguments.hpp"

namespace assay {
namespace {

app::CaseInput gather(const std::string& data, const std::string& indices, const std::string& config) {
  testgen::CaseArguments a;
  a.op = "gather";
  a.inputs = {data, indices};
  a.config = config;
  a.mode = "bits";
  return app::generated(testgen::case_from_arguments(a));
}

void set_indices(app::CaseInput& input, const std::vector<std::int32_t>& list) {
  for (std::size_t i = 0; i < list.size(); ++i) input.inputs.at(1).as<std::int32_t>()[i] = list[i];
}

TEST(Gather, EqualsTheGoldensOnEveryMachine) {
  for (const char* config : {"edge16", "server128", "tests/tiny4", "tests/wide8x32"})
    for (const char* data :
         {"data:f32:50x33", "data:bf16:700x64", "data:s8:9x5x7", "data:s32:40", "data:e4m3:300x17"})
      for (const char* indices : {"indices:s32:scalar", "indices:s32:31", "indices:s32:4x90"}) {
        const report::CaseResult r = app::run_case(gather(data, indices, config), {});
        EXPECT_EQ(r.verdict, ExitCode::Pass) << r.text << ": " << r.message;
      }
}

TEST(Gather, LongListsComeInPiecesAndLongRowsInStrips) {
  for (const char* config : {"edge16", "tests/tiny4"}) {
    for (const auto& [data, indices] :
         {std::pair{"data:s8:50x3", "indices:s32:40000"}, std::pair{"data:f32:5x70001", "indices:s32:7"}}) {
      const report::CaseResult r = app::run_case(gather(data, indices, config), {});
      EXPECT_EQ(r.verdict, ExitCode::Pass) << r.text << ": " << r.message;
    }
  }
}

TEST(Gather, RowsComeInAnyOrderAndAsOftenAsTheyAreNamed) {
  app::CaseInput input = gather("data:f16:64x40", "indices:s32:200", "edge16");
  std::mt19937_64 random(5);
  std::vector<std::int32_t> list;
  for (int i = 0; i < 200; ++i) list.push_back(static_cast<std::int32_t>(i < 64 ? 63 - i : random() % 64));
  set_indices(input, list);
  const report::CaseResult r = app::run_case(input, {});
  EXPECT_EQ(r.verdict, ExitCode::Pass) << r.message;
}

// The machine says so by itself, and so do the goldens.
TEST(Gather, AnIndexOutsideTheTableIsOneLine) {
  for (const std::int32_t wrong : {-1, 64, INT32_MIN}) {
    app::CaseInput input = gather("data:f16:64x40", "indices:s32:4", "edge16");
    set_indices(input, {3, wrong, 0, 1});
    app::RunOptions alone;
    alone.goldens = {"none"};
    const report::CaseResult r = app::run_case(input, alone);
    EXPECT_EQ(r.verdict, ExitCode::Error);
    EXPECT_THAT(r.message,
                ::testing::HasSubstr("index 1 of its list is " + std::to_string(wrong) + ", not in 0..63"));
  }
}

TEST(Gather, TimingWithoutValuesIsRefused) {
  app::RunOptions options;
  options.values = false;
  const report::CaseResult r = app::run_case(gather("data:f16:64x40", "indices:s32:4", "edge16"), options);
  EXPECT_EQ(r.verdict, ExitCode::Unsupported);
}

}  // namespace
}  // namespace assay
