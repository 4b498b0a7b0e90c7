// Bit patterns, and values that find the corners of an arithmetic.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <random>

namespace assay::test {

inline std::uint32_t bits_of(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

inline float float_of(std::uint32_t bits) {
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

constexpr std::uint32_t kCanonicalNan = 0x7FC00000;

// Zeros, subnormals, edges of fp16, bf16, s8 and s32, infinities, NaNs with and without payload.
constexpr std::array<std::uint32_t, 28> kSpecialFloats = {
    0x00000000, 0x80000000, 0x00000001, 0x807FFFFF, 0x00800000, 0x80800001, 0x3F800000,
    0xBF800000, 0x3F800001, 0x33800000, 0x387FC000, 0x33000001, 0x477FE000, 0x477FEFFF,
    0x477FF000, 0x7F7FFFFF, 0xFF7F7FFF, 0x7F7F8000, 0x7F800000, 0xFF800000, 0x7FC00000,
    0xFFC00001, 0x7F800001, 0x42FE0000, 0x437F8000, 0x3F000000, 0xC3008000, 0x4F000000};

// A float of any kind: special, any bits at all, or moderate.
inline float any_float(std::mt19937_64& random) {
  switch (random() % 4) {
    case 0: return float_of(kSpecialFloats[random() % kSpecialFloats.size()]);
    case 1: return float_of(static_cast<std::uint32_t>(random()));
    default: return static_cast<float>(static_cast<std::int64_t>(random() % 4096) - 2048) / 16.0F;
  }
}

}  // namespace assay::test
