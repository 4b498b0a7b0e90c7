// Which faults of the machine and of its kernels each relation finds, without a golden: random problems of
// the fault's operators, the same number for each fault, with the fault on. Prints a line for each fault, and
// the table of docs/metamorphic.md.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <map>
#include <set>

#include "app/case/case_run.hpp"
#include "base/fault.hpp"
#include "testgen/metamorphic/relation.hpp"
#include "testgen/space/random_problem.hpp"
#include "testgen/random.hpp"

namespace assay::app {
namespace {

namespace meta = testgen::metamorphic;
using Outcome = report::RelationVerdict::Outcome;
using testgen::DataKind;

constexpr std::uint64_t kMost = 300'000;       // products of a problem
constexpr std::uint64_t kCycles = 20'000'000;  // beyond what any of them takes
constexpr std::array kMachines{"edge16", "tests/tiny4"};
constexpr std::array kHostile{DataKind::Random, DataKind::Cancellation, DataKind::Mixed, DataKind::Special};

std::uint64_t problems() {
  const char* text = std::getenv("RELATION_PROBLEMS");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 24;
}

// Those whose names contain RELATION_FAULT; all unless it is set.
std::vector<Fault*> machine_faults() {
  const char* part = std::getenv("RELATION_FAULT");
  std::vector<Fault*> list;
  for (Fault* fault : all_faults())
    if (fault->file.rfind("golden/", 0) != 0 &&
        (part == nullptr || fault->name.find(part) != std::string_view::npos))
      list.push_back(fault);
  return list;
}

testgen::Case random_case(const Fault& fault, std::uint64_t number, testgen::Generator& random) {
  const std::string_view op = fault.operators[number % fault.operators.size()];
  const std::vector<DType> types = testgen::problem_types(op);
  const DType type = types[number / fault.operators.size() % types.size()];
  testgen::Case c;
  do c.problem = testgen::random_problem(op, type, random);
  while (ops::find_operator(op).work(c.problem).macs > kMost ||
         element_count(c.problem.outputs[0].shape) > 8000);
  c.config = kMachines[number % kMachines.size()];
  c.mode = golden::Mode::Bits;
  c.data = kHostile[random() % kHostile.size()];
  c.suite_seed = number;
  testgen::validate(c);
  return c;
}

// Shapes that random problems have seldom.
std::vector<testgen::Case> by_hand(const Fault& fault) {
  constexpr DType f32 = DType::f32;
  ops::Attributes first_axis;
  first_axis.set("axis", std::int64_t{0});
  const std::vector<ops::Problem> problems{
      {"softmax", first_axis, {{"X", f32, {2100, 20}}}, {}},
      {"matmul", {}, {{"A", f32, {2, 1, 5, 7}}, {"B", f32, {1, 3, 7, 6}}, {"R", f32, {2, 3, 5, 6}}}, {}},
      {"matmul", {}, {{"A", f32, {2, 3, 5, 7}}, {"B", f32, {2, 3, 7, 6}}}, {}},
      {"matmulinteger", {}, {{"A", DType::s8, {9, 1500}}, {"B", DType::s8, {1500, 6}}}, {}},
      {"softmax", {}, {{"X", f32, {30, 1500}}}, {}},
      {"attention",
       {},
       {{"Q", f32, {1, 1, 3, 8}}, {"K", f32, {1, 1, 600, 8}}, {"V", f32, {1, 1, 600, 8}}},
       {}},
      {"gemm", {}, {{"A", f32, {9, 10}}, {"B", f32, {10, 8}}, {"C", f32, {9, 8}}, {"R", f32, {9, 8}}}, {}}};
  std::vector<testgen::Case> cases;
  for (const ops::Problem& problem : problems)
    for (const std::string_view op : fault.operators) {
      if (op != problem.op) continue;
      testgen::Case c;
      c.problem = problem;
      c.config = "edge16";
      c.mode = golden::Mode::Bits;
      c.data = DataKind::Mixed;
      testgen::validate(c);
      cases.push_back(c);
    }
  return cases;
}

struct Found {
  std::set<std::string> relations;
  bool by_the_run = false;  // its kernel does wrong: a finding, a trap, an unwritten byte
};

class RelationFaults : public ::testing::Test {
 protected:
  static void try_case(const testgen::Case& c, Fault& fault, Found& found) {
    if (meta::relations_of(c).empty()) return;
    RunOptions options;
    options.goldens = {"none"};
    options.relations = {"all"};
    options.max_cycles = Cycle(kCycles);
    report::CaseResult result;
    try {
      const FaultOn on(fault);
      result = run_case(generated(c), options);
    } catch (const Error& error) {
      fmt::print("  {}: {}\n", fault.name, error.what());
      return;
    }
    const bool judged = !result.relations.empty();
    if (!judged && result.verdict != ExitCode::Unsupported) found.by_the_run = true;
    for (const report::RelationVerdict& verdict : result.relations)
      if (verdict.outcome == Outcome::Broken) found.relations.insert(verdict.relation);
  }
};

TEST_F(RelationFaults, AreFoundWithoutGoldens) {
  std::map<std::string, int> by_relation;
  std::map<std::string, std::array<int, 3>> by_folder;  // faults, found by relations, by the run
  int faults = 0, found_faults = 0;
  for (Fault* fault : machine_faults()) {
    testgen::Generator random(testgen::hash(fault->name));
    Found found;
    for (std::uint64_t number = 0; number < problems(); ++number)
      try_case(random_case(*fault, number, random), *fault, found);
    for (const testgen::Case& c : by_hand(*fault)) try_case(c, *fault, found);
    fmt::print("{:<48} {:<8} {}\n", fault->name, found.by_the_run ? "run" : "-",
               fmt::join(found.relations, " "));
    std::fflush(stdout);
    ++faults;
    found_faults += found.relations.empty() ? 0 : 1;
    for (const std::string& relation : found.relations) ++by_relation[relation];
    const std::string file(fault->file);
    std::array<int, 3>& row = by_folder[file.substr(0, file.rfind('/'))];
    ++row[0];
    row[1] += found.relations.empty() ? 0 : 1;
    row[2] += found.by_the_run && found.relations.empty() ? 1 : 0;
  }
  for (const auto& [folder, row] : by_folder)
    fmt::print("| `{}` | {} of {} | {} |\n", folder, row[1], row[0], row[2]);
  for (const meta::Relation& relation : meta::all_relations())
    fmt::print("| {} | {} |\n", relation.name, by_relation[std::string(relation.name)]);
  fmt::print("{} of {} faults break a relation\n", found_faults, faults);
  EXPECT_GT(2 * found_faults, faults);
}

}  // namespace
}  // namespace assay::app
