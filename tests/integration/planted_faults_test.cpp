// The faults of docs/planted-faults.yaml, each switched on: random cases of all operators until one fails,
// and that one shrunk. Prints a line for each seed. The shrunk case of a product is as small as such a
// failure gets.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>

#include "app/case/campaign.hpp"
#include "base/fault.hpp"
#include "testgen/case_generator.hpp"

namespace assay::app {
namespace {

constexpr std::array<std::uint64_t, 3> kSeeds{1, 2, 3};
constexpr std::uint64_t kMostCases = 20'000;
constexpr std::array kProducts{"gemm",          "matmul",       "matmulinteger",
                               "qlinearmatmul", "matmul_nbits", "grouped_gemm"};

struct Planted {
  std::string name, unit;
};

std::vector<Planted> planted() {
  std::vector<Planted> list;
  for (const YAML::Node& row : YAML::LoadFile(PLANTED_FAULTS))
    list.push_back({row["name"].as<std::string>(), row["unit"].as<std::string>()});
  return list;
}

bool is_product(const testgen::Case& c) {
  return std::find(kProducts.begin(), kProducts.end(), c.problem.op) != kProducts.end();
}

RunOptions run_options() {
  RunOptions options;
  options.max_cycles = Cycle(100'000'000);  // beyond what any of them takes: a hang is to be short
  return options;
}

struct Found {
  FailureKind kind;
  double seconds = 0;
};

std::optional<Found> find(Fault& fault, std::uint64_t seed) {
  testgen::CaseRequest request;
  request.configs = {"edge16", "tests/tiny4"};
  request.seed = seed;
  testgen::CaseGenerator generator(request);
  CampaignOptions options;
  options.run = run_options();
  options.shrink_tries = 1000;
  options.most_kinds = 1;
  std::uint64_t drawn = 0;
  const auto next = [&]() -> std::optional<testgen::Case> {
    if (drawn++ == kMostCases) return std::nullopt;
    return generator.random();
  };
  const auto start = std::chrono::steady_clock::now();
  const FaultOn on(fault);
  CampaignResult all = run_campaign(next, options, [](const FailureKind&) {});
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (all.kinds.empty()) return std::nullopt;
  return Found{std::move(all.kinds.front()), seconds.count()};
}

using Extent = std::pair<std::size_t, std::size_t>;  // input, dimension

std::vector<Extent> extents_of(const testgen::Case& c) {
  std::vector<Extent> all;
  for (std::size_t i = 0; i < c.problem.inputs.size(); ++i)
    for (std::size_t d = 0; d < c.problem.inputs[i].shape.size(); ++d) all.emplace_back(i, d);
  return all;
}

std::int64_t& extent(testgen::Case& c, const Extent& e) { return c.problem.inputs[e.first].shape[e.second]; }

// The case with an extent of another value, and with it one, two or all other extents that are equal to it:
// those that are valid.
std::vector<testgen::Case> with_extent(const testgen::Case& c, const Extent& at, std::int64_t value) {
  testgen::Case all = c;
  const std::int64_t old = extent(all, at);
  std::vector<Extent> equal;
  for (const Extent& other : extents_of(c))
    if (other != at && extent(all, other) == old) equal.push_back(other);
  for (const Extent& other : equal) extent(all, other) = value;
  extent(all, at) = value;
  std::vector<testgen::Case> cases{all};
  testgen::Case one = c;
  extent(one, at) = value;
  cases.push_back(one);
  for (std::size_t i = 0; i < equal.size(); ++i) {
    extent(cases.emplace_back(one), equal[i]) = value;
    for (std::size_t j = 0; j < i; ++j) {
      const testgen::Case two = cases[cases.size() - 1 - j];
      extent(cases.emplace_back(two), equal[j]) = value;
    }
  }
  std::vector<testgen::Case> valid;
  for (testgen::Case& some : cases) {
    try {
      some.problem.outputs.clear();
      testgen::validate(some);
      valid.push_back(some);
    } catch (const Error&) {}
  }
  return valid;
}

bool fails(testgen::Case c) {
  for (std::uint64_t seed = 0; seed < 3; ++seed, ++c.suite_seed) {
    try {
      if (failure_of(run_case(generated(c), run_options())).failed()) return true;
    } catch (const Error&) {
      return false;
    }
  }
  return false;
}

// By how much any extent exceeds the least with which the case, as it is otherwise, fails too.
std::int64_t excess(const testgen::Case& c) {
  std::int64_t most = 0;
  for (const Extent& at : extents_of(c)) {
    testgen::Case copy = c;
    const std::int64_t value = extent(copy, at);
    for (std::int64_t less = 1; less < value; ++less) {
      const std::vector<testgen::Case> cases = with_extent(c, at, less);
      if (!std::any_of(cases.begin(), cases.end(), fails)) continue;
      most = std::max(most, value - less);
      break;
    }
  }
  return most;
}

// Of all products that were shrunk so far.
std::vector<std::int64_t>& excesses() {
  static std::vector<std::int64_t> list;
  return list;
}

class PlantedFault : public ::testing::TestWithParam<Planted> {
 protected:
  // The median shrunk product is at most one larger than what fails.
  static void TearDownTestSuite() {
    std::vector<std::int64_t>& all = excesses();
    if (all.empty()) return;
    std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2), all.end());
    const std::int64_t median = all[all.size() / 2];
    fmt::print("{} products were shrunk; the median of the largest extent beyond what fails: {}\n",
               all.size(), median);
    EXPECT_LE(median, 1);
  }
};

TEST_P(PlantedFault, IsFoundAndShrunk) {
  Fault& fault = find_fault(GetParam().name);
  for (const std::uint64_t seed : kSeeds) {
    const std::optional<Found> found = find(fault, seed);
    ASSERT_TRUE(found) << fault.name << " was not found by " << kMostCases << " cases of seed " << seed;
    const FailureKind& kind = found->kind;
    std::string beyond = "-";
    if (is_product(kind.small)) {
      const FaultOn on(fault);
      EXPECT_TRUE(fails(kind.small));
      excesses().push_back(excess(kind.small));
      beyond = std::to_string(excesses().back());
    }
    fmt::print("{:<48} {} {:>6} {:>6.1f} s {:>4}  {:<11} {:>3}  {}\n", fault.name, seed, kind.first_number,
               found->seconds, kind.tried, to_string(kind.failure.code), beyond,
               testgen::canonical_text(kind.small));
    const report::CaseResult control = run_case(generated(kind.small), run_options());
    EXPECT_EQ(to_string(control.verdict), to_string(ExitCode::Pass))
        << "without the fault: " << control.message;
  }
}

INSTANTIATE_TEST_SUITE_P(All, PlantedFault, ::testing::ValuesIn(planted()), [](const auto& test) {
  std::string name = test.param.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace assay::app
