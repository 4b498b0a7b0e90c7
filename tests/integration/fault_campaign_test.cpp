// Each fault of the simulated machine and of its kernels, switched on, is found by a run of a random problem,
// and the same problem passes without it. Prints a line for each.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <optional>

#include "app/case/case_run.hpp"
#include "base/fault.hpp"
#include "golden/backend.hpp"
#include "testgen/case.hpp"
#include "testgen/random.hpp"
#include "testgen/space/random_problem.hpp"

namespace assay::app {
namespace {

using testgen::Case;
using testgen::DataKind;

constexpr std::uint64_t kProblems = 200;        // that are drawn at most
constexpr std::uint64_t kCycles = 100'000'000;  // beyond what any of them takes: a hang is to be short
constexpr std::array kMachines{"edge16", "tests/tiny4"};
constexpr std::array kHostile{DataKind::Random,     DataKind::Cancellation, DataKind::Subnormal,
                              DataKind::SignedZero, DataKind::Special,      DataKind::Mixed};
constexpr std::array kReal{DataKind::Uniform, DataKind::Normal, DataKind::Positive};

std::vector<Fault*> machine_faults() {
  std::vector<Fault*> list;
  for (Fault* fault : all_faults())
    if (fault->file.rfind("golden/", 0) != 0) list.push_back(fault);
  return list;
}

// Its operators and their types in turn. To the bit where that is defined.
Case random_case(const Fault& fault, std::uint64_t number, testgen::Generator& random) {
  const std::string_view op = fault.operators[number % fault.operators.size()];
  const std::uint64_t round = number / fault.operators.size();
  const std::vector<DType> types = testgen::problem_types(op);
  Case c;
  c.problem = testgen::random_problem(op, types[round % types.size()], random);
  const bool bits = golden::find_backend("strict").supports(c.problem);
  c.mode = bits ? golden::Mode::Bits : golden::Mode::Real;
  c.data = bits ? kHostile[random() % kHostile.size()] : kReal[random() % kReal.size()];
  c.suite_seed = number;
  testgen::validate(c);
  return c;
}

report::CaseResult run(const CaseInput& input) {
  RunOptions options;
  options.max_cycles = Cycle(kCycles);
  return run_case(input, options);
}

// A machine too small for a problem says nothing of the fault.
bool tells(const report::CaseResult& result) {
  return result.verdict != ExitCode::Pass && result.verdict != ExitCode::Unsupported;
}

std::string in_words(const report::CaseResult& result) {
  return fmt::format("{}: {:.90}", to_string(result.verdict),
                     result.message.substr(0, result.message.find('\n')));
}

// What shows a fault that random problems leave alone: they are drawn without such shapes.
std::optional<ops::Problem> by_hand(std::string_view fault) {
  constexpr DType f32 = DType::f32;
  const ops::Problem batches{
      "matmul", {}, {{"A", f32, {2, 1, 5, 7}}, {"B", f32, {1, 3, 7, 6}}, {"R", f32, {2, 3, 5, 6}}}, {}};
  ops::Problem columns{"softmax", {}, {{"X", f32, {2100, 20}}}, {}};
  columns.attributes.set("axis", std::int64_t{0});
  if (fault == "gemm-kernel-batches-of-b-as-of-a") return batches;
  if (fault == "gemm-kernel-residual-of-the-first-batch") return batches;
  if (fault == "softmax-kernel-factor-of-the-first-block") return columns;
  if (fault == "softmax-kernel-maximum-of-the-tail")
    return ops::Problem{"softmax", {}, {{"X", f32, {30, 1500}}}, {}};
  if (fault == "vxu-sum-order")
    return ops::Problem{
        "gemm", {}, {{"A", f32, {9, 10}}, {"B", f32, {10, 8}}, {"C", f32, {9, 8}}, {"R", f32, {9, 8}}}, {}};
  return std::nullopt;
}

class MachineFault : public ::testing::TestWithParam<Fault*> {
 protected:
  // Whether a machine shows it; `problem`: which one it is, for the line that is printed.
  static bool shown_by(Fault& fault, const Case& c, const std::string& problem) {
    if (element_count(c.problem.outputs.at(0).shape) == 0) return false;
    CaseInput input = generated(c);
    for (const char* machine : kMachines) {
      input.c.config = machine;
      const report::CaseResult result = with(fault, input);
      if (!tells(result)) continue;
      const report::CaseResult control = run(input);
      EXPECT_EQ(to_string(control.verdict), to_string(ExitCode::Pass))
          << control.text << ": " << control.message;
      fmt::print("{:<48} {:>7} {:<11} {}\n", fault.name, problem, machine, in_words(result));
      return true;
    }
    return false;
  }

 private:
  static report::CaseResult with(Fault& fault, const CaseInput& input) {
    const FaultOn on(fault);
    return run(input);
  }
};

TEST_P(MachineFault, IsFound) {
  Fault& fault = *GetParam();
  testgen::Generator random(testgen::hash(fault.name));
  for (std::uint64_t number = 0; number < kProblems; ++number)
    if (shown_by(fault, random_case(fault, number, random), std::to_string(number + 1))) return;
  if (const auto problem = by_hand(fault.name)) {
    Case c;
    c.problem = *problem;
    c.mode = golden::Mode::Bits;
    c.data = DataKind::Mixed;
    testgen::validate(c);
    if (shown_by(fault, c, "by hand")) return;
  }
  FAIL() << fault.name << " (" << fault.what << ") was not found by " << kProblems << " problems";
}

INSTANTIATE_TEST_SUITE_P(All, MachineFault, ::testing::ValuesIn(machine_faults()), [](const auto& test) {
  std::string name(test.param->name);
  for (char& letter : name)
    if (letter == '-') letter = '_';
  return name;
});

}  // namespace
}  // namespace assay::app
