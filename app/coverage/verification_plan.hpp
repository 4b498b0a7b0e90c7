// The verification plan: requirements, the bins that show that they were tried, the cases that hit these, and
// the tests that check them. Source: docs/verification/plan.yaml, read strictly.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "testgen/coverage/database.hpp"

namespace assay::app {

struct Requirement {
  std::string id, text, where;
  std::vector<std::string> bins, tests;
};

struct VerificationPlan {
  std::string title, file;
  std::vector<Requirement> requirements;
};

// Throws Error(Usage) "file:line: ...": also for names that the coverage model does not have.
VerificationPlan read_plan(const std::string& file, const coverage::Model& model);
std::string default_plan_file();  // $ASSAY_PLAN_DIR/plan.yaml, or the one known since the build

// By name: "passed", "failed" or "skipped", from ctest --output-junit FILE. Throws Error(BadInput).
using TestResults = std::map<std::string, std::string>;
TestResults read_test_results(const std::string& file);

// What is known about one requirement.
enum class PlanState : std::uint8_t {
  Failed,    // a case that tried it, or a test, failed
  Open,      // no bin is hit
  Partly,    // some reachable bins are hit
  Covered,   // all of them are
  Verified,  // and every test is known to have passed
};
std::string_view to_string(PlanState state);

struct PlanRow {
  const Requirement* requirement = nullptr;
  coverage::Tally tally;
  std::vector<std::pair<std::string, coverage::Tally>> items;  // of each name under `bins`
  std::vector<std::size_t> examples;                           // cases that passed, few that hit many bins
  std::vector<std::size_t> failures;                           // cases that did not
  std::vector<coverage::BinId> holes;
  PlanState state = PlanState::Open;
};
std::vector<PlanRow> evaluate(const VerificationPlan& plan, const coverage::Database& database,
                              const TestResults& tests);

// The page, self-contained; and the same in Markdown.
std::string plan_page(const VerificationPlan& plan, const std::vector<PlanRow>& rows,
                      const coverage::Database& database, const TestResults& tests);
std::string plan_markdown(const VerificationPlan& plan, const std::vector<PlanRow>& rows,
                          const coverage::Database& database, const TestResults& tests);

}  // namespace assay::app
