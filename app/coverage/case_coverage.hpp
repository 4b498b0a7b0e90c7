// Coverage of one case as it is run: samples of its problem, its tensors, its kernel's plan and the machine.
//
//   CaseCoverage coverage(coverage_model());
//   coverage.watch(options);                                    // before
//   const report::CaseResult result = run_case(input, options);
//   file.append(coverage.record(input, result));                // after
#pragma once

#include "app/case/case_run.hpp"
#include "testgen/coverage/coverage_record.hpp"
#include "testgen/coverage/model.hpp"

namespace assay::app {

// All features that this program samples, and the model that it ships ($ASSAY_COVERAGE_DIR, or the folder
// known since the build). Read once; throws Error(Usage) where the model is wrong.
const coverage::Schema& coverage_schema();
const coverage::Model& coverage_model();
std::string coverage_dir();

class CaseCoverage {
 public:
  explicit CaseCoverage(const coverage::Model& model) : sampler_(model) {}

  // `this` and `input` must outlive the run.
  void watch(const CaseInput& input, RunOptions& options);
  // Of the run that has ended; forgets it.
  coverage::Record record(const CaseInput& input, const report::CaseResult& result);

 private:
  coverage::Sampler sampler_;
};

// For runs that are no operator's case: what sampled, as a record.
coverage::Record record_of(const coverage::Sampler& sampler, const std::string& id, const std::string& text,
                           const std::string& config, const std::string& reproduce, ExitCode verdict);

}  // namespace assay::app
