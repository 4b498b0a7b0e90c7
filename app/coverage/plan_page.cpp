// The verification plan as a page that a lead can read and sign.
#include <fmt/format.h>

#include <algorithm>

#include "app/coverage/coverage_page.hpp"
#include "app/coverage/verification_plan.hpp"

namespace assay::app {
namespace {

using coverage::BinId;
using coverage::Database;

constexpr std::size_t kHolesShown = 12, kFailuresShown = 10;

const char* class_of(PlanState state) {
  switch (state) {
    case PlanState::Failed: return "s-failed";
    case PlanState::Open: return "s-open";
    case PlanState::Partly: return "s-partly";
    default: return "s-done";
  }
}

std::string badge(PlanState state) {
  return fmt::format("<span class='state {}'>{}</span>", class_of(state), to_string(state));
}

std::string test_state(const TestResults& tests, const std::string& name) {
  const auto found = tests.find(name);
  return found == tests.end() ? "no result" : found->second;
}

std::map<PlanState, std::size_t> counts(const std::vector<PlanRow>& rows) {
  std::map<PlanState, std::size_t> count;
  for (const PlanRow& row : rows) ++count[row.state];
  return count;
}

std::string in_words(const std::vector<PlanRow>& rows) {
  std::string text;
  for (const auto& [state, count] : counts(rows))
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, to_string(state));
  return text;
}

std::string machines_of(const Database& db) {
  std::map<std::string, std::size_t> machines;
  for (const Database::Case& c : db.cases()) machines[c.record.config] += c.record.passed() ? 1 : 0;
  std::string text;
  for (const auto& [name, count] : machines)
    text += fmt::format("{}{} ({} cases passed)", text.empty() ? "" : ", ", name, count);
  return text;
}

std::string programs_of(const Database& db) {
  std::string text;
  for (const std::string& p : db.programs()) text += (text.empty() ? "" : ", ") + p;
  return text;
}

std::string tests_in_words(const TestResults& tests) {
  if (tests.empty()) return "not given (ctest --output-junit FILE, then --tests FILE)";
  std::size_t passed = 0, failed = 0;
  for (const auto& [name, result] : tests) {
    passed += result == "passed" ? 1 : 0;
    failed += result == "failed" ? 1 : 0;
  }
  return fmt::format("{} passed, {} failed, {} skipped", passed, failed, tests.size() - passed - failed);
}

std::string provenance(const VerificationPlan& plan, const Database& db, const TestResults& tests) {
  std::string rows;
  const auto add = [&](const char* name, const std::string& text) {
    rows += fmt::format("<tr><th>{}</th><td>{}</td></tr>", name, html_text(text));
  };
  add("Version", "assay " + programs_of(db));
  add("Machines", machines_of(db));
  add("Records", fmt::format("{} cases, {} passed, {} did not; {} to {}", db.cases().size(), db.passed(),
                             db.cases().size() - db.passed(), db.first_time(), db.last_time()));
  add("Coverage model",
      fmt::format("{} bins, {} of them in crosses", db.model().size(), db.model().cross_bins()));
  add("Tests", tests_in_words(tests));
  add("Plan", plan.file.substr(plan.file.rfind('/') + 1) +
                  fmt::format(", {} requirements", plan.requirements.size()));
  return "<table class=facts>" + rows + "</table>";
}

std::string summary(const std::vector<PlanRow>& rows) {
  std::string text =
      "<h2>Summary</h2><table><tr><th>Id</th><th>Requirement</th><th>Bins "
      "hit</th><th></th><th>State</th></tr>";
  for (const PlanRow& row : rows) {
    const Requirement& r = *row.requirement;
    text += fmt::format(
        "<tr><td class=id><a href='#{0}'>{0}</a></td><td>{1}</td><td "
        "class=n>{2}/{3}</td><td>{4}</td><td>{5}</td></tr>",
        html_text(r.id), html_text(r.text), row.tally.hit, row.tally.reachable, html_bar(row.tally.percent()),
        badge(row.state));
  }
  return text + "</table>";
}

std::string case_list(const Database& db, const std::vector<std::size_t>& cases, std::size_t most) {
  std::string text = "<ul>";
  for (std::size_t i = 0; i < std::min(most, cases.size()); ++i) {
    const coverage::Record& r = db.cases()[cases[i]].record;
    text += fmt::format("<li><span class='{}'>{}</span> <code>{}</code></li>", r.passed() ? "good" : "bad",
                        html_text(r.verdict), html_text(r.reproduce));
  }
  if (cases.size() > most) text += fmt::format("<li>and {} more</li>", cases.size() - most);
  return text + "</ul>";
}

std::string section(const PlanRow& row, const Database& db, const TestResults& tests) {
  const Requirement& r = *row.requirement;
  std::string bins, checks;
  for (const auto& [name, tally] : row.items)
    bins += fmt::format("<tr><td><code>{}</code></td><td class=n>{}/{}</td><td>{}</td><td>{}</td></tr>",
                        html_text(name), tally.hit, tally.reachable, html_bar(tally.percent()),
                        tally.unreachable > 0 ? fmt::format("{} unreachable", tally.unreachable) : "");
  for (const std::string& name : r.tests) {
    const std::string state = test_state(tests, name);
    checks += fmt::format("<li><code>{}</code> <span class='{}'>{}</span></li>", html_text(name),
                          state == "passed"   ? "good"
                          : state == "failed" ? "bad"
                                              : "dim",
                          state);
  }
  std::string text = fmt::format(
      "<section id='{0}'><h3>{0} {1}</h3><p class=lead>{2}</p><p class=dim>Specified in {3}</p>"
      "<table class=bins><tr><th>Covergroup, point or bin</th><th>Hit</th><th></th><th></th></tr>{4}</table>",
      html_text(r.id), badge(row.state), html_text(r.text), html_text(r.where), bins);
  if (!row.holes.empty()) {
    std::string list;
    for (std::size_t i = 0; i < std::min(kHolesShown, row.holes.size()); ++i)
      list +=
          fmt::format("<span class='bin hole'>{}</span>", html_text(db.model().bins()[row.holes[i]].name));
    if (row.holes.size() > kHolesShown)
      list += fmt::format(" and {} more: assay coverage --holes lists them", row.holes.size() - kHolesShown);
    text += fmt::format("<p>Not hit</p><div class=bins>{}</div>", list);
  }
  if (!row.failures.empty())
    text += "<p class=bad>Cases that failed</p>" + case_list(db, row.failures, kFailuresShown);
  if (!row.examples.empty())
    text += "<p>Cases, such as</p>" + case_list(db, row.examples, row.examples.size());
  return text + "<p>Tests</p><ul>" + checks + "</ul></section>";
}

constexpr const char* kStyle =
    "<style>.state{font:600 12px/1.4 system-ui;padding:1px "
    "7px;border-radius:9px;white-space:nowrap}.s-failed{background:#b3362a;color:#fff}"
    ".s-open{background:#e4e7eb;color:#52616f}.s-partly{background:#fdeec9;color:#7a5a00}.s-done{background:#"
    "cfead9;color:#17613a}"
    ".id{white-space:nowrap}.dim{color:#6b7985}section{margin-top:2rem;break-inside:avoid}table.bins{display:"
    "table;margin-left:0;width:auto}"
    "table.bins td,table.bins th{padding-right:1.4rem}.sign td{height:2.6rem;border-bottom:1px solid "
    "#52616f;width:33%}"
    ".sign th{border:0;font-weight:400}</style>";

}  // namespace

std::string plan_page(const VerificationPlan& plan, const std::vector<PlanRow>& rows, const Database& db,
                      const TestResults& tests) {
  std::string text =
      "<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport "
      "content='width=device-width'><title>" +
      html_text(plan.title) + "</title>" + std::string(page_style()) + kStyle + "</head><body>";
  text += fmt::format("<h1>{}</h1><p class=lead>{} requirements: {}.</p>", html_text(plan.title), rows.size(),
                      in_words(rows));
  text += provenance(plan, db, tests);
  text +=
      "<p class=dim>COVERED: every reachable bin is hit by a case whose compared verdict is PASS. VERIFIED: "
      "and every test is known "
      "to have passed. FAILED: a case that tried it, or a test, did not pass.</p>";
  text += summary(rows) + "<h2>Requirements</h2>";
  for (const PlanRow& row : rows) text += section(row, db, tests);
  text +=
      "<h2>Signature</h2><table "
      "class=sign><tr><td></td><td></td><td></td></tr><tr><th>Name</th><th>Date</th><th>Signature</th></tr></"
      "table>";
  return text + "</body></html>\n";
}

std::string plan_markdown(const VerificationPlan& plan, const std::vector<PlanRow>& rows, const Database& db,
                          const TestResults& tests) {
  std::string text = fmt::format("# {}\n\n{} requirements: {}.\n\n", plan.title, rows.size(), in_words(rows));
  text += fmt::format(
      "- version: assay {}\n- machines: {}\n- records: {} cases, {} passed; {} to {}\n- tests: {}\n\n",
      programs_of(db), machines_of(db), db.cases().size(), db.passed(), db.first_time(), db.last_time(),
      tests_in_words(tests));
  text += "| id | requirement | where | bins hit | state |\n| --- | --- | --- | --- | --- |\n";
  for (const PlanRow& row : rows)
    text += fmt::format("| {} | {} | {} | {}/{} | {} |\n", row.requirement->id, row.requirement->text,
                        row.requirement->where, row.tally.hit, row.tally.reachable, to_string(row.state));
  for (const PlanRow& row : rows) {
    text += fmt::format("\n## {}: {}\n\n{}\n\n", row.requirement->id, to_string(row.state),
                        row.requirement->text);
    for (const auto& [name, tally] : row.items)
      text += fmt::format("- `{}`: {}/{}\n", name, tally.hit, tally.reachable);
    for (const std::size_t i : row.failures)
      text += fmt::format("- {}: `{}`\n", db.cases()[i].record.verdict, db.cases()[i].record.reproduce);
    for (const std::size_t i : row.examples)
      text += fmt::format("- case: `{}`\n", db.cases()[i].record.reproduce);
    for (const std::string& name : row.requirement->tests)
      text += fmt::format("- test `{}`: {}\n", name, test_state(tests, name));
  }
  return text + "\nName, date, signature: ______________________________\n";
}

}  // namespace assay::app
