// What the machine allows at most for a case.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/machine.hpp"
#include "ops/operator.hpp"
#include "report/result.hpp"
#include "sim/platform.hpp"

namespace assay::app {

// Throws Error(Unsupported) where the machine lacks an operand type.
report::Roofline ceilings(const ops::Work& work, const Machine& machine);

// The array's cycles for the shape in whole tiles, with the left operand, the right one or the results
// stationary.
enum class Stationary : std::uint8_t { left, right, results };
std::uint64_t array_cycles(const ops::MatrixProducts& products, Stationary stationary,
                           const Machine& machine);

// The binding resource's cycles beyond the roof's, by cause, largest first; together they are
// cycles - compute (or memory) floor.
std::vector<report::Loss> losses(const report::CaseResult& result, const sim::RunResult& run);

}  // namespace assay::app
