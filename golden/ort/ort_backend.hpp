// What golden/backend.cpp asks of the ONNX Runtime golden besides its operators.
#pragma once

#include <optional>
#include <string>

#include "golden/backend.hpp"

namespace assay::golden {

// Whether node and the package are there.
std::optional<Unavailable> ort_unavailable();
// Empty where ONNX Runtime takes this problem of an operator that has a row in the table.
std::string ort_limits(const ops::Problem& problem);

}  // namespace assay::golden
