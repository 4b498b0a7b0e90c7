// Element types as a device stores them, and their exact values in f32 (docs/numerics.md, "Types and NaN").
#pragma once

#include <cstdint>

#include "golden/cuda/kernels/platform.cuh"

namespace assay::golden::cuda::kernels {

struct F16 {
  std::uint16_t bits;
};
struct Bf16 {
  std::uint16_t bits;
};
struct E4m3 {
  std::uint8_t bits;
};
struct E5m2 {
  std::uint8_t bits;
};

// IEEE-like bits; without infinities only the pattern of all ones is no number.
template <int kExponent, int kFraction, bool kInfinities>
__device__ inline float widened(std::uint32_t bits) {
  constexpr std::uint32_t kBias = (1U << (kExponent - 1)) - 1, kOnes = (1U << kExponent) - 1;
  constexpr std::uint32_t kFractions = (1U << kFraction) - 1;
  const std::uint32_t exponent = bits >> kFraction & kOnes, fraction = bits & kFractions;
  const std::uint32_t sign = (bits >> (kExponent + kFraction)) << 31;
  if (exponent == kOnes && (kInfinities || fraction == kFractions))
    return __uint_as_float(sign | 0x7F800000U | fraction << (23 - kFraction));
  if (exponent != 0)
    return __uint_as_float(sign | (exponent + 127 - kBias) << 23 | fraction << (23 - kFraction));
  constexpr float kSmallest = 2.0F / static_cast<float>(1ULL << (kBias + kFraction));
  const float magnitude = static_cast<float>(fraction) * kSmallest;
  return sign != 0 ? -magnitude : magnitude;
}

__device__ inline float to_float(float x) { return x; }
__device__ inline float to_float(F16 x) { return widened<5, 10, true>(x.bits); }
__device__ inline float to_float(Bf16 x) { return __uint_as_float(std::uint32_t{x.bits} << 16); }
__device__ inline float to_float(E4m3 x) { return widened<4, 3, false>(x.bits); }
__device__ inline float to_float(E5m2 x) { return widened<5, 2, true>(x.bits); }

}  // namespace assay::golden::cuda::kernels
