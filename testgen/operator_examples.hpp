// A small problem of every operator, in any element type: what `assay operators` and docs/operators.md are
// made from.
#pragma once

#include <optional>

#include "testgen/case_arguments.hpp"

namespace assay::testgen {

// Nothing for an operator without an example. The type is that of the operator's main operands.
std::optional<CaseArguments> operator_example(std::string_view op, DType type);

}  // namespace assay::testgen
