#include "app/debug/debug_options.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <set>

#include "ops/operator.hpp"
#include "sim/source_lines.hpp"

namespace assay::app {
namespace {

constexpr std::uint64_t kMostCycles = 1'000'000'000'000'000;  // SystemC time ends at 1.8e16

// Of the debugger's connection; standard output belongs to the result, or to the debugger.
void say(const std::string& line) { std::fputs(("assay: " + line + "\n").c_str(), stderr); }

std::string kernel_of(const CaseInput& input) {
  const ops::Problem& problem = input.c.problem;
  return kernel_path(ops::find_operator(problem.op).pack(problem).kernel);
}

void refuse_shared_files(const DebugOptions& o) {
  std::set<std::string> files{o.trace};
  for (const std::string& dump : o.dumps) {
    const std::string file = parse_dump(dump).file;
    if (!file.empty() && !files.insert(file).second)
      fail(ExitCode::Usage, "run: --dump {}: something else is written to {} already", dump, file);
  }
}

}  // namespace

void add_debug_options(CLI::App& verb, DebugOptions& o) {
  const std::string group = "Debugging (docs/debugging.md)";
  CLI::Option* trace = verb.add_flag("--trace-instructions{-}", o.trace,
                                     "Trace every host instruction and AI command: "
                                     "--trace-instructions=FILE; default: standard output")
                           ->group(group);
  verb.add_option("--trace-from", o.trace_from, "First cycle to trace")
      ->needs(trace)
      ->check(CLI::Range(std::uint64_t{0}, kMostCycles))
      ->group(group);
  verb.add_option("--trace-to", o.trace_to, "Last cycle to trace")
      ->needs(trace)
      ->check(CLI::Range(std::uint64_t{0}, kMostCycles))
      ->group(group);
  verb.add_option("--dump", o.dumps,
                  "WHAT[/DTYPE][@COMMAND][:FIRST+COUNT][=FILE]: show spm, acc or a tensor right after a "
                  "command, or at the end. FIRST+COUNT: bytes, of a tensor elements; FILE.npy, FILE.bin or "
                  "text. May be repeated")
      ->take_all()
      ->expected(1)
      ->group(group);
  verb.add_option("--gdb", o.gdb,
                  "Wait for GDB and let it control the host: [HOST:]PORT, unix:PATH, or - for standard input "
                  "and output (gdb: target remote | assay run ... --gdb -)")
      ->group(group);
}

void check(const DebugOptions& o, const RunKind& kind) {
  if (!o.any()) return;
  if (kind.cases > 1)
    fail(ExitCode::Usage,
         "run: --trace-instructions, --dump and --gdb look into one run; there are {} data sets", kind.cases);
  if (o.trace_from > o.trace_to)
    fail(ExitCode::Usage, "run: --trace-from {} lies behind --trace-to {}", o.trace_from, o.trace_to);
  if (!kind.values && !o.dumps.empty())
    fail(ExitCode::Usage, "run: --dump needs values; --no-values computes none");
  refuse_shared_files(o);
  if (!kind.json) return;
  if (o.trace == "-")
    fail(ExitCode::Usage, "run: with --json a trace needs a file: --trace-instructions=FILE");
  for (const std::string& dump : o.dumps)
    if (parse_dump(dump).file.empty())
      fail(ExitCode::Usage, "run: with --json a dump needs a file: --dump {}=FILE", dump);
}

DebugSession::DebugSession(const DebugOptions& o, const CaseInput& input) {
  if (!o.trace.empty()) {
    trace_file_ = std::make_unique<OutputFile>(o.trace);
    trace_ = std::make_unique<sim::InstructionTrace>(
        sim::load_elf(kernel_of(input)),
        sim::InstructionTrace::Options{Cycle(o.trace_from), Cycle(o.trace_to)},
        [this](const std::string& line) { trace_file_->write(line + '\n'); });
  }
  if (!o.dumps.empty()) dumper_ = std::make_unique<Dumper>(o.dumps, input);
  if (o.gdb.empty()) return;
  const auto announce = [](const std::string& where) {
    say(fmt::format("waiting for a debugger (target remote {})", where));
  };
  auto lines = std::make_shared<sim::SourceLines>(kernel_of(input));
  gdb_ = std::make_unique<sim::GdbServer>(sim::open_transport(o.gdb, announce), say,
                                          [lines](std::uint64_t pc) { return lines->text_at(pc); });
}

std::vector<sim::Observer*> DebugSession::observers() {
  std::vector<sim::Observer*> all;
  if (trace_) all.push_back(trace_.get());
  if (dumper_) all.push_back(dumper_.get());
  if (gdb_) all.push_back(gdb_.get());
  return all;
}

std::vector<std::string> DebugSession::finish() {
  if (trace_file_) trace_file_->commit();
  auto missing = dumper_ ? dumper_->finish() : std::vector<std::string>();
  std::fflush(stdout);
  if (gdb_) gdb_->close();
  return missing;
}

}  // namespace assay::app
