#include "app/coverage/verification_plan.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "base/data_folder.hpp"
#include "base/error.hpp"
#include "base/yaml.hpp"

namespace assay::app {
namespace {

using coverage::BinId;
using coverage::Database;

constexpr std::size_t kExamples = 3;

Requirement read_requirement(const YAML::Node& node, const std::string& file, const coverage::Model& model) {
  const YamlMap map(node, file, "requirement", {"id", "text", "where", "bins", "tests"});
  Requirement r{map.text("id"), map.text("text"), map.text("where"), map.list("bins"), map.list("tests")};
  if (r.bins.empty()) map.complain("bins", "at least one name is expected");
  if (r.where.find('#') == std::string::npos)
    map.complain("where", "'{}' names no section: page#section", r.where);
  for (const std::string& name : r.bins) try {
      model.bins_under(name);
    } catch (const Error& error) {
      map.complain("bins", "{}", error.what());
    }
  return r;
}

// Few cases that between them hit many of the bins: each the one that adds most.
std::vector<std::size_t> examples_of(const Database& db, const std::vector<BinId>& bins) {
  std::map<std::size_t, std::size_t> gain;
  std::set<BinId> left;
  for (const BinId bin : bins)
    if (db.is_hit(bin)) left.insert(bin);
  std::vector<std::size_t> chosen;
  while (!left.empty() && chosen.size() < kExamples) {
    gain.clear();
    for (const BinId bin : left)
      for (const std::size_t i : db.hits(bin)) ++gain[i];
    const auto best = std::max_element(gain.begin(), gain.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    chosen.push_back(best->first);
    for (const BinId bin : db.cases()[best->first].bins) left.erase(bin);
  }
  return chosen;
}

PlanState state_of(const PlanRow& row, const TestResults& tests) {
  std::size_t passed = 0;
  bool failed = !row.failures.empty();
  for (const std::string& name : row.requirement->tests) {
    const auto found = tests.find(name);
    if (found == tests.end()) continue;
    failed |= found->second == "failed";
    passed += found->second == "passed" ? 1 : 0;
  }
  if (failed) return PlanState::Failed;
  if (row.tally.hit == 0) return PlanState::Open;
  if (row.tally.hit < row.tally.reachable) return PlanState::Partly;
  const bool all = !row.requirement->tests.empty() && passed == row.requirement->tests.size();
  return all ? PlanState::Verified : PlanState::Covered;
}

// The value of an attribute of an XML tag; empty where it has none.
std::string xml_attribute(const std::string& tag, const std::string& name) {
  const std::size_t at = tag.find(" " + name + "=\"");
  if (at == std::string::npos) return "";
  const std::size_t from = at + name.size() + 3;
  return tag.substr(from, tag.find('"', from) - from);
}

}  // namespace

std::string_view to_string(PlanState state) {
  static constexpr std::array<std::string_view, 5> names{"FAILED", "OPEN", "PARTLY", "COVERED", "VERIFIED"};
  return names[static_cast<std::size_t>(state)];
}

std::string default_plan_file() {
  return data_folder("ASSAY_PLAN_DIR", "verification", ASSAY_PLAN_DIR) + "/plan.yaml";
}

VerificationPlan read_plan(const std::string& file, const coverage::Model& model) {
  const YamlMap top(load_yaml(file), file, "verification plan", {"title", "requirements"});
  VerificationPlan plan{top.text("title"), file, {}};
  const YAML::Node list = top.at("requirements");
  if (!list.IsSequence() || list.size() == 0) top.complain("requirements", "expected a list");
  std::set<std::string> ids;
  for (const YAML::Node& node : list) {
    plan.requirements.push_back(read_requirement(node, file, model));
    if (!ids.insert(plan.requirements.back().id).second)
      fail(ExitCode::Usage, "{}:{}: requirement '{}' is given twice", file, node.Mark().line + 1,
           plan.requirements.back().id);
  }
  return plan;
}

TestResults read_test_results(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) fail(ExitCode::BadInput, "{}: cannot be read", file);
  std::stringstream text;
  text << in.rdbuf();
  const std::string xml = text.str();
  if (xml.find("<testsuite") == std::string::npos || xml.find("</testsuite>") == std::string::npos)
    fail(ExitCode::BadInput,
         "{}: no JUnit file, or one that is cut off: expected what ctest --output-junit writes", file);
  TestResults results;
  for (std::size_t at = 0; (at = xml.find("<testcase ", at)) != std::string::npos;) {
    const std::size_t end = xml.find('>', at);
    if (end == std::string::npos) break;
    const std::string tag = xml.substr(at, end - at), status = xml_attribute(tag, "status");
    results[xml_attribute(tag, "name")] = status == "run"    ? "passed"
                                          : status == "fail" ? "failed"
                                                             : "skipped";
    at = end;
  }
  if (results.empty()) fail(ExitCode::BadInput, "{}: no test in it", file);
  return results;
}

std::vector<PlanRow> evaluate(const VerificationPlan& plan, const Database& db, const TestResults& tests) {
  std::vector<PlanRow> rows;
  for (const Requirement& requirement : plan.requirements) {
    PlanRow row;
    row.requirement = &requirement;
    std::set<BinId> bins;
    for (const std::string& name : requirement.bins) {
      coverage::Tally& own = row.items.emplace_back(name, coverage::Tally{}).second;
      for (const BinId bin : db.model().bins_under(name)) {
        own.add(db, bin);
        bins.insert(bin);
      }
    }
    std::set<std::size_t> failures;
    for (const BinId bin : bins) {
      row.tally.add(db, bin);
      if (db.is_hole(bin)) row.holes.push_back(bin);
      failures.insert(db.failures(bin).begin(), db.failures(bin).end());
    }
    for (const std::size_t i : failures)  // UNVERIFIED failed nothing
      if (db.cases()[i].record.verdict != to_string(ExitCode::Unverified)) row.failures.push_back(i);
    row.examples = examples_of(db, {bins.begin(), bins.end()});
    row.state = state_of(row, tests);
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace assay::app
