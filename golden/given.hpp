// Outputs that the user gives with a case, as a reference.
#pragma once

#include "base/tensor.hpp"
#include "golden/backend.hpp"

namespace assay::golden {

// |y - given| <= absolute + relative * |given|; both 0: bit for bit.
struct GivenTolerance {
  double relative = 0, absolute = 0;
};

Expected given_reference(const Tensor& given, const GivenTolerance& tolerance);

}  // namespace assay::golden
