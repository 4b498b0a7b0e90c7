#include "app/case/case_run.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "app/case/ceilings.hpp"
#include "app/case/explain.hpp"
#include "app/case/findings.hpp"
#include "app/case/judge.hpp"
#include "app/case/laws.hpp"
#include "app/case/path.hpp"
#include "app/case/what_if.hpp"
#include "app/metamorphic/judge_relations.hpp"
#include "base/machine_yaml.hpp"
#include "base/suggest.hpp"
#include "golden/backend.hpp"
#include "ops/user/user_operator.hpp"
#include "report/summary.hpp"
#include "sim/events.hpp"
#include "sim/platform.hpp"
#include "sim/provenance.hpp"
#include "sim/what_if.hpp"

namespace assay::app {
namespace {

// A kernel that needs more than this many times the roof's cycles is taken for a runaway.
constexpr std::uint64_t kRunawayFactor = 1000;
constexpr std::uint64_t kRunawayBase = 500'000'000;

void describe_case(const CaseInput& input, report::CaseResult& result) {
  result.id = testgen::case_id(input.c);
  result.text = testgen::canonical_text(input.c);
  result.config = input.c.config;
  result.source = input.source;
  result.reproduce = input.reproduce;
}

void note_hypothetical(const ops::Work& work, const Machine& machine, report::CaseResult& result) {
  const std::vector<DType>& types = machine.mxu.hypothetical;
  for (const ops::MatrixProducts& p : work.products)
    if (std::find(types.begin(), types.end(), p.operand) != types.end())
      result.notes.push_back(fmt::format("{} is hypothetical on {}: the real machine lacks it",
                                         to_string(p.operand), machine.name));
}

void record_run(const sim::RunResult& run, report::CaseResult& result) {
  result.cycles = run.cycles.count();
  result.host_instructions = run.instructions;
  result.commands = run.log.size();
  result.macs_executed = run.mxu.macs;
  result.macs_padding = run.mxu.macs_padding;
  result.elements_executed = run.vxu.elements;
  result.bytes_moved = (run.bytes_read() + run.bytes_written()).count();
  result.memory = {run.hbm.row_hits(),  run.hbm.activates, run.hbm.refreshes,
                   run.hbm.turnarounds, run.hbm.forwarded, {}};
  for (std::size_t i = 0; i < memory::kDramLosses; ++i)
    result.memory.clocks.emplace_back(memory::to_string(static_cast<memory::DramLoss>(i)), run.hbm.clocks[i]);
  for (const sim::UnitAccount& account : run.accounts) {
    report::UnitCycles unit{account.unit, {}};
    for (std::size_t o = 0; o < core::kOwners; ++o) {
      const auto owner = static_cast<core::Owner>(o);
      if (account.ledger.of(owner) > Cycle(0))
        unit.owners.emplace_back(core::to_string(owner), account.ledger.of(owner).count());
    }
    result.accounting.push_back(std::move(unit));
  }
  if (!run.uart.empty()) result.notes.push_back("kernel output: " + run.uart);
  if (run.uart_not_kept > 0)
    result.notes.push_back(fmt::format("kernel output beyond {} bytes is not kept: {} more were printed",
                                       run.uart.size(), run.uart_not_kept));
}

std::vector<report::Counter> counters_of(const sim::RunResult& run) {
  std::vector<report::Counter> counters;
  for (const sim::Event& event : sim::all_events())
    counters.push_back({event.number, std::string(event.name), std::string(event.unit),
                        std::string(event.meaning), *sim::count_of(event.number, run)});
  return counters;
}

void set_verdict(report::CaseResult& result, ExitCode verdict, const std::string& message) {
  result.verdict = verdict;
  result.message = message;
}

// False where the kernel decides the verdict: it did wrong, did not end as it should, or gave up.
bool judge_kernel(const Execution& execution, report::CaseResult& result) {
  const sim::RunResult& run = execution.run;
  if (run.outcome == sim::Outcome::watchdog && run.findings.empty()) {
    set_verdict(result, ExitCode::Watchdog, run.message + "; --max-cycles sets the limit");
    return false;
  }
  if (run.outcome == sim::Outcome::ended) {
    set_verdict(result, ExitCode::Unverified, run.message);
    return false;
  }
  if (!result.findings.empty()) {
    const report::Finding& first = result.findings[0];  // the sanitizer's, or how the run ended
    set_verdict(result, ExitCode::Error,
                run.findings.empty() ? first.name + ": " + first.text : report::to_line(first));
    return false;
  }
  if (run.kernel_status == ASSAY_STATUS_NO_CAPACITY)
    set_verdict(result, ExitCode::Unsupported,
                fmt::format("no tiling fits the memories of {}", result.config));
  else if (run.kernel_status == ASSAY_STATUS_NO_SEMAPHORES)
    set_verdict(result, ExitCode::Unsupported,
                fmt::format("the kernel needs more semaphores than {} has (sync.semaphores)", result.config));
  else if (run.kernel_status != 0)
    set_verdict(result, ExitCode::Error, fmt::format("the kernel gave up with status {}", run.kernel_status));
  if (run.kernel_status != 0) return false;
  if (!execution.unwritten.empty()) set_verdict(result, ExitCode::Fail, execution.unwritten);
  return execution.unwritten.empty();
}

bool judge_laws(const Books& books, report::CaseResult& result) {
  const std::vector<std::string> broken = broken_laws(books);
  if (!broken.empty())
    set_verdict(result, ExitCode::Error, fmt::format("law broken: {}", fmt::join(broken, "; ")));
  return broken.empty();
}

std::vector<report::WhatIf> answer_what_if(const CaseInput& input, const RunOptions& options,
                                           const Machine& machine, const sim::RunResult& run) {
  std::vector<report::WhatIf> answers;
  for (const std::string& change : options.what_if) {
    const Machine other = changed_machine(machine, change);
    const Cycle predicted = sim::retime(run, machine, other).value_or(Cycle(0));
    report::WhatIf& answer = answers.emplace_back(report::WhatIf{change, predicted.count(), 0, ""});
    if (!options.simulate_what_if) continue;
    RunOptions there;
    there.kernel = options.kernel;
    there.values = run.depends_on_values;
    there.sanitize = false;
    there.described = &machine;
    const sim::RunResult simulated = execute(input, other, there, run.cycles * kRunawayFactor).run;
    if (simulated.outcome == sim::Outcome::halted) answer.simulated = simulated.cycles.count();
    else answer.ended = simulated.message;
  }
  return answers;
}

// Whether the golden takes the case: its operator or, as ONNX Runtime can, the model that came with it.
bool takes(const golden::Backend& backend, const CaseInput& input) {
  if (backend.name() == "ort" && input.model)
    return golden::ort_model_limits(*input.model, input.c.problem).empty();
  return backend.supports(input.c.problem);
}

// Golden ort knows nothing of operator "user" but a model.
void check_model(const CaseInput& input) {
  if (input.c.problem.op != ops::user_operator().name()) return;
  if (!input.model)
    fail(ExitCode::Usage,
         "golden 'ort': this case came without an ONNX model, which says what the kernel computes");
  const std::string limits = golden::ort_model_limits(*input.model, input.c.problem);
  if (!limits.empty()) fail(ExitCode::Unsupported, "golden ort: {}", limits);
}

void check_goldens(const CaseInput& input, const std::vector<std::string>& goldens) {
  std::vector<std::string> known{"all", "recorded", "none"};
  for (const golden::Backend* backend : golden::all_backends()) known.emplace_back(backend->name());
  for (const std::string& name : goldens) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      fail(ExitCode::Usage, "unknown golden '{}'; {}", name, expected_one_of(name, known));
    if ((name == "none" || name == "all") && goldens.size() > 1)
      fail(ExitCode::Usage, "golden '{}' stands alone", name);
    if (name == "none" || name == "recorded") continue;
    if (name == "ort") check_model(input);
    if (input.c.mode == golden::Mode::Bits && name != "strict" &&
        is_float(input.c.problem.outputs.at(0).dtype))
      fail(ExitCode::Usage, "golden '{}' does not define bits; --mode bits is judged by strict", name);
    if (const auto missing = golden::find_backend(name).unavailable())  // before anything is simulated
      fail(missing->code, "golden {}: {}", name, missing->why);
  }
}

// What `all` stands for: every golden that this computer has and that takes the problem; in bits mode strict
// alone defines floats.
std::vector<std::string> every_golden(const CaseInput& input) {
  const bool bits = input.c.mode == golden::Mode::Bits && is_float(input.c.problem.outputs.at(0).dtype);
  std::vector<std::string> names;
  for (const golden::Backend* backend : golden::all_backends())
    if ((!bits || backend->name() == "strict") && !backend->unavailable() && takes(*backend, input))
      names.emplace_back(backend->name());
  if (!input.recorded.empty()) names.emplace_back("recorded");
  return names.empty() ? default_goldens(input) : names;  // whose errors say what is missing
}

std::vector<std::string> chosen_goldens(const CaseInput& input, const RunOptions& options) {
  if (options.goldens.empty())
    return options.values ? default_goldens(input) : std::vector<std::string>{"none"};
  if (options.goldens == std::vector<std::string>{"all"}) return every_golden(input);
  return options.goldens;
}

void judge_values(const CaseInput& input, const std::vector<std::string>& goldens, const Execution& execution,
                  report::CaseResult& result) {
  if (goldens.size() == 1 && goldens[0] == "none")
    return set_verdict(result, ExitCode::Unverified, "no golden was asked for");
  const auto& outputs = input.c.problem.outputs;
  if (std::all_of(outputs.begin(), outputs.end(), ops::is_empty)) {
    result.notes.emplace_back("the output is empty: nothing to compute, and nothing to compare");
    return set_verdict(result, ExitCode::Pass, "");
  }
  const Judgement j = judge(input, execution.outputs, goldens);
  result.goldens = j.verdicts;
  result.notes.insert(result.notes.end(), j.notes.begin(), j.notes.end());
  if (j.first_bad >= 0) {
    const std::uint64_t element = size_of(execution.outputs[j.bad_output].dtype);
    const std::uint64_t offset =
        execution.output_offsets[j.bad_output] + static_cast<std::uint64_t>(j.first_bad) * element;
    for (const std::string& line : sim::trace_byte(execution.run.log, execution.kernel, offset))
      result.notes.push_back("written by " + line);
  }
  if (!j.suite_error.empty()) return set_verdict(result, ExitCode::Error, j.suite_error);
  if (!j.passed) return set_verdict(result, ExitCode::Fail, "the result differs from its golden");
  set_verdict(result, ExitCode::Pass, "");
}

// Broken ones fail what the goldens accept, or were not asked about.
void judge_by_relations(const CaseInput& input, const RunOptions& options, const Execution& execution,
                        report::CaseResult& result) {
  result.relations =
      judge_relations(input, execution.outputs, options, chosen_relations(input.c, options.relations));
  for (const report::RelationVerdict& verdict : result.relations) {
    const bool decides = result.verdict == ExitCode::Pass || result.verdict == ExitCode::Unverified;
    if (verdict.outcome == report::RelationVerdict::Outcome::Broken && decides)
      set_verdict(result, ExitCode::Fail,
                  fmt::format("relation {} is broken: {}", verdict.relation, verdict.message));
  }
}

}  // namespace

Cycle runaway(const report::Roofline& roofline) {
  return Cycle(roofline.attainable * kRunawayFactor + kRunawayBase);
}

CaseInput without_values(const testgen::Case& c) {
  return {c, {}, {}, testgen::policy_of(c), {}, "", testgen::reproduce_line(c)};
}

CaseInput generated(const testgen::Case& c) {
  testgen::require_memory(c.problem, "; --no-values times it without");
  return {c, testgen::make_inputs(c), {}, testgen::policy_of(c), {}, "", testgen::reproduce_line(c)};
}

CaseInput from_recorded(const testgen::RecordedCase& recorded, const std::string& config) {
  CaseInput input{recorded.c, recorded.inputs, recorded.outputs, recorded.policy, {}, recorded.name,
                  "",         recorded.model};
  input.c.config = config;
  return input;
}

std::string reproduce_options(const RunOptions& options) {
  std::string text;
  if (!options.kernel.empty()) text += " --kernel " + testgen::shell_quoted(options.kernel);
  if (!options.goldens.empty()) text += fmt::format(" --golden {}", fmt::join(options.goldens, ","));
  if (!options.relations.empty()) text += fmt::format(" --relations {}", fmt::join(options.relations, ","));
  if (!options.values) text += " --no-values";
  if (!options.sanitize) text += " --no-sanitizer";
  if (options.jitter > 0) text += fmt::format(" --jitter {}", options.jitter);
  if (options.max_cycles) text += fmt::format(" --max-cycles {}", options.max_cycles->count());
  if (!options.break_law.empty()) text += " --break-law " + testgen::shell_quoted(options.break_law);
  return text;
}

std::vector<std::string> default_goldens(const CaseInput& input) {
  std::vector<std::string> names;
  const bool bits = input.c.mode == golden::Mode::Bits;
  for (const char* name : bits ? std::vector<const char*>{"strict"} : std::vector<const char*>{"cpu", "dnnl"})
    if (golden::find_backend(name).supports(input.c.problem)) names.emplace_back(name);
  if (!input.recorded.empty()) names.emplace_back("recorded");
  else if (input.model) names.emplace_back("ort");  // nothing else says what the model computes
  return names;
}

report::CaseResult run_case(const CaseInput& input, const RunOptions& options) {
  const Machine machine = find_machine(input.c.config);
  const ops::Operator& op = ops::find_operator(input.c.problem.op);
  const ops::Work work =
      input.inputs.empty() ? op.work(input.c.problem) : op.work_of(input.c.problem, input.inputs);
  const std::vector<std::string> goldens = chosen_goldens(input, options);
  check_goldens(input, goldens);
  if (!options.relations.empty())
    chosen_relations(input.c, options.relations);  // names what is wrong with them

  report::CaseResult result;
  describe_case(input, result);
  result.freq_mhz = machine.freq_mhz;
  result.macs_declared = work.macs;
  result.elements_declared = work.vector_elements;
  result.scalar_operations = work.scalar_operations;
  result.bytes_compulsory = (work.compulsory_read + work.compulsory_written).count();
  result.roofline = ceilings(work, machine);
  result.work_declared = ops::declares_work(input.c.problem);
  note_hypothetical(work, machine, result);

  for (const std::string& change : options.what_if)
    changed_machine(machine, change);  // names what is wrong with it
  Execution execution =
      execute(input, machine, options, options.max_cycles.value_or(runaway(result.roofline)));
  const Books books{execution.run, result.roofline, work, result.work_declared, machine};
  if (!options.break_law.empty()) find_law(options.break_law).falsify(execution.run, books);
  if (options.observe) options.observe(execution.run);
  if (options.executed) options.executed(execution, machine);
  record_run(execution.run, result);
  result.sanitized = options.sanitize;
  result.findings = describe_findings(execution.run, execution.kernel);
  result.losses = losses(result, execution.run);
  if (!options.values && execution.run.depends_on_values) {
    set_verdict(result, ExitCode::Unsupported,
                "--no-values: the kernel's control reads tensor values (or a gather does)");
    return result;
  }
  if (!judge_kernel(execution, result) || !judge_laws(books, result)) return result;
  result.what_if = answer_what_if(input, options, machine, execution.run);
  if (options.explain) {
    const Layout layout =
        lay_out(input.c.problem, ops::find_operator(input.c.problem.op).pack(input.c.problem), machine);
    result.explanation = explain(input.c.problem, work, layout, machine, execution.run);
  }
  if (options.critical_path) result.critical_path = describe_path(execution.run, machine, execution.kernel);
  if (options.counters) result.counters = counters_of(execution.run);
  if (!options.values) set_verdict(result, ExitCode::Unverified, "timing alone (--no-values)");
  else judge_values(input, goldens, execution, result);
  if (!options.relations.empty()) judge_by_relations(input, options, execution, result);
  return result;
}

}  // namespace assay::app
