// assay shrink: the smallest case that still fails as the given one does.
#include <fmt/format.h>

#include <memory>

#include "app/case/case_run.hpp"
#include "app/case_options.hpp"
#include "app/debug/output_file.hpp"
#include "app/verbs.hpp"
#include "testgen/case_yaml.hpp"
#include "testgen/shrink.hpp"
#include "testgen/user_case.hpp"

namespace assay::app {
namespace {

struct Options {
  testgen::CaseArguments arguments;
  std::vector<const CLI::Option*> describing;
  std::string case_file, kernel, output;
  std::vector<std::string> goldens, relations;
  std::uint64_t jitter = 0;
  int tries = 500;
  bool no_sanitizer = false, json = false;
};

testgen::Case read_case(const Options& o) {
  if (o.case_file.empty()) {
    if (o.arguments.op.empty()) fail(ExitCode::Usage, "shrink: name an operator, or give --case");
    return testgen::case_from_arguments(o.arguments);
  }
  refuse_case_options("shrink", o.describing, "--case");
  if (testgen::read_user_cases(o.case_file))
    fail(ExitCode::Unsupported, "shrink: {} brings its own tensors; cases of generated data can be shrunk",
         o.case_file);
  return testgen::read_case_yaml(o.case_file);
}

// How a run failed: its exit code, and what was found in its kernel, or the relation that is broken. Cases
// that fail alike have one cause, mostly.
struct Failure {
  ExitCode code = ExitCode::Pass;
  std::string finding;
  bool operator==(const Failure& other) const { return code == other.code && finding == other.finding; }
  bool failed() const { return code != ExitCode::Pass && code != ExitCode::Unverified; }
};

Failure failure_of(const report::CaseResult& result) {
  if (!result.findings.empty()) return {result.verdict, result.findings[0].name};
  for (const report::RelationVerdict& verdict : result.relations)
    if (verdict.outcome == report::RelationVerdict::Outcome::Broken)
      return {result.verdict, verdict.relation};
  return {result.verdict, ""};
}

RunOptions run_options(const Options& o) {
  RunOptions run;
  run.kernel = o.kernel;
  run.goldens = o.goldens;
  run.relations = o.relations;
  run.jitter = o.jitter;
  run.sanitize = !o.no_sanitizer;
  return run;
}

// A smaller case that takes ten times as long hangs, which is another failure, unless that is the one.
std::optional<Cycle> watchdog_of(const report::CaseResult& first) {
  if (first.verdict == ExitCode::Watchdog) return std::nullopt;
  return Cycle(10 * first.cycles + 1'000'000);
}

std::string reproduce(const Options& o, const testgen::Case& c) {
  return testgen::reproduce_line(c) + reproduce_options(run_options(o));
}

void print(const Options& o, const testgen::Case& from, const testgen::Shrunk& s, const std::string& why) {
  const std::string line = reproduce(o, s.c);
  if (o.json) {
    const nlohmann::ordered_json json{{"from", testgen::canonical_text(from)},
                                      {"shrunk", testgen::canonical_text(s.c)},
                                      {"why", why},
                                      {"tried", s.tried},
                                      {"kept", s.kept},
                                      {"complete", s.complete},
                                      {"reproduce", line}};
    fmt::print("{}\n", json_text(json));
    return;
  }
  fmt::print("from      {}\nshrunk    {}\n", testgen::canonical_text(from), testgen::canonical_text(s.c));
  fmt::print("why       {}\n", why);
  fmt::print("cases     {} run, {} of them failed alike{}\n", s.tried, s.kept,
             s.complete ? "" : "; ended by --tries");
  fmt::print("reproduce {}\n", line);
}

void write_yaml(const Options& o, const testgen::Shrunk& s, OutputFile& file) {
  file.write("# " + reproduce(o, s.c) + "\n" + testgen::write_case_yaml(s.c));
  file.commit();
}

ExitCode shrink_case(const Options& o) {
  const testgen::Case from = read_case(o);
  std::optional<OutputFile> file;  // before the work, so that none is lost
  if (!o.output.empty()) file.emplace(o.output);
  RunOptions options = run_options(o);
  report::CaseResult last = run_case(generated(from), options);
  const Failure failure = failure_of(last);
  if (!failure.failed())
    fail(ExitCode::NothingSelected, "shrink: the case does not fail: {}", testgen::canonical_text(from));
  options.max_cycles = watchdog_of(last);
  const testgen::Shrunk s = testgen::shrink(
      from,
      [&](const testgen::Case& c) {
        try {
          const report::CaseResult result = run_case(generated(c), options);
          const bool alike = failure_of(result) == failure;
          if (alike) last = result;
          return alike;
        } catch (const Error&) {
          return false;  // a case that cannot be run
        }
      },
      o.tries);
  if (file) write_yaml(o, s, *file);
  print(o, from, s, last.message);
  return ExitCode::Pass;
}

}  // namespace

void add_shrink(CLI::App& program, Action& action) {
  auto o = std::make_shared<Options>();
  CLI::App* verb = program.add_subcommand("shrink", "Make a failing case as small as it still fails");
  o->describing = add_case_options(*verb, o->arguments);
  verb->add_option("--case", o->case_file, "Read the case from a YAML file");
  verb->add_option("--kernel", o->kernel, "The kernel that fails, in place of the operator's own");
  verb->add_option("--golden", o->goldens, "Judges, as of assay run")->delimiter(',');
  verb->add_option("--relations", o->relations, "Metamorphic relations that judge besides, as of assay run")
      ->delimiter(',');
  verb->add_option("--jitter", o->jitter, "Seed of random extra latencies, as of assay run")
      ->check(whole_number<std::uint64_t>);
  verb->add_flag("--no-sanitizer", o->no_sanitizer, "Judge results alone");
  verb->add_option("--tries", o->tries, "Cases to run at most")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  verb->add_option("-o,--output", o->output, "Write the small case to this YAML file");
  verb->add_flag("--json", o->json, "Print JSON");
  verb->footer([o] {
    return inputs_and_attributes(o->arguments.op) +
           "Example:\n  assay shrink gemm --m 300 --n 200 --k 100 --kernel my.elf -o small.yaml";
  });
  verb->callback([o, &action] { action = [o] { return shrink_case(*o); }; });
}

}  // namespace assay::app
