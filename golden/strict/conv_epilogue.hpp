// What becomes of a convolution's sum: bias, residual, activation (docs/numerics.md, "Convolution").
#pragma once

#include <vector>

#include "golden/conv_operands.hpp"

namespace assay::golden::strict {

// Of output channel `channel`, element `at` of y; not yet converted.
float conv_epilogue(const ConvOperands& c, const std::vector<Tensor>& inputs, float acc, std::size_t channel,
                    std::size_t at);

}  // namespace assay::golden::strict
