// Inside golden/ only: the list of backends, and the check that all of them begin with.
#pragma once

#include <vector>

#include "golden/backend.hpp"

namespace assay::golden {

const Backend& strict_backend();
const Backend& cpu_backend();
const Backend& dnnl_backend();

// The problem with its outputs filled; throws what Backend::evaluate promises.
ops::Problem checked_problem(const Backend& backend, const ops::Problem& problem,
                             const std::vector<Tensor>& inputs);
// What the only output of a checked problem is: name, dtype, shape and tolerance; no values yet.
Expected describe_output(const ops::Problem& checked);

}  // namespace assay::golden
