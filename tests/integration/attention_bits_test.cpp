// BITS mode for attention: random shapes, head ratios, masks and layouts, hostile data, every dtype,
// bit-equal to the scalar model of the contract on every machine; REAL mode beside it. Prints what was
// covered.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <map>

#include "app/case/case_run.hpp"
#include "base/machine_yaml.hpp"
#include "golden/backend.hpp"
#include "ops/attention/attention_spec.hpp"
#include "testgen/case.hpp"
#include "testgen/space/random_problem.hpp"

namespace assay {
namespace {

constexpr int kCases = 60;  // of each dtype
constexpr std::array kMachines{"edge16", "server128", "tpuv1", "tests/tiny4", "tests/wide8x32"};
constexpr std::array kKinds{testgen::DataKind::Uniform,    testgen::DataKind::Cancellation,
                            testgen::DataKind::SignedZero, testgen::DataKind::Special,
                            testgen::DataKind::Random,     testgen::DataKind::Mixed,
                            testgen::DataKind::Normal,     testgen::DataKind::Subnormal};

// What hides keys or changes scores.
std::string masks_of(const ops::Problem& problem) {
  const ops::AttentionForm form = ops::attention_form(problem);
  std::string text;
  if (form.causal) text += " causal";
  if (form.window > 0) text += " window";
  if (form.softcap > 0) text += " softcap";
  if (form.byte_weights) text += " u8";
  if (form.mask == ASSAY_ATTENTION_BYTES) text += " bytes";
  if (form.mask == ASSAY_ATTENTION_ADDED) text += " added";
  if (form.lengths_input) text += " lengths";
  if (form.table_input) text += " paged";
  if (form.unfused) text += " unfused";
  return text.empty() ? " none" : text;
}

class AttentionBits : public ::testing::TestWithParam<DType> {
 protected:
  void compare_everywhere(const testgen::Case& drawn) {
    testgen::Case c = drawn;
    const app::CaseInput input = app::generated(c);
    const golden::Reference strict = golden::find_backend("strict").evaluate(c.problem, input.inputs);
    for (const char* name : kMachines) {
      c.config = name;
      const app::Execution run = app::execute(input, find_machine(name), {}, Cycle(1'000'000'000));
      const std::string line = testgen::reproduce_line(c);
      ASSERT_EQ(run.run.outcome, sim::Outcome::halted) << run.run.message << "\n  " << line;
      ASSERT_EQ(run.run.kernel_status, 0U) << line;
      ASSERT_TRUE(run.run.findings.empty()) << to_string(run.run.findings[0].kind) << "\n  " << line;
      ASSERT_EQ(run.unwritten, "") << line;
      const golden::Comparison comparison =
          golden::compare(run.outputs.at(0), strict.outputs.at(0), {golden::Mode::Bits});
      ASSERT_TRUE(comparison.passed) << comparison.to_line() << "\n  " << line;
    }
  }
};

TEST_P(AttentionBits, EqualTheScalarModelOnEveryMachine) {
  testgen::Generator random(0xA77E + static_cast<unsigned>(GetParam()));
  std::map<std::string, int> masks;
  for (int i = 0; i < kCases; ++i) {
    testgen::Case c;
    c.problem = testgen::random_problem("attention", GetParam(), random);
    c.mode = golden::Mode::Bits;
    c.data = kKinds[static_cast<std::size_t>(i) % kKinds.size()];
    c.suite_seed = static_cast<std::uint64_t>(i) + 1;
    testgen::validate(c);
    compare_everywhere(c);
    if (HasFatalFailure()) return;
    ++masks[masks_of(c.problem)];
  }
  for (const auto& [kind, count] : masks)
    fmt::print("bits  {:<5}{:<32} {} cases on {} machines\n", to_string(GetParam()), kind, count,
               kMachines.size());
}

// The three classical steps: what they cover of the cases above, with jitter; the laws hold, and fp64 accepts
// them.
TEST_P(AttentionBits, UnfusedEqualsTheScalarModelOnEveryMachine) {
  if (GetParam() == DType::s8) GTEST_SKIP() << "floats alone";
  testgen::Generator random(0x0F5E + static_cast<unsigned>(GetParam()));
  for (int i = 0; i < kCases; ++i) {
    testgen::Case c;
    c.problem = testgen::random_problem("attention", GetParam(), random, {}, {{"algorithm", "unfused"}});
    c.mode = i % 4 == 3 ? golden::Mode::Real : golden::Mode::Bits;
    c.data = i % 4 == 3 ? testgen::DataKind::Normal : kKinds[static_cast<std::size_t>(i) % kKinds.size()];
    c.suite_seed = static_cast<std::uint64_t>(i) + 1;
    testgen::validate(c);
    app::CaseInput input = app::generated(c);
    for (const char* name : kMachines) {
      input.c.config = name;
      app::RunOptions options;
      options.jitter = static_cast<std::uint64_t>(i) / 2 * (i % 2);
      const report::CaseResult r = app::run_case(input, options);
      ASSERT_EQ(to_string(r.verdict), to_string(ExitCode::Pass))
          << r.message << "\n  " << testgen::reproduce_line(input.c);
    }
  }
  fmt::print("bits  {:<5} unfused: {} cases on {} machines\n", to_string(GetParam()), kCases,
             kMachines.size());
}

// REAL mode: the fp64 golden accepts every element; the laws hold.
TEST_P(AttentionBits, PassesTheGoldenOnOrdinaryData) {
  testgen::Generator random(0xF64 + static_cast<unsigned>(GetParam()));
  constexpr std::array kReal{testgen::DataKind::Uniform, testgen::DataKind::Normal,
                             testgen::DataKind::Positive};
  for (int i = 0; i < kCases; ++i) {
    testgen::Case c;
    c.problem = testgen::random_problem("attention", GetParam(), random);
    c.data = kReal[static_cast<std::size_t>(i) % kReal.size()];
    c.config = kMachines[static_cast<std::size_t>(i) % kMachines.size()];
    c.suite_seed = static_cast<std::uint64_t>(i) + 1;
    testgen::validate(c);
    const report::CaseResult r = app::run_case(app::generated(c), {});
    ASSERT_EQ(r.verdict, ExitCode::Pass) << r.message << "\n  " << testgen::reproduce_line(c);
    ASSERT_EQ(r.goldens.size(), 1U);
  }
}

INSTANTIATE_TEST_SUITE_P(Dtypes, AttentionBits,
                         ::testing::Values(DType::f32, DType::f16, DType::bf16, DType::e4m3, DType::e5m2,
                                           DType::s8),
                         [](const auto& test) { return std::string(to_string(test.param)); });

}  // namespace
}  // namespace assay
