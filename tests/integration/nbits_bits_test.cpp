// BITS mode of matmul_nbits: random shapes, groups and layouts on every machine, bit-equal to the scalar
// model.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <map>

#include "app/case/case_run.hpp"
#include "base/machine_yaml.hpp"
#include "golden/backend.hpp"
#include "testgen/case.hpp"
#include "testgen/space/random_problem.hpp"

namespace assay {
namespace {

constexpr int kProblems = 40;  // per type of B
constexpr std::array kMachines{"edge16", "server128", "tests/tiny4", "tests/wide8x32"};
constexpr std::array kKinds{testgen::DataKind::Random, testgen::DataKind::Subnormal,
                            testgen::DataKind::SignedZero, testgen::DataKind::Special,
                            testgen::DataKind::Mixed};

using testgen::Generator;

class NbitsBits : public ::testing::TestWithParam<DType> {};

TEST_P(NbitsBits, EqualsTheScalarModelOnEveryMachine) {
  Generator random(0xB175 + static_cast<unsigned>(GetParam()));
  std::map<std::string, Machine> machines;
  for (const char* name : kMachines) machines.emplace(name, find_machine(name));
  for (int i = 0; i < kProblems; ++i) {
    testgen::Case c;
    c.problem = testgen::random_problem("matmul_nbits", GetParam(), random);
    c.mode = golden::Mode::Bits;
    c.data = kKinds[static_cast<std::size_t>(i) % kKinds.size()];
    c.suite_seed = static_cast<std::uint64_t>(i) + 1;
    testgen::validate(c);
    const app::CaseInput generated = app::generated(c);
    const golden::Reference strict = golden::find_backend("strict").evaluate(c.problem, generated.inputs);
    for (const char* machine : kMachines) {
      app::CaseInput input = generated;
      input.c.config = machine;
      app::RunOptions options;
      options.jitter = static_cast<std::uint64_t>(i) / 2 * (i % 2);
      const app::Execution execution =
          app::execute(input, machines.at(machine), options, Cycle(1'000'000'000));
      const std::string line = testgen::reproduce_line(input.c);
      ASSERT_EQ(execution.run.outcome, sim::Outcome::halted) << execution.run.message << "\n" << line;
      ASSERT_EQ(execution.run.findings.size(), 0U) << line;
      ASSERT_EQ(execution.run.kernel_status, 0U) << line;
      ASSERT_EQ(execution.unwritten, "") << line;
      const golden::Comparison comparison =
          golden::compare(execution.outputs.at(0), strict.outputs.at(0), {golden::Mode::Bits});
      ASSERT_TRUE(comparison.passed) << comparison.to_line() << "\n  " << line;
    }
  }
}

// The goldens, which share no arithmetic, with each other.
TEST_P(NbitsBits, TheGoldensAgree) {
  Generator random(0xA6 + static_cast<unsigned>(GetParam()));
  for (int i = 0; i < 25; ++i) {
    testgen::Case c;
    c.problem = testgen::random_problem("matmul_nbits", GetParam(), random);
    c.mode = golden::Mode::Real;
    c.data = testgen::DataKind::Uniform;
    c.suite_seed = static_cast<std::uint64_t>(i) + 1;
    testgen::validate(c);
    const app::CaseInput input = app::generated(c);
    const Tensor bits = *golden::find_backend("strict").evaluate(c.problem, input.inputs).outputs.at(0).bits;
    for (const char* name : {"cpu", "dnnl"}) {
      const golden::Reference reference = golden::find_backend(name).evaluate(c.problem, input.inputs);
      const golden::Comparison comparison =
          golden::compare(bits, reference.outputs.at(0), {golden::Mode::Real});
      ASSERT_TRUE(comparison.passed) << name << ": " << comparison.to_line();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Dtypes, NbitsBits, ::testing::Values(DType::s4, DType::u4, DType::s8, DType::u8),
                         [](const auto& test) { return std::string(to_string(test.param)); });

}  // namespace
}  // namespace assay
