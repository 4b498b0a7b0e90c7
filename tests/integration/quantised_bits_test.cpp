// matmulinteger and qlinearmatmul on random shapes, types, zero points and scales: equal to the scalar model
// and to the cpu golden on every machine and in every dataflow. Integers: both goldens are exact.
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

constexpr int kProblems = 150;
constexpr std::array kMachines{"edge16", "server128", "tests/tiny4", "tests/wide8x32"};
constexpr std::array kDataflows{"auto", "ws", "os", "as"};

using testgen::Generator;

class QuantisedBits : public ::testing::TestWithParam<std::string> {};

TEST_P(QuantisedBits, EqualBothGoldensOnEveryMachineAndDataflow) {
  Generator random(GetParam().size());
  std::map<std::string, int> compared;
  std::map<std::string, Machine> machines;
  for (const char* name : kMachines) machines.emplace(name, find_machine(name));
  std::size_t inside = 0, all = 0;  // results that are not saturated
  for (int i = 0; i < kProblems; ++i) {
    testgen::Case c;
    c.problem = testgen::random_problem(GetParam(), i % 2 == 0 ? DType::u8 : DType::s8, random);
    c.mode = golden::Mode::Bits;
    c.suite_seed = static_cast<std::uint64_t>(i) + 1;
    testgen::validate(c);
    app::CaseInput input = app::generated(c);
    const Tensor strict =
        golden::find_backend("strict").evaluate(c.problem, input.inputs).outputs.at(0).bits.value();
    const Tensor cpu =
        golden::find_backend("cpu").evaluate(c.problem, input.inputs).outputs.at(0).bits.value();
    ASSERT_TRUE(strict.bytes == cpu.bytes) << testgen::reproduce_line(c);
    for (const std::byte byte : strict.bytes) {
      const int low = strict.dtype == DType::s8 ? 0x80 : 0, high = strict.dtype == DType::s8 ? 0x7F : 0xFF;
      inside += std::to_integer<int>(byte) != low && std::to_integer<int>(byte) != high ? 1 : 0;
      ++all;
    }
    const char* machine = kMachines[static_cast<std::size_t>(i) % kMachines.size()];
    for (const char* dataflow : kDataflows) {
      input.c.config = machine;
      input.c.problem.attributes.set("dataflow", std::string(dataflow));
      app::RunOptions options;
      options.jitter = static_cast<std::uint64_t>(i) / 2 * (i % 2);
      const app::Execution execution =
          app::execute(input, machines.at(machine), options, Cycle(1'000'000'000));
      ASSERT_EQ(execution.run.outcome, sim::Outcome::halted) << execution.run.message;
      ASSERT_EQ(execution.run.findings.size(), 0U) << testgen::reproduce_line(input.c);
      ASSERT_EQ(execution.unwritten, "") << testgen::reproduce_line(input.c);
      ASSERT_TRUE(execution.outputs.at(0).bytes == strict.bytes)
          << testgen::reproduce_line(input.c) << "\n  " << ops::to_string(c.problem);
      ++compared[machine];
    }
    const report::CaseResult whole = app::run_case(input, {});  // laws, and the verdict
    ASSERT_EQ(to_string(whole.verdict), to_string(ExitCode::Pass)) << whole.text << ": " << whole.message;
  }
  EXPECT_GT(inside * 4, all) << "results say something";
  for (const auto& [machine, runs] : compared)
    fmt::print("bits  {:<13} {:<15} {} runs\n", GetParam(), machine, runs);
  EXPECT_EQ(compared.size(), kMachines.size());
}

INSTANTIATE_TEST_SUITE_P(Operators, QuantisedBits, ::testing::Values("matmulinteger", "qlinearmatmul"),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace assay
