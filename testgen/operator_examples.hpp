// A small problem of every operator, in any element type: what `assay operators` and docs/operators.md are
// made from.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "testgen/case_arguments.hpp"

namespace assay::testgen {

// Nothing for an operator without an example. The type is that of the operator's main operands.
std::optional<CaseArguments> operator_example(std::string_view op, DType type);

// The element types of the operator's main operands for which there is a problem. Throws Error(Error) for an
// operator without an example.
std::vector<DType> problem_types(std::string_view op);

}  // namespace assay::testgen
