// What the spec works out for the quick way of the convolution kernel (ops/conv/conv_resident.hpp).
#pragma once

#include "ops/conv/conv_args.h"
#include "ops/conv/conv_spec.hpp"

namespace assay::ops {

// All zero where the problem is none of those; `dataflow` as in assay_conv_attributes.
assay_conv_quick quick_words(const ConvForm& form, std::uint64_t dataflow);

}  // namespace assay::ops
