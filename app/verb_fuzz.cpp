// assay fuzz: random cases, run and judged until the count or the time is reached; failures are shrunk.
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <memory>

#include "app/case/campaign.hpp"
#include "app/case_options.hpp"
#include "app/coverage/coverage_log.hpp"
#include "app/debug/output_file.hpp"
#include "app/request_options.hpp"
#include "app/verbs.hpp"
#include "testgen/case_yaml.hpp"

namespace assay::app {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  RequestOptions request;
  std::vector<std::string> case_lists, goldens, relations;
  std::string corpus, coverage;
  std::optional<std::uint64_t> count;
  std::uint64_t jitter = 0;
  double minutes = 0;
  CampaignOptions campaign;
  bool json = false;
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::vector<testgen::Case> listed_cases(const Options& o) {
  std::vector<testgen::Case> cases;
  for (const std::string& file : o.case_lists) {
    const std::vector<testgen::Case> list = testgen::read_case_list(file);
    cases.insert(cases.end(), list.begin(), list.end());
  }
  if (cases.empty()) fail(ExitCode::NothingSelected, "fuzz: no cases in the lists");
  return cases;
}

// Those of the lists, or random ones without end.
NextCase source_of(const Options& o) {
  if (!o.case_lists.empty()) {
    auto cases = std::make_shared<std::vector<testgen::Case>>(listed_cases(o));
    return [cases, at = std::size_t{0}]() mutable -> std::optional<testgen::Case> {
      if (at == cases->size()) return std::nullopt;
      return (*cases)[at++];
    };
  }
  auto generator = std::make_shared<testgen::CaseGenerator>(request_of(o.request));
  return [generator]() -> std::optional<testgen::Case> { return generator->random(); };
}

std::string reproduce(const testgen::Case& c, const RunOptions& run) {
  return testgen::reproduce_line(c) + reproduce_options(run);
}

// A file of the corpus, named by what fails and by the case.
void keep(const FailureKind& kind, const Options& o) {
  std::string name =
      fmt::format("{}-{}-{}", kind.op, to_string(kind.failure.code), testgen::case_id(kind.small));
  for (char& letter : name) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  OutputFile file((std::filesystem::path(o.corpus) / (name + ".yaml")).string());
  file.write(corpus_yaml(kind.small, o.campaign.run, kind.message));
  file.commit();
}

void print_kind(const FailureKind& kind, const Options& o) {
  fmt::print("{:<9} {} (case {}): {}\n", to_string(kind.failure.code), testgen::canonical_text(kind.first),
             kind.first_number, kind.failure.finding);
  fmt::print("  shrunk  {}\n  why     {}\n  again   {}\n", testgen::canonical_text(kind.small), kind.message,
             reproduce(kind.small, o.campaign.run));
  std::fflush(stdout);
}

nlohmann::ordered_json json_of(const CampaignResult& all, double seconds, const Options& o) {
  nlohmann::ordered_json kinds = nlohmann::ordered_json::array();
  for (const FailureKind& k : all.kinds)
    kinds.push_back({{"operator", k.op},
                     {"verdict", to_string(k.failure.code)},
                     {"finding", k.failure.finding},
                     {"cases", k.cases},
                     {"first_number", k.first_number},
                     {"first", testgen::canonical_text(k.first)},
                     {"shrunk", testgen::canonical_text(k.small)},
                     {"runs", k.tried},
                     {"why", k.message},
                     {"reproduce", reproduce(k.small, o.campaign.run)}});
  return {{"seed", o.request.seed},   {"cases", all.cases},         {"seconds", seconds},
          {"verdicts", all.verdicts}, {"operators", all.operators}, {"cycles", all.cycles},
          {"macs", all.macs},         {"failures", kinds}};
}

void print_summary(const CampaignResult& all, double seconds, const Options& o) {
  if (o.json) {
    fmt::print("{}\n", json_text(json_of(all, seconds, o)));
    return;
  }
  fmt::print("cases     {} in {:.1f} s ({:.1f} a second), {} operators, {:.3g} cycles, {:.3g} MACs\n",
             all.cases, seconds, static_cast<double>(all.cases) / std::max(seconds, 1e-9),
             all.operators.size(), static_cast<double>(all.cycles), static_cast<double>(all.macs));
  fmt::print("verdicts ");
  for (const auto& [verdict, count] : all.verdicts) fmt::print(" {} {}", count, verdict);
  fmt::print("\n");
  for (const FailureKind& kind : all.kinds)
    fmt::print("failed    {} x {} {} {}\n", kind.cases, kind.op, to_string(kind.failure.code),
               kind.failure.finding);
}

// The first failure's; where nothing was judged there is nothing to say.
ExitCode verdict_of(const CampaignResult& all) {
  if (!all.kinds.empty()) return all.kinds.front().failure.code;
  if (all.verdicts.count("PASS") == 0) return ExitCode::NothingSelected;
  return ExitCode::Pass;
}

ExitCode fuzz(Options& o) {
  if (std::isnan(o.minutes)) fail(ExitCode::Usage, "fuzz: --minutes: expected a number");
  if (!o.corpus.empty() && !std::filesystem::is_directory(o.corpus))
    fail(ExitCode::Usage, "fuzz: --corpus {}: no such folder", o.corpus);
  const bool random = o.case_lists.empty();
  if (random && !o.count && o.minutes == 0) o.count = 100;
  std::optional<CoverageLog> coverage;
  if (!o.coverage.empty()) o.campaign.coverage = &coverage.emplace(o.coverage);
  o.campaign.run.goldens = o.goldens;
  o.campaign.run.relations = o.relations;
  o.campaign.run.jitter = o.jitter;
  const NextCase source = source_of(o);
  const Clock::time_point start = Clock::now();
  std::uint64_t asked = 0;
  const auto next = [&]() -> std::optional<testgen::Case> {
    if (o.count && asked == *o.count) return std::nullopt;
    if (o.minutes > 0 && seconds_since(start) >= 60 * o.minutes) return std::nullopt;
    ++asked;
    return source();
  };
  const CampaignResult all = run_campaign(next, o.campaign, [&](const FailureKind& kind) {
    if (!o.corpus.empty()) keep(kind, o);
    if (!o.json) print_kind(kind, o);
  });
  print_summary(all, seconds_since(start), o);
  return verdict_of(all);
}

}  // namespace

void add_fuzz(CLI::App& program, Action& action) {
  auto o = std::make_shared<Options>();
  CLI::App* verb = program.add_subcommand("fuzz", "Run random cases, and shrink those that fail");
  add_request_options(*verb, o->request);
  verb->add_option("--count", o->count, "Cases at most; default 100 where no time is given")
      ->check(whole_number<std::uint64_t>);
  verb->add_option("--minutes", o->minutes, "Time at most")->check(CLI::Range(0.001, 1e6));
  CLI::Option* cases =
      verb->add_option("--cases", o->case_lists, "Run the cases of these YAML lists instead");
  for (const char* drawn : {"operators", "--config", "--mode", "--data", "--pin", "--seed"})
    cases->excludes(verb->get_option(drawn));
  verb->add_option("--corpus", o->corpus, "Write each shrunk failure into this folder");
  verb->add_option("--golden", o->goldens, "Judges, as of assay run")->delimiter(',');
  verb->add_option("--relations", o->relations, "Metamorphic relations that judge besides, as of assay run")
      ->delimiter(',');
  verb->add_option("--coverage", o->coverage,
                   "Append records of what is covered to this file, where it is new");
  verb->add_option("--jitter", o->jitter, "Seed of random extra latencies, as of assay run")
      ->check(whole_number<std::uint64_t>);
  verb->add_option("--max-failures", o->campaign.most_kinds, "Kinds of failures that end the run")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  verb->add_option("--tries", o->campaign.shrink_tries, "Cases to run at most while shrinking one")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  verb->add_flag("--json", o->json, "Print JSON");
  verb->footer(
      "Examples:\n"
      "  assay fuzz --minutes 10 --seed 20261122 --config edge16,server128 --corpus regressions/corpus\n"
      "  assay fuzz conv --count 500 --pin stride0=2\n"
      "  assay fuzz --cases regressions/corpus/*.yaml");
  verb->callback([o, &action] { action = [o] { return fuzz(*o); }; });
}

}  // namespace assay::app
