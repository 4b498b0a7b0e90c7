// What the machine allows at most for a case.
#pragma once

#include <string>
#include <vector>

#include "base/machine.hpp"
#include "ops/operator.hpp"
#include "report/result.hpp"
#include "sim/platform.hpp"

namespace assay::app {

// Throws Error(Unsupported) where the machine lacks an operand type.
report::Roofline ceilings(const ops::Work& work, const Machine& machine);

// The binding resource's cycles beyond the roof's, by cause, largest first; together they are
// cycles - compute (or memory) floor.
std::vector<report::Loss> losses(const report::CaseResult& result, const sim::RunResult& run);

}  // namespace assay::app
