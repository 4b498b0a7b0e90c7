// assay plan: the verification plan, with what recorded cases and tests say about each requirement.
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "app/coverage/case_coverage.hpp"
#include "app/coverage/verification_plan.hpp"
#include "app/debug/output_file.hpp"
#include "app/verbs.hpp"

namespace assay::app {
namespace {

struct Options {
  std::vector<std::string> files;
  std::string plan, tests, output;
  bool json = false;
};

nlohmann::ordered_json json_of(const std::vector<PlanRow>& rows, const coverage::Database& db) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const PlanRow& row : rows) {
    nlohmann::ordered_json holes = nlohmann::ordered_json::array(),
                           failures = nlohmann::ordered_json::array();
    for (const coverage::BinId bin : row.holes) holes.push_back(db.model().bins()[bin].name);
    for (const std::size_t i : row.failures) failures.push_back(db.cases()[i].record.reproduce);
    list.push_back({{"id", row.requirement->id},
                    {"state", to_string(row.state)},
                    {"hit", row.tally.hit},
                    {"reachable", row.tally.reachable},
                    {"holes", holes},
                    {"failures", failures}});
  }
  return list;
}

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

ExitCode run(const Options& o) {
  const VerificationPlan plan = read_plan(o.plan.empty() ? default_plan_file() : o.plan, coverage_model());
  const TestResults tests = o.tests.empty() ? TestResults{} : read_test_results(o.tests);
  std::optional<OutputFile> page;
  if (!o.output.empty()) page.emplace(o.output);
  coverage::Database db(coverage_model());
  for (const std::string& file : o.files) db.read(file);
  db.finish();
  if (db.cases().empty()) fail(ExitCode::NothingSelected, "plan: no record in the files given");
  const std::vector<PlanRow> rows = evaluate(plan, db, tests);
  if (page) {
    page->write(ends_with(o.output, ".md") ? plan_markdown(plan, rows, db, tests)
                                           : plan_page(plan, rows, db, tests));
    page->commit();
  }
  bool failed = false;
  for (const PlanRow& row : rows) failed |= row.state == PlanState::Failed;
  if (o.json) fmt::print("{}\n", json_text(json_of(rows, db)));
  else if (o.output != "-")
    for (const PlanRow& row : rows)
      fmt::print("{:<8} {:<9} {:>5}/{:<5} {}\n", row.requirement->id, to_string(row.state), row.tally.hit,
                 row.tally.reachable, row.requirement->text);
  return failed ? ExitCode::Fail : ExitCode::Pass;
}

}  // namespace

void add_plan(CLI::App& program, Action& action) {
  auto o = std::make_shared<Options>();
  CLI::App* verb =
      program.add_subcommand("plan", "The verification plan: requirements, bins, cases, results");
  verb->add_option("FILES", o->files, "Records of assay run --coverage, in any number and order")->required();
  verb->add_option("--plan", o->plan, "Another plan than the one that ships (docs/coverage.md)");
  verb->add_option("--tests", o->tests, "Results of the repository's tests: ctest --output-junit FILE");
  verb->add_flag("--json", o->json, "Print JSON");
  verb->add_option("-o,--output", o->output, "Write the page: HTML, or Markdown where the name ends in .md");
  verb->footer("Example:\n  assay plan night.jsonl --tests ctest.xml -o plan.html");
  verb->callback([o, &action] { action = [o] { return run(*o); }; });
}

}  // namespace assay::app
