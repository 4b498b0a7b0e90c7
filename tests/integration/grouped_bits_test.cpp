// grouped_gemm on whole machines: random shapes, types and routings on hostile data, bit-equal to the scalar
// model on every machine; routings that leave experts or slots empty, and ids that are none.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <array>
#include <map>

#include "app/case/case_run.hpp"
#include "base/machine_yaml.hpp"
#include "golden/backend.hpp"
#include "testgen/case.hpp"
#include "testgen/case_arguments.hpp"
#include "testgen/space/random_problem.hpp"

namespace assay {
namespace {

constexpr int kProblems = 120;  // of each type
constexpr std::array kMachines{"edge16", "server128", "tpuv1", "tests/tiny4", "tests/wide8x32"};
constexpr std::array kKinds{testgen::DataKind::Random,    testgen::DataKind::Cancellation,
                            testgen::DataKind::Subnormal, testgen::DataKind::SignedZero,
                            testgen::DataKind::Special,   testgen::DataKind::Mixed};

using testgen::Generator;

// As they are drawn; all rows to one expert; any, with repeated and dropped ones.
void reroute(app::CaseInput& input, Generator& random) {
  Tensor& ids = input.inputs.at(2);
  const auto experts = static_cast<std::int32_t>(input.inputs.at(1).shape[0]);
  const std::uint64_t kind = random() % 3;
  const auto one = static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(experts));
  for (std::int64_t i = 0; i < ids.elements() && kind != 0; ++i)
    ids.as<std::int32_t>()[i] =
        kind == 1 ? one : static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(experts + 1)) - 1;
}

class GroupedBits : public ::testing::TestWithParam<DType> {};

TEST_P(GroupedBits, EqualsTheScalarModelOnEveryMachine) {
  Generator random(17 + static_cast<unsigned>(GetParam()));
  std::map<std::string, int> runs;
  for (int i = 0; i < kProblems; ++i) {
    testgen::Case c;
    c.problem = testgen::random_problem("grouped_gemm", GetParam(), random);
    c.mode = golden::Mode::Bits;
    c.data = kKinds[static_cast<std::size_t>(i) % kKinds.size()];
    c.suite_seed = static_cast<std::uint64_t>(i) + 1;
    testgen::validate(c);
    app::CaseInput input = app::generated(c);
    reroute(input, random);
    for (const char* machine : kMachines) {
      input.c.config = machine;
      app::RunOptions options;
      options.jitter = static_cast<std::uint64_t>(i) / 2 * (i % 2);
      const report::CaseResult r = app::run_case(input, options);
      ASSERT_EQ(to_string(r.verdict), to_string(ExitCode::Pass))
          << r.text << " on " << machine << ": " << r.message;
      ++runs[machine];
    }
  }
  for (const auto& [machine, count] : runs)
    fmt::print("bits  grouped_gemm {:<5} {:<15} {} runs\n", to_string(GetParam()), machine, count);
}

INSTANTIATE_TEST_SUITE_P(Types, GroupedBits,
                         ::testing::Values(DType::f32, DType::f16, DType::bf16, DType::e4m3, DType::e5m2,
                                           DType::s8),
                         [](const auto& test) { return std::string(to_string(test.param)); });

app::CaseInput grouped(const std::vector<std::string>& inputs, const std::string& config,
                       const std::string& mode = "bits") {
  testgen::CaseArguments a;
  a.op = "grouped_gemm";
  a.inputs = inputs;
  a.config = config;
  a.mode = mode;
  return app::generated(testgen::case_from_arguments(a));
}

void set_ids(app::CaseInput& input, const std::vector<std::int32_t>& ids) {
  std::copy(ids.begin(), ids.end(), input.inputs.at(2).as<std::int32_t>());
}

// Far more rows than a list of tiny4's SPM holds, and than a macro tile has.
TEST(GroupedGemm, ChunksOfTokensAndOfRows) {
  for (const char* config : {"tests/tiny4", "edge16"})
    for (const char* weights : {"", "weights:f32:900x3"}) {
      std::vector<std::string> inputs{"X:bf16:900x20", "W:bf16:4x20x9", "ids:s32:900x3"};
      if (*weights != 0) inputs.emplace_back(weights);
      const report::CaseResult r = app::run_case(grouped(inputs, config), {});
      EXPECT_EQ(r.verdict, ExitCode::Pass) << r.text << ": " << r.message;
    }
}

TEST(GroupedGemm, RealDataPassTheFp64Golden) {
  for (const char* config : {"edge16", "server128"})
    for (const std::vector<std::string>& more :
         {std::vector<std::string>{}, {"B:bf16:6x70"}, {"B:bf16:6x70", "weights:f32:40x2"}}) {
      std::vector<std::string> inputs{"X:bf16:40x300", "W:bf16:6x300x70", "ids:s32:40x2"};
      inputs.insert(inputs.end(), more.begin(), more.end());
      const report::CaseResult r = app::run_case(grouped(inputs, config, "real"), {});
      EXPECT_EQ(r.verdict, ExitCode::Pass) << r.text << ": " << r.message;
    }
}

// Values decide what a run must do at least: nothing for slots without an expert.
TEST(GroupedGemm, SlotsWithoutAnExpertTakeNoProducts) {
  app::CaseInput input = grouped({"X:bf16:4x32", "W:bf16:3x32x16", "ids:s32:4x2"}, "edge16");
  set_ids(input, {-1, 2, -1, -1, 0, 2, -1, 2});
  report::CaseResult r = app::run_case(input, {});
  EXPECT_EQ(r.verdict, ExitCode::Pass) << r.message;
  EXPECT_EQ(r.macs_executed, 4U * 32 * 16);
  EXPECT_EQ(r.macs_declared, r.macs_executed);
  set_ids(input, std::vector<std::int32_t>(8, -1));
  r = app::run_case(input, {});
  EXPECT_EQ(r.verdict, ExitCode::Pass) << r.message;
  EXPECT_EQ(r.macs_executed, 0U);
}

// The machine says so by itself, whatever reads the ids: bytes of them, or words where experts are many.
TEST(GroupedGemm, AnIdThatIsNoExpertIsOneLine) {
  for (const std::int32_t experts : {3, 253, 254, 300})
    for (const std::int32_t wrong : {-2, experts, 259, 1 << 30, INT32_MIN}) {
      if (wrong >= 0 && wrong < experts) continue;
      app::CaseInput input =
          grouped({"X:bf16:9x8", fmt::format("W:bf16:{}x8x4", experts), "ids:s32:9x1"}, "edge16");
      set_ids(input, {0, 1, -1, 0, wrong, 2, 1, 0, 0});
      app::RunOptions alone;
      alone.goldens = {"none"};
      const report::CaseResult r = app::run_case(input, alone);
      EXPECT_EQ(r.verdict, ExitCode::Error);
      EXPECT_THAT(r.message, ::testing::HasSubstr(
                                 fmt::format("index 0 of its list is {}, not in 0..{}", wrong, experts - 1)));
    }
}

TEST(GroupedGemm, TimingWithoutValuesIsRefused) {
  app::RunOptions options;
  options.values = false;
  const report::CaseResult r =
      app::run_case(grouped({"X:bf16:4x32", "W:bf16:3x32x16", "ids:s32:4x2"}, "edge16"), options);
  EXPECT_EQ(r.verdict, ExitCode::Unsupported);
}

}  // namespace
}  // namespace assay
