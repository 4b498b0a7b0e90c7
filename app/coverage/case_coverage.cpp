#include "app/coverage/case_coverage.hpp"

#include "app/coverage/plan_features.hpp"
#include "app/coverage/run_features.hpp"
#include "base/data_folder.hpp"
#include "ops/user/user_operator.hpp"
#include "testgen/coverage/case_features.hpp"

namespace assay::app {
namespace {

using coverage::Scope;

}  // namespace

const coverage::Schema& coverage_schema() {
  static const coverage::Schema schema = [] {
    coverage::Schema s;
    coverage::declare_case_features(s);
    coverage::declare_tensor_features(s);
    declare_plan_features(s);
    declare_run_features(s);
    return s;
  }();
  return schema;
}

std::string coverage_dir() { return data_folder("ASSAY_COVERAGE_DIR", "coverage", ASSAY_COVERAGE_DIR); }

const coverage::Model& coverage_model() {
  static const coverage::Model model = coverage::Model::read(coverage_dir(), coverage_schema());
  return model;
}

// A user's own computation has no operator's features; the machine's, all the same.
void CaseCoverage::watch(const CaseInput& input, RunOptions& options) {
  sampler_.clear();
  options.executed = [this, &input](const Execution& execution, const Machine& machine) {
    if (execution.run.outcome != sim::Outcome::halted) return;
    const coverage::Schema& schema = sampler_.model().schema();
    sample_run(execution.run, machine, sampler_);
    if (input.c.problem.op == ops::user_operator().name()) return;
    sampler_.sample(Scope::Case, case_features(schema, input.c, machine));
    sampler_.sample(Scope::Plan, plan_features(schema, input, execution, machine));
    for (const Tensor& t : input.inputs)
      sampler_.sample(Scope::Tensor, tensor_features(schema, input.c, t, coverage::Role::Input));
    for (const Tensor& t : execution.outputs)
      sampler_.sample(Scope::Tensor, tensor_features(schema, input.c, t, coverage::Role::Output));
  };
}

coverage::Record CaseCoverage::record(const CaseInput& input, const report::CaseResult& result) {
  coverage::Record record =
      record_of(sampler_, result.id, result.text, input.c.config, input.reproduce, result.verdict);
  record.source = input.source;
  sampler_.clear();
  return record;
}

coverage::Record record_of(const coverage::Sampler& sampler, const std::string& id, const std::string& text,
                           const std::string& config, const std::string& reproduce, ExitCode verdict) {
  coverage::Record record{id,        text, config,        std::string(to_string(verdict)),
                          reproduce, "",   ASSAY_VERSION, coverage::utc_now(),
                          {}};
  for (const coverage::BinId bin : sampler.bins()) record.bins.push_back(sampler.model().bins()[bin].name);
  return record;
}

}  // namespace assay::app
