// assay shrink: the smallest case that still fails as the given one does.
#include <fmt/format.h>

#include <memory>

#include "app/case/shrink_run.hpp"
#include "app/case_options.hpp"
#include "app/debug/output_file.hpp"
#include "app/verbs.hpp"
#include "testgen/case_yaml.hpp"
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

RunOptions run_options(const Options& o) {
  RunOptions run;
  run.kernel = o.kernel;
  run.goldens = o.goldens;
  run.relations = o.relations;
  run.jitter = o.jitter;
  run.sanitize = !o.no_sanitizer;
  return run;
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

ExitCode shrink_case(const Options& o) {
  const testgen::Case from = read_case(o);
  std::optional<OutputFile> file;  // before the work, so that none is lost
  if (!o.output.empty()) file.emplace(o.output);
  const RunOptions options = run_options(o);
  const ShrunkRun run = shrink_run(from, options, o.tries);
  if (!run.failure.failed())
    fail(ExitCode::NothingSelected, "shrink: the case does not fail: {}", testgen::canonical_text(from));
  if (file) {
    file->write(corpus_yaml(run.shrunk.c, options, run.small_message));
    file->commit();
  }
  print(o, from, run.shrunk, run.small_message);
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
