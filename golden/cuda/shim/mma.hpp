// Tensor Core products of one warp. Included by platform.hpp alone.
#pragma once

#include <algorithm>
#include <array>

namespace assay::golden::cuda::shim {

// What a lane brings to mma.m16n8k16 (elements of 2 bytes) or m16n8k32 (of 1 byte).
struct Fragments {
  std::uint32_t a[4], b[2];
};

// Element `index` of a register.
template <typename Bits>
Bits element_of(std::uint32_t word, int index) {
  return static_cast<Bits>(word >> (8 * static_cast<int>(sizeof(Bits)) * index));
}

// PTX ISA: group g = lane / 4, place t = lane % 4. Elements of A in rows g and g + 8, of B in column g; along
// k each register has neighbours, the registers' halves lie half of k apart.
template <typename Bits>
struct Layout {
  static constexpr int kPacked = 4 / static_cast<int>(sizeof(Bits)), kHalf = 4 * kPacked, kDepth = 2 * kHalf;

  static Bits a(const std::array<Fragments, 32>& warp, int row, int k) {
    const int lane = row % 8 * 4 + k % kHalf / kPacked, word = row / 8 + k / kHalf * 2;
    return element_of<Bits>(warp[static_cast<std::size_t>(lane)].a[word], k % kPacked);
  }
  static Bits b(const std::array<Fragments, 32>& warp, int k, int col) {
    const int lane = col * 4 + k % kHalf / kPacked;
    return element_of<Bits>(warp[static_cast<std::size_t>(lane)].b[k / kHalf], k % kPacked);
  }
};

// The terms' sum with each cut to `bits` below the greatest one's leading bit, and itself cut to f32.
inline float truncated_sum(const double* terms, int count, int bits) {
  double greatest = 0, plain = 0;
  for (int i = 0; i < count; ++i) {
    plain += terms[i];
    greatest = std::max(greatest, std::fabs(terms[i]));
  }
  if (greatest == 0 || !std::isfinite(plain)) return static_cast<float>(plain);
  const double unit = std::ldexp(1.0, std::max(std::ilogb(greatest) - bits, -149));
  double sum = 0;
  for (int i = 0; i < count; ++i) sum += std::trunc(terms[i] / unit) * unit;
  const float rounded = static_cast<float>(sum);
  return std::fabs(double{rounded}) > std::fabs(sum) ? std::nextafterf(rounded, 0) : rounded;
}

inline std::array<Fragments, 32> whole_warp(const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  Fragments mine{};
  std::copy(a, a + 4, mine.a);
  std::copy(b, b + 2, mine.b);
  std::array<Fragments, 32> warp{};
  std::memcpy(warp.data(), exchange(&mine, sizeof mine), sizeof warp);
  return warp;
}

// This lane's 4 of the 16 x 8 results: rows g, g, g + 8, g + 8; columns 2 t, 2 t + 1 and again.
template <typename Bits, typename Sum, typename Dot>
void each_result(Sum (&d)[4], Dot dot) {
  const int lane = static_cast<int>(threadIdx.x % 32);
  for (int i = 0; i < 4; ++i) d[i] = dot(lane / 4 + i / 2 * 8, lane % 4 * 2 + i % 2, d[i]);
}

// decode(bits) gives an element as a double. kBits: of the additions.
template <typename Bits, int kBits, typename Decode>
void mma_floats(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2], Decode decode) {
  using L = Layout<Bits>;
  const std::array<Fragments, 32> warp = whole_warp(a, b);
  each_result<Bits>(d, [&](int row, int col, float sum) {
    double terms[L::kDepth + 1];
    for (int k = 0; k < L::kDepth; ++k) terms[k] = decode(L::a(warp, row, k)) * decode(L::b(warp, k, col));
    terms[L::kDepth] = double{sum};
    return truncated_sum(terms, L::kDepth + 1, kBits);
  });
}

template <typename A, typename B>
void mma_integers(std::int32_t (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  const std::array<Fragments, 32> warp = whole_warp(a, b);
  each_result<std::uint8_t>(d, [&](int row, int col, std::int32_t sum) {
    auto wrapped = static_cast<std::uint32_t>(sum);
    for (int k = 0; k < 32; ++k)
      wrapped += static_cast<std::uint32_t>(static_cast<A>(Layout<std::uint8_t>::a(warp, row, k)) *
                                            static_cast<B>(Layout<std::uint8_t>::b(warp, k, col)));
    return static_cast<std::int32_t>(wrapped);
  });
}

// Elements by arithmetic on their parts, not by the kernels' bits. No fraction's pattern of `nan` and above
// is finite in the greatest exponent.
inline double decoded(std::uint32_t bits, int exponents, int fractions, bool infinities) {
  const int exponent = static_cast<int>(bits >> fractions) & ((1 << exponents) - 1);
  const int fraction = static_cast<int>(bits) & ((1 << fractions) - 1);
  const int bias = (1 << (exponents - 1)) - 1, all = (1 << exponents) - 1;
  const double sign = (bits >> (exponents + fractions) & 1U) != 0 ? -1 : 1;
  if (exponent == all && (infinities || fraction == (1 << fractions) - 1))
    return infinities && fraction == 0 ? sign * HUGE_VAL : std::nan("");
  const double significand = std::ldexp(fraction, -fractions) + (exponent > 0 ? 1 : 0);
  return sign * std::ldexp(significand, std::max(exponent, 1) - bias);
}

constexpr int kTensorBits = 23, kTensorBitsFp8 = 13;

}  // namespace assay::golden::cuda::shim

namespace assay::golden::cuda::kernels {

#define ASSAY_MMA(NAME, BITS, TENSOR_BITS, EXPONENTS, FRACTIONS, INFINITIES)                 \
  inline void NAME(float(&d)[4], const std::uint32_t(&a)[4], const std::uint32_t(&b)[2]) {   \
    shim::mma_floats<BITS, TENSOR_BITS>(                                                     \
        d, a, b, [](BITS x) { return shim::decoded(x, EXPONENTS, FRACTIONS, INFINITIES); }); \
  }
ASSAY_MMA(mma_f16, std::uint16_t, shim::kTensorBits, 5, 10, true)
ASSAY_MMA(mma_bf16, std::uint16_t, shim::kTensorBits, 8, 7, true)
ASSAY_MMA(mma_e4m3, std::uint8_t, shim::kTensorBitsFp8, 4, 3, false)
ASSAY_MMA(mma_e5m2, std::uint8_t, shim::kTensorBitsFp8, 5, 2, true)
#undef ASSAY_MMA
#define ASSAY_MMA(NAME, A, B)                                                                     \
  inline void NAME(std::int32_t(&d)[4], const std::uint32_t(&a)[4], const std::uint32_t(&b)[2]) { \
    shim::mma_integers<A, B>(d, a, b);                                                            \
  }
ASSAY_MMA(mma_s8_s8, std::int8_t, std::int8_t)
ASSAY_MMA(mma_s8_u8, std::int8_t, std::uint8_t)
ASSAY_MMA(mma_u8_s8, std::uint8_t, std::int8_t)
ASSAY_MMA(mma_u8_u8, std::uint8_t, std::uint8_t)
#undef ASSAY_MMA

}  // namespace assay::golden::cuda::kernels
