// Conversions between element types as the engines do them (docs/numerics.md, "Conversions").
//
// To fp32: exact, but for s32, which rounds to nearest even; NaNs keep their payload here and become
// canonical in the operation that follows. From fp32: round to nearest even, subnormals kept; beyond the
// type infinity, or its nearest integer; NaN the type's canonical NaN, or 0. fp32 to fp32 is a copy.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/dtype.hpp"

namespace assay::core {

void to_f32(DType from, const std::byte* source, float* out, std::size_t count);
void from_f32(DType to, const float* source, std::byte* out, std::size_t count);

// s8, u8 and s32 to s32.
void to_s32(DType from, const std::byte* source, std::int32_t* out, std::size_t count);

// Replaces every NaN by 0x7FC00000.
void canonicalize_nans(float* values, std::size_t count);

}  // namespace assay::core
