// Each fault of the simulated machine, switched on, is found by random programs; without it the same program
// passes. Prints a line for each: the commands it took.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <set>

#include "app/program/judge.hpp"
#include "base/fault.hpp"
#include "testgen/program/random_program.hpp"
#include "testgen/program/shrink_program.hpp"
#include "testgen/random.hpp"

namespace assay::app::program {
namespace {

constexpr std::array kMachines{"edge16", "tests/tiny4"};
constexpr std::uint64_t kPrograms = 2000;  // that are drawn at most
constexpr int kTries = 1500;               // of the shrinker

// What no program shows, and why.
const std::set<std::string_view> kBeyond{
    "memory-lent-pages-shifted",            // a program's memory is written, not lent
    "mxu-padding-counts-all-slots",         // what is not asked for is in no result
    "mxu-useful-cycles-rounded-each-time",  // nor how long it took
};

std::vector<Fault*> machine_faults() {
  std::vector<Fault*> list;
  for (Fault* fault : all_faults())
    if (fault->file.rfind("golden/", 0) != 0 && fault->kernels.empty()) list.push_back(fault);
  return list;
}

std::optional<Difference> difference_with(Fault* fault, const Program& p) {
  std::optional<FaultOn> on;
  ExecuteOptions options;
  options.watchdog = Cycle(5'000'000);
  if (fault != nullptr) on.emplace(*fault);
  return judge(p, testgen::program::machine_of(p), options).difference;
}

class ProgramFault : public ::testing::TestWithParam<Fault*> {};

TEST_P(ProgramFault, IsFound) {
  Fault& fault = *GetParam();
  std::uint64_t commands = 0;
  for (std::uint64_t n = 0; n < kPrograms; ++n) {
    testgen::program::RandomOptions options;
    options.seed = testgen::hash(fault.name) % 1'000'000 * 10'000 + n;
    options.config = kMachines[n % kMachines.size()];
    const Program p = testgen::program::random_program(options);
    commands += testgen::program::count_commands(p);
    const auto difference = difference_with(&fault, p);
    if (!difference) continue;
    EXPECT_FALSE(difference_with(nullptr, p)) << fault.name << ": the program fails without the fault too";
    const auto small = testgen::program::shrink(
        p,
        [&](const Program& candidate) {
          try {
            const auto d = difference_with(&fault, candidate);
            return d && d->kind == difference->kind;
          } catch (const Error&) {
            return false;
          }
        },
        kTries);
    fmt::print("{:<48} {:>5} programs {:>7} commands, shrunk to {} and {} words: {}: {:.70}\n", fault.name,
               n + 1, commands, testgen::program::count_commands(small.program),
               testgen::program::count_words(small.program), difference->kind, difference->text);
    EXPECT_EQ(kBeyond.count(fault.name), 0U) << fault.name << " is found after all";
    return;
  }
  fmt::print("{:<48} not found by {} commands\n", fault.name, commands);
  EXPECT_EQ(kBeyond.count(fault.name), 1U) << fault.name << " (" << fault.what << ")";
}

INSTANTIATE_TEST_SUITE_P(All, ProgramFault, ::testing::ValuesIn(machine_faults()), [](const auto& test) {
  std::string name(test.param->name);
  for (char& letter : name)
    if (letter == '-') letter = '_';
  return name;
});

}  // namespace
}  // namespace assay::app::program
