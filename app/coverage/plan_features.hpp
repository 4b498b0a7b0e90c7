// What a case's kernel did with its problem: its dataflow, blocks, how often it loaded its inputs.
#pragma once

#include "app/case/case_run.hpp"
#include "testgen/coverage/model.hpp"

namespace assay::app {

void declare_plan_features(coverage::Schema& schema);  // behind the features of cases
coverage::Features plan_features(const coverage::Schema& schema, const CaseInput& input,
                                 const Execution& execution, const Machine& machine);

}  // namespace assay::app
