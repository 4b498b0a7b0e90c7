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

// The extents of all inputs, equal ones that belong together once.
std::vector<std::int64_t> extents(const testgen::Case& c) {
  std::vector<std::int64_t> all;
  for (const ops::TensorInfo& input : c.problem.inputs)
    all.insert(all.end(), input.shape.begin(), input.shape.end());
  return all;
}

class PlantedFault : public ::testing::TestWithParam<Planted> {};

TEST_P(PlantedFault, IsFoundAndShrunk) {
  Fault& fault = find_fault(GetParam().name);
  for (const std::uint64_t seed : kSeeds) {
    const std::optional<Found> found = find(fault, seed);
    ASSERT_TRUE(found) << fault.name << " was not found by " << kMostCases << " cases of seed " << seed;
    const FailureKind& kind = found->kind;
    const std::vector<std::int64_t> all = extents(kind.small);
    fmt::print("{:<48} {} {:>6} {:>6.1f} s {:>4}  {:<11} {:>5} {}\n", fault.name, seed, kind.first_number,
               found->seconds, kind.tried, to_string(kind.failure.code),
               all.empty() ? 0 : *std::max_element(all.begin(), all.end()),
               testgen::canonical_text(kind.small));
    const report::CaseResult control = run_case(generated(kind.small), run_options());
    EXPECT_EQ(to_string(control.verdict), to_string(ExitCode::Pass))
        << "without the fault: " << control.message;
    if (is_product(kind.small)) {
      const FaultOn on(fault);
      const report::CaseResult again = run_case(generated(kind.small), run_options());
      EXPECT_NE(to_string(again.verdict), to_string(ExitCode::Pass));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, PlantedFault, ::testing::ValuesIn(planted()), [](const auto& test) {
  std::string name = test.param.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace assay::app
