// What golden/backend.cpp asks of the cuda golden besides its operators.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "golden/backend.hpp"

namespace assay::golden {

// NoDevice where this build or this computer lacks what the golden needs.
std::optional<Unavailable> cuda_unavailable();
// What made its values: the device, its compute capability, the CUDA of driver and build.
std::map<std::string, std::string> cuda_provenance();
// Empty where the kernels take this problem of an operator that has a row in the table.
std::string cuda_limits(const ops::Problem& problem);

}  // namespace assay::golden
