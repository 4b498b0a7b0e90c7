// Each fault of tests/faults/golden, switched on, makes two goldens disagree on a random problem, on which
// all agree without it. Prints a line for each.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <map>

#include "base/fault.hpp"
#include "golden/compare.hpp"
#include "testgen/case.hpp"
#include "testgen/random.hpp"
#include "testgen/space/random_problem.hpp"

namespace assay::golden {
namespace {

using testgen::Case;

constexpr std::uint64_t kProblems = 400;  // that are drawn at most

std::vector<Fault*> golden_faults() {
  std::vector<Fault*> list;
  for (Fault* fault : all_faults())
    if (fault->file.rfind("golden/", 0) == 0) list.push_back(fault);
  return list;
}

// The golden that a fault is in: golden/NAME/... Empty for what several share.
std::string golden_of(const Fault& fault) {
  const std::string_view rest = fault.file.substr(7);
  const std::size_t end = rest.find('/');
  return end == std::string_view::npos ? "" : std::string(rest.substr(0, end));
}

// Its operators and their types in turn.
Case random_case(const Fault& fault, std::uint64_t number, testgen::Generator& random) {
  constexpr testgen::DataKind kReal[]{testgen::DataKind::Uniform, testgen::DataKind::Normal,
                                      testgen::DataKind::Positive};
  const std::string_view op = fault.operators[number % fault.operators.size()];
  const std::uint64_t round = number / fault.operators.size();
  const std::vector<DType> types = testgen::problem_types(op);
  Case c;
  c.problem = testgen::random_problem(op, types[round % types.size()], random);
  c.mode = Mode::Real;
  c.data = kReal[random() % 3];
  c.suite_seed = number;
  testgen::validate(c);
  return c;
}

// The pairs of goldens that disagree, as `--golden all` finds them.
std::vector<std::string> disagreements(const Case& c, const std::vector<Tensor>& inputs) {
  std::vector<Reference> all;
  for (const Backend* golden : all_backends())
    if (golden->supports(c.problem)) all.push_back(golden->evaluate(c.problem, inputs));
  EXPECT_GE(all.size(), 2U) << testgen::reproduce_line(c);
  const Policy policy = testgen::policy_of(c);
  std::vector<std::string> pairs;
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t j = i + 1; j < all.size(); ++j)
      if (!compare(all[i].outputs[0], all[j].outputs[0], policy).passed)
        pairs.push_back(all[i].backend + "-" + all[j].backend);
  return pairs;
}

class GoldenFault : public ::testing::TestWithParam<Fault*> {};

TEST_P(GoldenFault, IsCaughtByAnotherGolden) {
  Fault& fault = *GetParam();
  testgen::Generator random(testgen::hash(fault.name));
  for (std::uint64_t number = 0; number < kProblems; ++number) {
    const Case c = random_case(fault, number, random);
    if (element_count(c.problem.outputs.at(0).shape) == 0) continue;
    const std::vector<Tensor> inputs = testgen::make_inputs(c);
    std::vector<std::string> pairs;
    {
      const FaultOn on(fault);
      pairs = disagreements(c, inputs);
    }
    if (pairs.empty()) continue;
    EXPECT_EQ(disagreements(c, inputs), std::vector<std::string>()) << testgen::reproduce_line(c);
    std::printf("%-38s problem %3d: %s\n", std::string(fault.name).c_str(), static_cast<int>(number) + 1,
                fmt::format("{}", fmt::join(pairs, " ")).c_str());
    return;
  }
  FAIL() << fault.name << " (" << fault.what << ") was not caught by " << kProblems << " problems";
}

INSTANTIATE_TEST_SUITE_P(All, GoldenFault, ::testing::ValuesIn(golden_faults()), [](const auto& test) {
  std::string name(test.param->name);
  for (char& letter : name)
    if (letter == '-') letter = '_';
  return name;
});

TEST(GoldenFaults, AreAtLeastTenInEachGolden) {
  std::map<std::string, int> count;
  for (const Fault* fault : golden_faults()) ++count[golden_of(*fault)];
  for (const Backend* golden : all_backends())
    EXPECT_GE(count[std::string(golden->name())], 10) << golden->name();
}

}  // namespace
}  // namespace assay::golden
