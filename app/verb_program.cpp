// assay program: random instruction programs against the reference machine.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "app/case_options.hpp"
#include "app/coverage/case_coverage.hpp"
#include "app/coverage/coverage_log.hpp"
#include "app/coverage/run_features.hpp"
#include "app/debug/output_file.hpp"
#include "app/program/judge.hpp"
#include "app/program/statistics.hpp"
#include "app/verbs.hpp"
#include "base/machine_yaml.hpp"
#include "core/host/disassemble.hpp"
#include "isa/encoding.hpp"
#include "testgen/program/elf_file.hpp"
#include "testgen/program/program_yaml.hpp"
#include "testgen/program/random_program.hpp"
#include "testgen/program/shrink_program.hpp"
#include "testgen/random.hpp"

namespace assay::app {
namespace {

using namespace program;
namespace tp = testgen::program;

struct Options {
  tp::RandomOptions random;
  std::uint64_t count = 100, jitter = 0;
  bool no_host = false, no_traps = false, plain_machine = false, no_sanitizer = false, json = false;
  std::string file, output = "-", config = "edge16", coverage;
  std::vector<std::string> set;
  int tries = 5000;
};

constexpr std::uint64_t kFewestCommands = 32;

tp::RandomOptions random_options(const Options& o, std::uint64_t index) {
  tp::RandomOptions r = o.random;
  r.seed = o.random.seed + index;
  r.host_code = !o.no_host;
  r.traps = !o.no_traps;
  r.vary_machine = !o.plain_machine;
  return r;
}

ExecuteOptions execute_options(const Options& o) {
  ExecuteOptions e;
  e.jitter = o.jitter;
  e.sanitize = !o.no_sanitizer;
  return e;
}

// What host code says, for people.
std::string in_words(const tp::HostCode& code) {
  std::string text;
  for (const std::uint32_t word : code.words) {
    const auto ai = isa::disassemble(word);
    text += (text.empty() ? "" : "; ") + (ai ? *ai : core::disassemble(word, 0));
  }
  return text;
}

void write_file(OutputFile& file, const tp::Program& p, const std::string& reproduce) {
  file.write("# " + reproduce + "\n" + tp::write_program(p, in_words));
  file.commit();
}

bool is_finding(const Difference& d) {
  const auto& kinds = sim::all_finding_kinds();
  return std::any_of(kinds.begin(), kinds.end(),
                     [&](sim::FindingKind k) { return sim::to_string(k) == d.kind; });
}

ExitCode code_of(const std::optional<Difference>& d) {
  if (!d) return ExitCode::Pass;
  return is_finding(*d) ? ExitCode::Error : ExitCode::Fail;
}

std::string draw_line(const Options& o, std::uint64_t seed) {
  std::string line = fmt::format("assay program draw --seed {} --commands {} --config {}", seed,
                                 o.random.commands, o.random.config);
  if (o.no_host) line += " --no-host";
  if (o.no_traps) line += " --no-traps";
  if (o.plain_machine) line += " --plain-machine";
  return line;
}

std::string run_options_text(const Options& o) {
  std::string text;
  if (o.jitter != 0) text += fmt::format(" --jitter {}", o.jitter);
  if (o.no_sanitizer) text += " --no-sanitizer";
  return text;
}

// ------------------------------------------------------------------------------------------ draw, random

ExitCode draw(const Options& o) {
  OutputFile file(o.output);
  write_file(file, tp::random_program(random_options(o, 0)), draw_line(o, o.random.seed));
  return ExitCode::Pass;
}

// What a program covers of the machine; nothing where it does not halt.
coverage::Record covered(const Judged& judged, const tp::Program& p, const Options& o, std::uint64_t seed) {
  coverage::Sampler sampler(coverage_model());
  const sim::RunResult& run = judged.execution.result;
  if (run.outcome == sim::Outcome::halted) sample_run(run, tp::machine_of(p), sampler);
  const std::string line =
      draw_line(o, seed) + " -o p.yaml && assay program run p.yaml" + run_options_text(o);
  return record_of(sampler, fmt::format("{:016x}", testgen::hash(line)),
                   fmt::format("program of seed {}", seed), p.config, line, code_of(judged.difference));
}

ExitCode random(const Options& o) {
  Statistics statistics;
  std::optional<Difference> first;
  std::uint64_t seed = 0, different = 0;
  std::optional<CoverageLog> coverage;
  if (!o.coverage.empty()) coverage.emplace(o.coverage);
  for (std::uint64_t i = 0; i < o.count; ++i) {
    const tp::RandomOptions options = random_options(o, i);
    const tp::Program p = tp::random_program(options);
    const Judged judged = judge(p, tp::machine_of(p), execute_options(o));
    statistics.add(judged);
    if (coverage) coverage->add(covered(judged, p, o, options.seed));
    if (!judged.difference) continue;
    if (++different == 1) {
      first = judged.difference;
      seed = options.seed;
    }
  }
  const std::string reproduce = first ? fmt::format("{} -o p.yaml && assay program run p.yaml{}",
                                                    draw_line(o, seed), run_options_text(o))
                                      : "";
  if (o.json) {
    auto json = statistics.json();
    json["different"] = different;
    if (first)
      json["first"] = {
          {"seed", seed}, {"kind", first->kind}, {"text", first->text}, {"reproduce", reproduce}};
    fmt::print("{}\n", json_text(json));
    return code_of(first);
  }
  fmt::print("{}different {}\n", statistics.text(), different);
  if (first)
    fmt::print("first     seed {}: {}: {}\nreproduce {}\n", seed, first->kind, first->text, reproduce);
  return code_of(first);
}

// -------------------------------------------------------------------------------------------------- run

bool is_elf(const std::string& path) {
  return path.size() > 4 && path.compare(path.size() - 4, 4, ".elf") == 0;
}

tp::Program read(const Options& o) {
  if (!o.set.empty() || o.config != "edge16")
    fail(ExitCode::Usage, "program: {} names its machine itself; --config and --set are for a .elf", o.file);
  return tp::read_program(o.file);
}

ExitCode run_elf(const Options& o) {
  tp::Program machine;
  machine.config = o.config;
  for (const std::string& change : o.set) {
    const std::size_t equals = change.find('=');
    if (equals == std::string::npos) fail(ExitCode::Usage, "program: --set {}: expected NAME=VALUE", change);
    machine.set[change.substr(0, equals)] = change.substr(equals + 1);
  }
  const Machine whole = tp::machine_of(machine);
  const sim::ElfImage elf = sim::load_elf(o.file);
  sim::PlatformOptions options;
  options.jitter = o.jitter;
  options.sanitize = !o.no_sanitizer;
  sim::Platform platform(whole, options);
  platform.load(elf);
  const sim::RunResult result = platform.run();
  ExitCode code = result.kernel_status == 0 ? ExitCode::Pass : ExitCode::Fail;
  if (result.outcome == sim::Outcome::watchdog) code = ExitCode::Watchdog;
  else if (result.outcome != sim::Outcome::halted || !result.findings.empty()) code = ExitCode::Error;
  std::string message = result.message;
  if (message.empty() && !result.findings.empty())
    message = fmt::format("{}: {}", sim::to_string(result.findings[0].kind), result.findings[0].place);
  if (o.json) {
    fmt::print("{}\n", json_text({{"verdict", to_string(code)},
                                  {"outcome", sim::to_string(result.outcome)},
                                  {"status", result.kernel_status},
                                  {"cycles", result.cycles.count()},
                                  {"uart", result.uart},
                                  {"message", message}}));
    return code;
  }
  fmt::print("{}{}verdict   {}, {} cycles\n", result.uart, message.empty() ? "" : message + "\n",
             to_string(code), result.cycles.count());
  return code;
}

ExitCode run(const Options& o) {
  if (is_elf(o.file)) return run_elf(o);
  const tp::Program p = read(o);
  const Judged judged = judge(p, tp::machine_of(p), execute_options(o));
  const ExitCode code = code_of(judged.difference);
  Statistics statistics;
  statistics.add(judged);
  if (o.json) {
    auto json = statistics.json();
    json["verdict"] = to_string(code);
    json["cycles"] = judged.execution.result.cycles.count();
    if (judged.difference)
      json["difference"] = {{"kind", judged.difference->kind}, {"text", judged.difference->text}};
    fmt::print("{}\n", json_text(json));
    return code;
  }
  fmt::print("{}ending    {}{}\n", statistics.text(), sim::to_string(judged.execution.result.outcome),
             judged.execution.result.message.empty() ? "" : ": " + judged.execution.result.message);
  if (judged.difference) fmt::print("differs   {}: {}\n", judged.difference->kind, judged.difference->text);
  fmt::print("verdict   {}, {} cycles\n", to_string(code), judged.execution.result.cycles.count());
  return code;
}

// ------------------------------------------------------------------------------------- shrink, export

ExitCode shrink(const Options& o) {
  const tp::Program from = read(o);
  OutputFile file(o.output);  // before the work, so that none is lost
  const ExecuteOptions options = execute_options(o);
  std::optional<Difference> last = judge(from, tp::machine_of(from), options).difference;
  if (!last) fail(ExitCode::NothingSelected, "program: {} does not fail", o.file);
  const std::string kind = last->kind;
  const auto fails = [&](const tp::Program& p) {
    try {
      const auto difference = judge(p, tp::machine_of(p), options).difference;
      const bool alike = difference && difference->kind == kind;
      if (alike) last = difference;
      return alike;
    } catch (const Error&) {
      return false;
    }
  };
  const tp::Shrunk s = tp::shrink(from, fails, o.tries);
  const std::string reproduce =
      fmt::format("assay program run {}{}", o.output == "-" ? "FILE" : o.output, run_options_text(o));
  write_file(file, s.program, reproduce);
  if (o.output == "-") return ExitCode::Pass;
  const auto size = [](const tp::Program& p) {
    return fmt::format("{} commands, {} words of host code, {} chunks of memory", tp::count_commands(p),
                       tp::count_words(p), p.memory.size());
  };
  if (o.json) {
    fmt::print("{}\n", json_text({{"from", size(from)},
                                  {"shrunk", size(s.program)},
                                  {"kind", last->kind},
                                  {"why", last->text},
                                  {"tried", s.tried},
                                  {"kept", s.kept},
                                  {"complete", s.complete},
                                  {"reproduce", reproduce}}));
    return ExitCode::Pass;
  }
  fmt::print("from      {}\nshrunk    {}\nwhy       {}: {}\n", size(from), size(s.program), last->kind,
             last->text);
  fmt::print("programs  {} run, {} of them failed alike{}\nreproduce {}\n", s.tried, s.kept,
             s.complete ? "" : "; ended by --tries", reproduce);
  return ExitCode::Pass;
}

ExitCode export_elf(const Options& o) {
  const tp::Program p = read(o);
  const Machine machine = tp::machine_of(p);
  OutputFile file(o.output);
  tp::AssembleOptions options;
  options.self_checking = true;
  const Image image = tp::assemble(p, machine, options);
  file.write(tp::elf_file(image, p));
  file.commit();
  if (o.output == "-") return ExitCode::Pass;
  std::string line = fmt::format("assay program run {} --config {}", o.output, p.config);
  for (const auto& [name, value] : p.set) line += fmt::format(" --set {}='{}'", name, value);
  fmt::print("{}\n", line);
  return ExitCode::Pass;
}

void add_random_options(CLI::App& verb, Options& o) {
  verb.add_option("--seed", o.random.seed, "The programs' seeds: this one and those that follow")
      ->check(whole_number<std::uint64_t>)
      ->capture_default_str();
  verb.add_option("--commands", o.random.commands, "Launches of a program")
      ->check(CLI::Range(kFewestCommands, std::uint64_t{200}))
      ->capture_default_str();
  verb.add_option("--config", o.random.config, "The machine")->capture_default_str();
  verb.add_flag("--plain-machine", o.plain_machine, "As it is; otherwise its parameters vary");
  verb.add_flag("--no-host", o.no_host, "No host code between the commands");
  verb.add_flag("--no-traps", o.no_traps, "Neither traps nor runs that end other than well");
}

void add_run_options(CLI::App& verb, Options& o) {
  verb.add_option("--jitter", o.jitter, "Seed of random extra latencies, as of assay run")
      ->check(whole_number<std::uint64_t>);
  verb.add_flag("--no-sanitizer", o.no_sanitizer, "Compare results alone");
}

CLI::App* sub(CLI::App& program, const char* name, const char* what, const std::shared_ptr<Options>& o,
              Action& action, ExitCode (*act)(const Options&)) {
  CLI::App* verb = program.add_subcommand(name, what);
  verb->callback([o, act, &action] { action = [o, act] { return act(*o); }; });
  return verb;
}

}  // namespace

void add_program(CLI::App& program, Action& action) {
  auto o = std::make_shared<Options>();
  CLI::App* verb = program.add_subcommand("program", "Instruction programs against the reference machine");
  verb->require_subcommand(1);
  CLI::App* many =
      sub(*verb, "random", "Draw programs, run each on both machines, compare", o, action, random);
  add_random_options(*many, *o);
  add_run_options(*many, *o);
  many->add_option("--count", o->count, "Programs")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{10'000'000}))
      ->capture_default_str();
  many->add_option("--coverage", o->coverage,
                   "Append records of what is covered to this file, where it is new");
  many->add_flag("--json", o->json, "Print JSON");
  CLI::App* one = sub(*verb, "draw", "Write one random program as text", o, action, draw);
  add_random_options(*one, *o);
  one->add_option("-o,--output", o->output, "The file; - is standard output")->capture_default_str();
  CLI::App* runs =
      sub(*verb, "run", "Run a program (YAML), or one that judges itself (.elf)", o, action, run);
  runs->add_option("file", o->file, "The program")->required();
  runs->add_option("--config", o->config, "The machine of a .elf")->capture_default_str();
  runs->add_option("--set", o->set, "NAME=VALUE: a parameter of a .elf's machine");
  runs->add_flag("--json", o->json, "Print JSON");
  add_run_options(*runs, *o);
  CLI::App* small =
      sub(*verb, "shrink", "Make a failing program as small as it still fails", o, action, shrink);
  small->add_option("file", o->file, "The program")->required();
  small->add_option("-o,--output", o->output, "Where the small program goes")->required();
  small->add_option("--tries", o->tries, "Programs to run at most")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  small->add_flag("--json", o->json, "Print JSON");
  add_run_options(*small, *o);
  CLI::App* elf = sub(*verb, "export", "Write a program as an ELF that judges itself", o, action, export_elf);
  elf->add_option("file", o->file, "The program")->required();
  elf->add_option("-o,--output", o->output, "The ELF")->required();
  verb->footer("Example:\n  assay program random --seed 1 --count 100 --config tests/tiny4");
}

}  // namespace assay::app
