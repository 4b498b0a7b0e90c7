// Conversions between element types, to the bit: docs/numerics.md, "Conversions". Integer arithmetic on
// bit patterns throughout, so that neither compiler flags nor the processor's modes can change a result.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/dtype.hpp"

namespace assay::golden::strict {

inline constexpr std::uint32_t kCanonicalNan = 0x7FC00000;

std::uint32_t bits_of(float value);
float from_bits(std::uint32_t bits);
bool is_nan(float value);
float canonical(float value);  // a NaN becomes the canonical one; anything else is kept

float f32_from_f16(std::uint16_t bits);
float f32_from_bf16(std::uint16_t bits);
float f32_from_e4m3(std::uint8_t bits);
float f32_from_e5m2(std::uint8_t bits);
float f32_from_s32(std::int32_t value);
std::uint16_t f16_from_f32(float value);
std::uint16_t bf16_from_f32(float value);
// Beyond the largest finite value, infinity included: that value where it saturates, else NaN (e4m3) or
// infinity (e5m2).
std::uint8_t e4m3_from_f32(float value, bool saturate);
std::uint8_t e5m2_from_f32(float value, bool saturate);
// Round half to even, saturate, NaN gives 0.
std::int64_t integer_from_f32(float value, std::int64_t low, std::int64_t high);
std::int32_t s32_from_f32(float value);
std::int8_t s8_from_f32(float value);
std::uint8_t u8_from_f32(float value);

// Element `index` of dense storage of any type, as f32; an f32 element keeps its bits.
float load_f32(DType type, const std::byte* storage, std::size_t index);
// Element `index` of an integer type, widened.
std::int32_t load_s32(DType type, const std::byte* storage, std::size_t index);
// convert(value) into element `index`; to f32 it keeps the bits. `saturate`: of fp8.
void store_f32(DType type, float value, std::byte* storage, std::size_t index, bool saturate = true);

}  // namespace assay::golden::strict
