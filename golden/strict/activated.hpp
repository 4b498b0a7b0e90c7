// The activation of a product's sums to the bit.
#pragma once

#include "golden/activation.hpp"

namespace assay::golden::strict {

float activated(const Activation& a, float t);

}  // namespace assay::golden::strict
