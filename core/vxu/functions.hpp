// The functions f of a float pass, to the bit of docs/numerics.md ("Functions of the vector unit").
//
// In place over n values; NaNs stay NaNs and are made canonical by the pass. Integer arithmetic, single
// roundings and no libm: the same bits under every compiler flag.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "isa/generated/commands.hpp"

namespace assay::core {

// exp2's constants: 2^(i/128) in units of 2^-30, and the polynomial's in units of 2^-31 and 2^-25.
inline constexpr std::size_t kExp2Entries = 128;
extern const std::array<std::uint32_t, kExp2Entries> kExp2Table;
inline constexpr std::int32_t kExp2Linear = 1488523600;
inline constexpr std::int32_t kExp2Square = 8060664;

// clip's: fp32 bits, or s32 in an integer pass.
struct ClipBounds {
  std::uint32_t lo = 0, hi = 0;
};

void apply(isa::VectorFunction function, ClipBounds bounds, float* t, std::size_t n);
// identity, relu and clip.
void apply(isa::VectorFunction function, ClipBounds bounds, std::int32_t* t, std::size_t n);

// NaN wins, +0 > -0.
float larger(float a, float b);
float smaller(float a, float b);

}  // namespace assay::core
