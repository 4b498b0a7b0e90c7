// What golden/backend.cpp asks of the oneDNN golden besides its operators.
#pragma once

#include <map>
#include <string>

#include "ops/operator.hpp"

namespace assay::golden {

// oneDNN's version.
std::map<std::string, std::string> dnnl_provenance();
// Empty where oneDNN takes this problem of an operator that has a row in the table, and is right.
std::string dnnl_limits(const ops::Problem& problem);

}  // namespace assay::golden
