// assay run: one case - from the command line, a YAML file or ONNX test data - executed and judged.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <memory>
#include <optional>

#include "app/case/case_run.hpp"
#include "app/case/laws.hpp"
#include "app/case_options.hpp"
#include "app/coverage/case_coverage.hpp"
#include "app/debug/debug_options.hpp"
#include "app/verbs.hpp"
#include "isa/command.hpp"
#include "ops/user/user_operator.hpp"
#include "report/summary.hpp"
#include "testgen/case_arguments.hpp"
#include "testgen/case_yaml.hpp"
#include "testgen/user_case.hpp"

namespace assay::app {
namespace {

constexpr std::uint64_t kMostCycles = 1'000'000'000'000'000;  // SystemC time ends at 1.8e16

struct Options {
  testgen::CaseArguments arguments;
  std::string case_file, onnx_folder, kernel, break_law, coverage;
  std::vector<std::string> goldens, relations;
  bool no_values = false, no_sanitizer = false, json = false, commands = false, critical_path = false,
       explain = false, counters = false;
  bool simulate_what_if = false;
  std::vector<std::string> what_if;
  std::uint64_t max_cycles = 0, quantum = 1000, jitter = 0;
  DebugOptions debug;
  std::vector<const CLI::Option*> describing;  // options that describe a case: not beside a file
};

// A file brings its own case: beside it only the machine may be chosen, for ONNX data.
void refuse_mixture(const Options& o) {
  if (o.case_file.empty() && o.onnx_folder.empty()) {
    if (o.arguments.op.empty()) fail(ExitCode::Usage, "run: name an operator, or give --case or --onnx-case");
    return;
  }
  const std::string file = o.case_file.empty() ? "--onnx-case" : "--case";
  refuse_case_options("run", o.describing, file, file == "--onnx-case" ? "--config" : "");
  if (!o.case_file.empty() && !o.onnx_folder.empty())
    fail(ExitCode::Usage, "run: --case and --onnx-case exclude each other");
}

std::vector<testgen::RecordedCase> read_onnx(const Options& o) {
  try {
    return testgen::read_onnx_cases(o.onnx_folder);
  } catch (const Error& error) {
    if (error.code() != ExitCode::Unsupported || o.kernel.empty()) throw;
    fail(error.code(),
         "{}; for a kernel of your own name the folder in a YAML file (key onnx) and give --case",
         error.what());
  }
}

void print_commands(const sim::RunResult& run) {
  fmt::print("{:>6} {:<11} {:>10} {:>10} {:>10}  pc\n", "id", "command", "issued", "start", "end");
  for (const sim::CommandRecord& record : run.log)
    fmt::print("{:>6} {:<11} {:>10} {:>10} {:>10}  {:#x}\n", record.id,
               isa::to_string(isa::instruction_of(record.command)), record.issued.count(),
               record.start.count(), record.end.count(), record.pc);
}

// To standard error, so that results stay parsable; a kernel's control characters do not reach a terminal.
void print_kernel_line(const std::string& line) {
  std::string text;
  for (const char c : line) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7f) text += fmt::format("\\x{:02x}", byte);
    else text += c;
  }
  std::fputs(("kernel: " + text + "\n").c_str(), stderr);
}

RunOptions run_options(const Options& o) {
  RunOptions run;
  run.goldens = o.goldens;
  run.relations = o.relations;
  run.kernel = o.kernel;
  run.break_law = o.break_law;
  run.critical_path = o.critical_path;
  run.explain = o.explain;
  run.what_if = o.what_if;
  run.simulate_what_if = o.simulate_what_if;
  run.counters = o.counters;
  run.values = !o.no_values;
  run.quantum = Cycle(o.quantum);
  run.sanitize = !o.no_sanitizer;
  run.jitter = o.jitter;
  run.on_line = print_kernel_line;
  if (o.commands) run.observe = print_commands;
  if (o.max_cycles > 0) run.max_cycles = Cycle(o.max_cycles);
  return run;
}

std::vector<CaseInput> read_cases(const Options& o) {
  std::vector<CaseInput> cases;
  if (!o.onnx_folder.empty()) {
    for (const testgen::RecordedCase& recorded : read_onnx(o)) {
      cases.push_back(from_recorded(recorded, o.arguments.config));
      cases.back().reproduce =
          fmt::format("assay run --onnx-case {} --config {}", testgen::shell_quoted(o.onnx_folder),
                      testgen::shell_quoted(o.arguments.config));
    }
  } else if (const auto user = o.case_file.empty() ? std::nullopt : testgen::read_user_cases(o.case_file)) {
    for (const testgen::RecordedCase& recorded : user->cases) {
      cases.push_back(from_recorded(recorded, recorded.c.config));
      cases.back().tolerance = user->tolerance;
      cases.back().reproduce = "assay run --case " + testgen::shell_quoted(o.case_file);
    }
  } else {
    const testgen::Case c = o.case_file.empty() ? testgen::case_from_arguments(o.arguments)
                                                : testgen::read_case_yaml(o.case_file);
    cases.push_back(o.no_values ? without_values(c) : generated(c));
  }
  if (cases.empty()) fail(ExitCode::NothingSelected, "run: {} holds no test data set", o.onnx_folder);
  for (CaseInput& input : cases) {
    input.reproduce += reproduce_options(run_options(o));
    if (o.kernel.empty() && input.c.problem.op == ops::user_operator().name())
      fail(ExitCode::Usage, "run: {}: no operator of Assay; name the kernel that computes it with --kernel",
           o.case_file);
  }
  return cases;
}

// The worse of two verdicts decides the exit code: any failure outranks PASS and UNVERIFIED.
ExitCode worse(ExitCode a, ExitCode b) {
  if (a == ExitCode::Pass) return b;
  if (a == ExitCode::Unverified && b != ExitCode::Pass) return b;
  return a;
}

ExitCode report_missing(const std::vector<std::string>& lines) {
  std::fflush(stdout);
  for (const std::string& line : lines) std::fputs(("assay: run: " + line + "\n").c_str(), stderr);
  return lines.empty() ? ExitCode::Pass : ExitCode::Usage;
}

ExitCode run(const Options& o) {
  refuse_mixture(o);
  if (!o.break_law.empty()) find_law(o.break_law);
  ExitCode worst = ExitCode::Pass;
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  const std::vector<CaseInput> cases = read_cases(o);
  check(o.debug, {o.json, !o.no_values, cases.size()});
  std::optional<coverage::RecordFile> records;
  std::optional<CaseCoverage> coverage;
  if (!o.coverage.empty()) {  // before the work, so that none is lost
    coverage.emplace(coverage_model());
    records.emplace(o.coverage);
  }
  for (const CaseInput& input : cases) {
    DebugSession debug(o.debug, input);
    RunOptions options = run_options(o);
    options.observers = debug.observers();
    if (coverage) coverage->watch(input, options);
    const report::CaseResult result = run_case(input, options);
    if (coverage) records->append(coverage->record(input, result));
    worst = worse(worst, result.verdict);
    if (o.json) all.push_back(report::to_json(result));
    else fmt::print("{}", report::to_text(result));
    worst = worse(worst, report_missing(debug.finish()));
  }
  if (o.json) fmt::print("{}\n", json_text(all.size() == 1 ? all[0] : all));
  return worst;
}

constexpr const char* kExamples =
    "Examples:\n"
    "  assay run gemm --m 512 --n 512 --k 512 --dtype bf16 --config server128\n"
    "  assay run gemm --m 5 --n 7 --k 9 --dtype f16 --mode bits --data special --config edge16\n"
    "  assay run matmul --input A:f32:2x3x4 --input B:f32:4x5 --json\n"
    "  assay run add --input A:f16:64x1x300 --input B:f16:7x1 --mode bits\n"
    "  assay run conv --input X:bf16:1x64x56x56 --input W:bf16:64x64x3x3 --attr pads=1,1,1,1 --explain\n"
    "Inputs and attributes of an operator: assay run OPERATOR --help";

}  // namespace

void add_run(CLI::App& program, Action& action) {
  auto o = std::make_shared<Options>();
  CLI::App* verb = program.add_subcommand("run", "Run one case on the simulated core and judge its result");
  o->describing = add_case_options(*verb, o->arguments);
  verb->add_option("--case", o->case_file, "Read the case from a YAML file");
  verb->add_option("--onnx-case", o->onnx_folder,
                   "Read cases from a folder with model.onnx and test_data_set_*");
  verb->add_option("--kernel", o->kernel,
                   "Run this ELF in place of the operator's own kernel (docs/user-kernel.md)");
  verb->add_option("--golden", o->goldens,
                   "Judges: strict, cpu, dnnl, ort, cuda, recorded, all, none; default by mode")
      ->delimiter(',');
  CLI::Option* relations =
      verb->add_option("--relations", o->relations,
                       "Judge by metamorphic relations besides: all, or names (assay relations)")
          ->delimiter(',')
          ->allow_extra_args(false);
  verb->add_flag("--no-values", o->no_values, "Timing alone: the same cycles, no verdict (exit code 10)")
      ->excludes(relations);
  verb->add_option("--max-cycles", o->max_cycles,
                   "Watchdog; default 1000 x the attainable cycles + 500 million")
      ->check(CLI::Range(std::uint64_t{1}, kMostCycles));
  verb->add_option("--quantum", o->quantum,
                   "Cycles the host may run ahead; changes neither results nor cycles")
      ->check(CLI::Range(std::uint64_t{1}, kMostCycles))
      ->capture_default_str();
  verb->add_flag("--no-sanitizer", o->no_sanitizer, "Do not look for races, unwritten reads and the like");
  CLI::Option* jitter =
      verb->add_option("--jitter", o->jitter,
                       "Seed of random extra latencies, to shake a kernel; 0 (default): none. Changes cycles")
          ->check(whole_number<std::uint64_t>);
  verb->add_flag(
      "--explain", o->explain,
      "Print the kernel's plan, and the cycles that the cost model predicts beside the simulated ones");
  verb->add_flag("--critical-path", o->critical_path,
                 "Say what the run's time consists of, from its end back to its start (docs/accounting.md)");
  CLI::Option* what_if = verb->add_option("--what-if", o->what_if,
                                          "Predict the cycles with KEY=VALUE or KEY=xFACTOR, several by "
                                          "commas; repeatable (docs/accounting.md)")
                             ->excludes(jitter)
                             ->allow_extra_args(false);
  verb->add_flag("--simulate-what-if", o->simulate_what_if,
                 "Run that machine too, with the same plan of the kernel")
      ->needs(what_if);
  verb->add_flag("--counters", o->counters,
                 "Print the performance events (docs/counters.md); JSON: counters");
  verb->add_option("--coverage", o->coverage,
                   "Append what the case covers to this file (docs/coverage.md); several runs may share it");
  verb->add_option("--break-law", o->break_law,
                   "Falsify the books so that this law (docs/accounting.md) is broken: shows its check");
  CLI::Option* json = verb->add_flag("--json", o->json, "Print JSON");
  verb->add_flag("--commands", o->commands, "List every AI command with its cycles")->excludes(json);
  add_debug_options(*verb, o->debug);
  verb->footer([o] { return inputs_and_attributes(o->arguments.op) + kExamples; });
  verb->callback([o, &action] { action = [o] { return run(*o); }; });
}

}  // namespace assay::app
