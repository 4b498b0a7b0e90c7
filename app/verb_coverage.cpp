// assay coverage: what recorded cases have covered, what is left, and what would fill it.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "app/case_options.hpp"
#include "app/coverage/case_coverage.hpp"
#include "app/coverage/coverage_page.hpp"
#include "app/coverage/holes.hpp"
#include "app/debug/output_file.hpp"
#include "app/verbs.hpp"
#include "testgen/coverage/database.hpp"

namespace assay::app {
namespace {

struct Options {
  std::vector<std::string> files;
  std::string bin, page, under;
  bool holes = false, list = false, json = false, no_fill = false;
  int tries = 200;
  std::uint64_t seed = 1;
};

using coverage::BinId;
using coverage::Database;
using coverage::GroupTally;
using coverage::Model;
using coverage::Tally;

Database read(const Options& o) {
  Database database(coverage_model());
  for (const std::string& file : o.files) database.read(file);
  database.finish();
  if (database.cases().empty()) fail(ExitCode::NothingSelected, "coverage: no record in the files given");
  return database;
}

std::string fraction(const Tally& t) { return fmt::format("{}/{}", t.hit, t.reachable); }

void print_table(const Database& db) {
  const Model& model = db.model();
  const std::vector<GroupTally> tallies = coverage::tally_groups(db);
  Tally points, crosses;
  fmt::print("records   {} cases, {} of them PASS{}\n", db.cases().size(), db.passed(),
             db.duplicates() > 0
                 ? fmt::format("; {} records were of a case that is there already", db.duplicates())
                 : "");
  fmt::print("{:<26} {:>11} {:>11} {:>8} {:>12}\n", "covergroup", "points", "crosses", "percent",
             "unreachable");
  for (std::size_t g = 0; g < tallies.size(); ++g) {
    Tally both = tallies[g].points;
    both += tallies[g].crosses;
    fmt::print("{:<26} {:>11} {:>11} {:>7.1f}% {:>12}\n", model.groups()[g].name, fraction(tallies[g].points),
               tallies[g].crosses.reachable > 0 ? fraction(tallies[g].crosses) : "-", both.percent(),
               both.unreachable);
    points += tallies[g].points;
    crosses += tallies[g].crosses;
  }
  Tally all = points;
  all += crosses;
  fmt::print("{:<26} {:>11} {:>11} {:>7.1f}% {:>12}\n", "all", fraction(points), fraction(crosses),
             all.percent(), all.unreachable);
  fmt::print("holes     {} of {} bins; --holes lists them, with a case for each that a case can fill\n",
             all.reachable - all.hit, all.reachable);
}

// What is wrong with the records or the model, to standard error.
ExitCode report_trouble(const Database& db) {
  std::fflush(stdout);
  constexpr std::size_t kNamed = 5;
  std::size_t named = 0;
  for (const auto& [name, count] : db.unknown()) {
    if (++named > kNamed) break;
    fmt::print(stderr, "assay: coverage: bin '{}' of {} records is not in the model any more\n", name, count);
  }
  if (db.unknown().size() > kNamed)
    fmt::print(stderr, "assay: coverage: and {} more bins that are not in the model\n",
               db.unknown().size() - kNamed);
  for (const std::string& key : db.disagreeing())
    fmt::print(stderr, "assay: coverage: records disagree about the verdict; the worst one counts: {}\n",
               key.substr(0, key.find('\n')));
  ExitCode code = ExitCode::Pass;
  for (const BinId bin : db.wrongly_unreachable()) {
    fmt::print(stderr, "assay: coverage: bin '{}' is said to be unreachable ({}), and is hit: {}\n",
               db.model().bins()[bin].name, db.model().bins()[bin].unreachable,
               db.cases()[db.hits(bin).front()].record.reproduce);
    code = ExitCode::Error;
  }
  return code;
}

void print_holes(const std::vector<Hole>& holes) {
  for (const Hole& h : holes) {
    fmt::print("{}\n  asks  {}\n", h.name, h.asks);
    if (!h.line.empty()) fmt::print("  fill  {}\n", h.line);
    if (!h.hint.empty()) fmt::print("  hint  {}\n", h.hint);
    if (!h.near.empty()) fmt::print("  near  {}\n", h.near);
  }
  std::size_t filled = 0;
  for (const Hole& h : holes) filled += h.line.empty() ? 0 : 1;
  fmt::print("{} holes, {} of them with a case that fills it\n", holes.size(), filled);
}

nlohmann::ordered_json tally_json(const Tally& t) {
  return {{"hit", t.hit}, {"reachable", t.reachable}, {"unreachable", t.unreachable}};
}

nlohmann::ordered_json json_of(const Database& db) {
  nlohmann::ordered_json groups = nlohmann::ordered_json::array();
  const std::vector<GroupTally> tallies = coverage::tally_groups(db);
  Tally points, crosses;
  for (std::size_t g = 0; g < tallies.size(); ++g) {
    groups.push_back({{"group", db.model().groups()[g].name},
                      {"points", tally_json(tallies[g].points)},
                      {"crosses", tally_json(tallies[g].crosses)}});
    points += tallies[g].points;
    crosses += tallies[g].crosses;
  }
  nlohmann::ordered_json unknown = nlohmann::ordered_json::object();
  for (const auto& [name, count] : db.unknown()) unknown[name] = count;
  nlohmann::ordered_json wrong = nlohmann::ordered_json::array();
  for (const BinId bin : db.wrongly_unreachable()) wrong.push_back(db.model().bins()[bin].name);
  return {{"cases", db.cases().size()}, {"passed", db.passed()},        {"duplicates", db.duplicates()},
          {"bins", db.model().size()},  {"points", tally_json(points)}, {"crosses", tally_json(crosses)},
          {"groups", groups},           {"unknown", unknown},           {"wrongly_unreachable", wrong}};
}

ExitCode print_bin(const Options& o) {
  const Database db = read(o);
  const BinId bin = db.model().bin(o.bin);
  const coverage::BinInfo& info = db.model().bins()[bin];
  nlohmann::ordered_json json{
      {"bin", info.name}, {"asks", db.model().ask_text(bin)}, {"unreachable", info.unreachable}};
  for (const auto& [key, list] : {std::pair{"hit", &db.hits(bin)}, std::pair{"failed", &db.failures(bin)}}) {
    json[key] = nlohmann::ordered_json::array();
    for (const std::size_t i : *list) {
      const coverage::Record& r = db.cases()[i].record;
      json[key].push_back({{"id", r.id}, {"verdict", r.verdict}, {"reproduce", r.reproduce}});
    }
  }
  if (o.json) {
    fmt::print("{}\n", json_text(json));
    return report_trouble(db);
  }
  fmt::print("bin       {}\nasks      {}\n", info.name, db.model().ask_text(bin));
  if (!info.unreachable.empty()) fmt::print("unreachable: {}\n", info.unreachable);
  fmt::print("hit by    {} cases that passed\n", db.hits(bin).size());
  for (const char* key : {"hit", "failed"})
    for (const auto& c : json[key])
      fmt::print("{}  {}  {}\n", c["id"].get<std::string>(), c["verdict"].get<std::string>(),
                 c["reproduce"].get<std::string>());
  return report_trouble(db);
}

ExitCode print_model(const Options& o) {
  const Model& model = coverage_model();
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (BinId bin = 0; bin < model.size(); ++bin) {
    const coverage::BinInfo& info = model.bins()[bin];
    if (o.json)
      rows.push_back({{"bin", info.name},
                      {"asks", model.ask_text(bin)},
                      {"cross", info.of_cross},
                      {"unreachable", info.unreachable}});
    else
      fmt::print("{}  {}{}\n", info.name, model.ask_text(bin),
                 info.unreachable.empty() ? "" : "  unreachable: " + info.unreachable);
  }
  if (o.json) fmt::print("{}\n", json_text(rows));
  else
    fmt::print("{} bins, {} of them in crosses, in {} covergroups\n", model.size(), model.cross_bins(),
               model.groups().size());
  return ExitCode::Pass;
}

std::vector<Hole> holes_of(const Options& o, const Database& db) {
  HoleOptions options;
  options.under = o.under;
  options.tries = o.no_fill ? 0 : o.tries;
  options.seed = o.seed;
  if (isatty(STDERR_FILENO) != 0)
    options.progress = [](std::size_t done, std::size_t all) {
      fmt::print(stderr, "\rlooking for cases: hole {} of {} ", done + 1, all);
      if (done + 1 == all) std::fputs("\r\033[K", stderr);
    };
  return find_holes(db, options);
}

ExitCode run(const Options& o) {
  if (o.list) {
    if (!o.files.empty()) fail(ExitCode::Usage, "coverage: --list prints the model: no records beside it");
    return print_model(o);
  }
  if (o.files.empty())
    fail(ExitCode::Usage, "coverage: name files of records (assay run ... --coverage FILE), or --list");
  if (!o.bin.empty()) return print_bin(o);
  std::unique_ptr<OutputFile> page;
  if (!o.page.empty()) page = std::make_unique<OutputFile>(o.page);
  const Database db = read(o);
  std::vector<Hole> holes;
  if (o.holes || page) holes = holes_of(o, db);
  if (page) {
    page->write(coverage_page(db, holes));
    page->commit();
  }
  if (o.json) {
    nlohmann::ordered_json json = json_of(db);
    if (o.holes) {
      json["holes"] = nlohmann::ordered_json::array();
      for (const Hole& h : holes)
        json["holes"].push_back(
            {{"bin", h.name}, {"asks", h.asks}, {"fill", h.line}, {"hint", h.hint}, {"near", h.near}});
    }
    fmt::print("{}\n", json_text(json));
  } else if (o.holes) {
    print_holes(holes);
  } else {
    print_table(db);
  }
  return report_trouble(db);
}

}  // namespace

void add_coverage(CLI::App& program, Action& action) {
  auto o = std::make_shared<Options>();
  CLI::App* verb = program.add_subcommand("coverage", "What recorded cases have covered, and what is left");
  verb->add_option("FILES", o->files, "Records of assay run --coverage, in any number and order");
  CLI::Option* holes =
      verb->add_flag("--holes", o->holes, "List every hole, with a case or a hint that fills it");
  verb->add_option("--under", o->under, "Holes of this group, point or cross alone (gemm, gemm/m)")
      ->needs(holes);
  verb->add_option("--tries", o->tries, "Cases to draw for a hole at most")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  verb->add_option("--seed", o->seed, "Of these draws")
      ->check(whole_number<std::uint64_t>)
      ->capture_default_str();
  verb->add_flag("--no-fill", o->no_fill, "Look for no cases");
  CLI::Option* bin = verb->add_option("--bin", o->bin, "Which cases hit this bin")->excludes(holes);
  verb->add_flag("--list", o->list, "Print the model: every bin, and what it asks for")
      ->excludes(holes)
      ->excludes(bin);
  verb->add_flag("--json", o->json, "Print JSON");
  verb->add_option("-o,--output", o->page, "Write an HTML page")->excludes(bin);
  verb->footer(
      "Examples:\n"
      "  assay run gemm --m 17 --n 33 --k 5 --config edge16 --mode bits --coverage records.jsonl\n"
      "  assay coverage records.jsonl --holes --under gemm\n"
      "  assay coverage night-1.jsonl night-2.jsonl -o coverage.html");
  verb->callback([o, &action] { action = [o] { return run(*o); }; });
}

}  // namespace assay::app
