// tanh, sigmoid, erf, GELU, SiLU, log2 and the roots, in place over n values: docs/numerics.md, "Smooth
// functions". Each is a few operations of binary64, exp2's table among them, and one rounding to f32.
#pragma once

#include <cstddef>

#include "isa/generated/commands.hpp"

namespace assay::core {

bool is_smooth(isa::VectorFunction function);
void apply_smooth(isa::VectorFunction function, float* t, std::size_t n);

}  // namespace assay::core
