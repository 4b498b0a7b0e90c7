// Random valid problems of every operator, drawn from its space.
#pragma once

#include <string_view>

#include "ops/operator.hpp"
#include "testgen/operator_examples.hpp"
#include "testgen/random.hpp"
#include "testgen/space/sampler.hpp"

namespace assay::testgen {

// Main operands of that type. Pins as in parse_pins(). Throws Error(Usage) for a type that the operator does
// not take, and where nothing meets the pins; Error(Error) for an operator without a space.
ops::Problem random_problem(std::string_view op, DType type, Generator& random,
                            const SpaceLimits& limits = {}, const NamedPins& pins = {});

}  // namespace assay::testgen
