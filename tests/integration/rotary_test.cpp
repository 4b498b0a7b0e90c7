// Rotary embeddings: bit-equal to the scalar model on every machine, by their bound in fp64, refusals by
// name.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <array>

#include "../support/expect_error.hpp"
#include "app/case/case_run.hpp"
#include "testgen/case_arguments.hpp"
#include "testgen/random.hpp"

namespace assay {
namespace {

testgen::CaseArguments problem(const std::string& x, const std::string& trig, const std::string& angles) {
  testgen::CaseArguments a;
  a.op = "rotary";
  a.inputs = {"X:" + x, fmt::format("cos:{}:{}", trig, angles), fmt::format("sin:{}:{}", trig, angles)};
  return a;
}

TEST(Rotary, EqualsTheScalarModelOnEveryMachine) {
  testgen::ElementRandom random(testgen::hash("rotary"), 0);
  constexpr std::array kTypes{"f32", "f16", "bf16"};
  for (int number = 0; number < 40; ++number) {
    const std::uint32_t positions = 1 + random.below(60), half = 1 + random.below(20),
                        planes = 1 + random.below(4);
    testgen::CaseArguments a =
        problem(fmt::format("{}:2x{}x{}x{}", kTypes[random.below(3)], planes, positions, 2 * half),
                kTypes[random.below(3)], fmt::format("{}x{}", positions, half));
    a.seed = static_cast<std::uint64_t>(number) + 1;
    for (const char* mode : {"bits", "real"})
      for (const char* config : {"edge16", "server128", "tests/tiny4", "tests/wide8x32"}) {
        a.mode = mode;
        a.config = config;
        const testgen::Case c = testgen::case_from_arguments(a);
        const report::CaseResult result = app::run_case(app::generated(c), {});
        ASSERT_EQ(result.verdict, ExitCode::Pass) << testgen::reproduce_line(c) << "\n" << result.message;
        ASSERT_FALSE(result.goldens.empty());
      }
  }
}

TEST(Rotary, RefusesWhatDoesNotFit) {
  const auto refused = [](const testgen::CaseArguments& a, ExitCode code, const std::string& text) {
    test::expect_error(code, text, [&] { testgen::case_from_arguments(a); });
  };
  refused(problem("f32:4x7", "f32", "4x3"), ExitCode::Usage,
          "rotary: input 'X' [4, 7] has rows of 7 elements; expected an even number");
  refused(problem("f32:4x8", "f32", "4x8"), ExitCode::Usage,
          "rotary: input 'cos' is [4, 8]; expected [4, 4], as 'X' is [4, 8]");
  refused(problem("f32:8", "f32", "1x4"), ExitCode::Usage,
          "rotary: input 'X' [8] has rank 1, expected at least 2");
  refused(problem("s8:4x8", "f32", "4x4"), ExitCode::Unsupported,
          "rotary: input 'X' is s8; expected f32, f16 or bf16");
}

}  // namespace
}  // namespace assay
