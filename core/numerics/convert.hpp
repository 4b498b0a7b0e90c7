// Conversions between element types as the engines do them (docs/numerics.md, "Conversions").
//
// To fp32 every conversion is exact. From fp32: round to nearest even, subnormals kept, overflow to
// infinity (e4m3: NaN), NaN to the type's canonical NaN.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/dtype.hpp"

namespace assay::core {

void to_f32(DType from, const std::byte* source, float* out, std::size_t count);
// Float types only. `saturate`: what overflows an fp8, infinity included, becomes its largest value.
void from_f32(DType to, const float* source, std::byte* out, std::size_t count, bool saturate = false);

// s8, u8 and s32 to s32, and back modulo the type's width.
void to_s32(DType from, const std::byte* source, std::int32_t* out, std::size_t count);
void from_s32(DType to, const std::int32_t* source, std::byte* out, std::size_t count);

// To s8, u8 or s32: rounded half to even (NaN: 0), plus `zero`, exactly, then saturated.
void quantise(DType to, const float* source, std::int32_t zero, std::byte* out, std::size_t count);

// Replaces every NaN by 0x7FC00000.
void canonicalize_nans(float* values, std::size_t count);

}  // namespace assay::core
