// What a kernel's cost model goes by, beside what its run did: the array's cycles for the shape with each
// operand stationary, and how the run cut, placed and loaded what it multiplied.
#pragma once

#include <vector>

#include "app/case/layout.hpp"
#include "base/machine.hpp"
#include "ops/operator.hpp"
#include "report/result.hpp"
#include "sim/platform.hpp"

namespace assay::app {

report::Explanation explain(const ops::Problem& problem, const ops::Work& work, const Layout& layout,
                            const Machine& machine, const sim::RunResult& run);

}  // namespace assay::app
