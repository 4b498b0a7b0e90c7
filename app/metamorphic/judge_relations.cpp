#include "app/metamorphic/judge_relations.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "app/case/ceilings.hpp"
#include "app/case/findings.hpp"
#include "base/machine_yaml.hpp"
#include "report/summary.hpp"

namespace assay::app {
namespace {

namespace meta = testgen::metamorphic;
using Outcome = report::RelationVerdict::Outcome;

// A follow-up's first output, or why there is none.
struct Ran {
  Tensor output;
  std::string refused;  // by operator, machine or kernel: it says nothing
  std::string wrong;    // what the kernel did wrong
};

std::string what_went_wrong(const Execution& execution) {
  const std::vector<report::Finding> findings = describe_findings(execution.run, execution.kernel);
  if (!execution.run.findings.empty()) return report::to_line(findings.at(0));
  if (execution.run.outcome != sim::Outcome::halted) return execution.run.message;
  if (execution.run.kernel_status != 0)
    return fmt::format("the kernel gave up with status {}", execution.run.kernel_status);
  return execution.unwritten;
}

bool is_refusal(std::uint64_t status) {
  return status == ASSAY_STATUS_NO_CAPACITY || status == ASSAY_STATUS_NO_SEMAPHORES;
}

RunOptions options_of(const CaseInput& source, const meta::FollowUp& run, const RunOptions& options) {
  RunOptions own;
  if (run.c.problem.op == source.c.problem.op) own.kernel = options.kernel;
  own.quantum = options.quantum;
  own.sanitize = options.sanitize;
  own.jitter = options.jitter;
  own.max_cycles = options.max_cycles;
  return own;
}

Ran run_follow_up(const CaseInput& source, const meta::FollowUp& run, const RunOptions& options) {
  Ran ran;
  try {
    testgen::require_memory(run.c.problem);
    CaseInput input{run.c, run.inputs, {}, {}, {}, "", ""};
    const Machine machine = find_machine(run.c.config);
    const ops::Work work = ops::find_operator(run.c.problem.op).work_of(run.c.problem, run.inputs);
    const Cycle watchdog = options.max_cycles.value_or(runaway(ceilings(work, machine)));
    Execution execution = execute(input, machine, options_of(source, run, options), watchdog);
    if (is_refusal(execution.run.kernel_status) && execution.run.findings.empty())
      ran.refused = fmt::format("no tiling fits the memories of {}", run.c.config);
    else if (ran.wrong = what_went_wrong(execution); ran.wrong.empty())
      ran.output = std::move(execution.outputs.at(0));
  } catch (const Error& error) {
    if (error.code() != ExitCode::Unsupported && error.code() != ExitCode::Infrastructure) throw;
    ran.refused = error.what();
  }
  return ran;
}

// One whose refusal leaves others to judge by.
void judge_runs(const CaseInput& input, const meta::FollowUps& derived, const RunOptions& options,
                report::RelationVerdict& verdict) {
  std::vector<Tensor> outputs;
  std::size_t judged = 0;
  for (const meta::FollowUp& run : derived.runs) {
    Ran ran = run_follow_up(input, run, options);
    if (!ran.wrong.empty()) {
      verdict.outcome = Outcome::Broken;
      verdict.message = fmt::format("{}: {}", run.what, ran.wrong);
      return;
    }
    if (!ran.refused.empty()) {
      verdict.message = fmt::format("{}: {}", run.what, ran.refused);
      if (!run.may_refuse) return;
    }
    judged += ran.refused.empty() ? 1 : 0;
    outputs.push_back(std::move(ran.output));
  }
  if (judged == 0) return;
  verdict.message = derived.difference(outputs);
  verdict.outcome = verdict.message.empty() ? Outcome::Held : Outcome::Broken;
}

report::RelationVerdict judge_relation(const CaseInput& input, const Tensor& output,
                                       const RunOptions& options, const meta::Relation& relation) {
  report::RelationVerdict verdict;
  verdict.relation = relation.name;
  verdict.outcome = Outcome::Refused;
  RunOptions alone = options;
  alone.relations = {verdict.relation};
  verdict.reproduce = testgen::reproduce_line(input.c) + reproduce_options(alone);
  if (!input.source.empty()) verdict.reproduce = input.reproduce;
  testgen::ElementRandom random = meta::random_of(relation, input.c);
  try {
    const meta::FollowUps derived = relation.derive({input.c, input.inputs, output}, random);
    verdict.what = derived.what;
    if (derived.runs.empty()) verdict.outcome = Outcome::Idle;
    else judge_runs(input, derived, options, verdict);
  } catch (const Error& error) {
    if (error.code() != ExitCode::Unsupported)
      fail(ExitCode::Error, "relation {} of {}: {}", relation.name, ops::to_string(input.c.problem),
           error.what());
    verdict.message = error.what();  // a case that no operator takes
  }
  return verdict;
}

}  // namespace

std::vector<const meta::Relation*> chosen_relations(const testgen::Case& c,
                                                    const std::vector<std::string>& names) {
  std::vector<const meta::Relation*> chosen;
  if (names == std::vector<std::string>{"all"}) {
    chosen = meta::relations_of(c);
    if (chosen.empty())
      fail(ExitCode::Unsupported, "no relation says anything of {}", ops::to_string(c.problem));
    return chosen;
  }
  for (const std::string& name : names) {
    if (name == "all") fail(ExitCode::Usage, "relations: 'all' stands alone");
    const meta::Relation& relation = meta::find_relation(name);
    if (!relation.applies_to(c))
      fail(ExitCode::Unsupported, "relation '{}' says nothing of {}", name, ops::to_string(c.problem));
    chosen.push_back(&relation);
  }
  return chosen;
}

std::vector<report::RelationVerdict> judge_relations(const CaseInput& input,
                                                     const std::vector<Tensor>& outputs,
                                                     const RunOptions& options,
                                                     const std::vector<const meta::Relation*>& relations) {
  std::vector<report::RelationVerdict> verdicts;
  for (const meta::Relation* relation : relations)
    verdicts.push_back(judge_relation(input, outputs.at(0), options, *relation));
  return verdicts;
}

}  // namespace assay::app
