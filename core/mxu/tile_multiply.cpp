#include "core/mxu/tile_multiply.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/units.hpp"
#include "core/numerics/convert.hpp"

// Only targets with a fused multiply-add may run MulAdd (see Fma below); of those without one the
// baseline alone is compiled.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/mxu/tile_multiply.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace assay::core {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using F32 = hn::ScalableTag<float>;
using Vec = hn::Vec<F32>;

HWY_INLINE Vec Fma(F32 d, Vec a, Vec b, Vec c) {
#if (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2) || HWY_ARCH_ARM_A64
  (void)d;
  return hn::MulAdd(a, b, c);
#else
  alignas(64) float x[HWY_MAX_BYTES / 4], y[HWY_MAX_BYTES / 4], z[HWY_MAX_BYTES / 4];
  hn::Store(a, d, x);
  hn::Store(b, d, y);
  hn::Store(c, d, z);
  for (std::size_t i = 0; i < hn::Lanes(d); ++i) z[i] = std::fma(x[i], y[i], z[i]);
  return hn::Load(d, z);
#endif
}

constexpr std::size_t kRows = HWY_MAX_BYTES >= 64 ? 12 : 6;  // rows per block: kRows x 2 vectors of sums

// A sum as it is stored: a NaN is canonical. `c` may be at any address.
HWY_INLINE void StoreSum(F32 d, Vec sum, std::byte* c) {
  const Vec nan = hn::BitCast(d, hn::Set(hn::RebindToUnsigned<F32>(), 0x7FC00000U));
  hn::StoreU(hn::IfThenElse(hn::IsNaN(sum), nan, sum), d, reinterpret_cast<float*>(c));
}

HWY_INLINE Vec LoadSum(F32 d, const std::byte* c, bool accumulate) {
  return accumulate ? hn::LoadU(d, reinterpret_cast<const float*>(c)) : hn::Zero(d);
}

// One block: kRows x (2 vectors) of sums over k steps, on the partials in c or from +0. a: kRows values per
// step; b: 2 vectors per step; c_stride in bytes. kSkip: where a is -0 nothing is added, and a partial that
// meets nothing else keeps its bits.
template <bool kSkip>
HWY_INLINE void Block(const float* HWY_RESTRICT a, const float* HWY_RESTRICT b, std::byte* HWY_RESTRICT c,
                      std::size_t c_stride, std::size_t k, bool accumulate) {
  const F32 d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t vector_bytes = lanes * sizeof(float);
  Vec sum[kRows][2];
  bool touched[kRows] = {};
  for (std::size_t i = 0; i < kRows; ++i) {
    sum[i][0] = LoadSum(d, c + i * c_stride, accumulate);
    sum[i][1] = LoadSum(d, c + i * c_stride + vector_bytes, accumulate);
  }
  for (std::size_t step = 0; step < k; ++step, a += kRows, b += 2 * lanes) {
    const Vec b0 = hn::LoadU(d, b);
    const Vec b1 = hn::LoadU(d, b + lanes);
    for (std::size_t i = 0; i < kRows; ++i) {
      if (kSkip && a[i] == 0 && std::signbit(a[i])) continue;
      touched[i] = true;
      const Vec ai = hn::Set(d, a[i]);
      sum[i][0] = Fma(d, ai, b0, sum[i][0]);
      sum[i][1] = Fma(d, ai, b1, sum[i][1]);
    }
  }
  for (std::size_t i = 0; i < kRows; ++i) {
    if (kSkip && accumulate && !touched[i]) continue;
    StoreSum(d, sum[i][0], c + i * c_stride);
    StoreSum(d, sum[i][1], c + i * c_stride + vector_bytes);
  }
}

// A block at the border: by way of a buffer, of which only `rows` x `columns` are the tile's.
template <bool kSkip>
void BorderBlock(const float* a, const float* b, std::byte* c, std::size_t c_stride, std::size_t k,
                 bool accumulate, std::size_t rows, std::size_t columns) {
  constexpr std::size_t kStride = 2 * HWY_MAX_BYTES;
  std::byte buffer[kRows * kStride] = {};
  for (std::size_t i = 0; i < rows && accumulate; ++i)
    std::memcpy(buffer + i * kStride, c + i * c_stride, columns * sizeof(float));
  Block<kSkip>(a, b, buffer, kStride, k, accumulate);
  for (std::size_t i = 0; i < rows; ++i)
    std::memcpy(c + i * c_stride, buffer + i * kStride, columns * sizeof(float));
}

template <bool kSkip>
void AnyBlock(const float* a, const float* b, std::byte* c, std::size_t c_stride, std::size_t k,
              bool accumulate, std::size_t rows, std::size_t columns) {
  const bool whole = rows == kRows && columns == 2 * hn::Lanes(F32());
  if (whole) Block<kSkip>(a, b, c, c_stride, k, accumulate);
  else BorderBlock<kSkip>(a, b, c, c_stride, k, accumulate, rows, columns);
}

// All blocks of an m x n tile whose sums lie in c. skip: null, or for each kRows rows whether A has a -0
// there that is to be left out.
void Panels(const float* a, const float* b, std::byte* c, std::size_t m, std::size_t n, std::size_t c_stride,
            std::size_t k, bool accumulate, const std::uint8_t* skip) {
  const std::size_t width = 2 * hn::Lanes(F32());
  for (std::size_t j = 0; j < n; j += width)
    for (std::size_t i = 0; i < m; i += kRows) {
      std::byte* block = c + i * c_stride + j * sizeof(float);
      const auto any = skip != nullptr && skip[i / kRows] != 0 ? AnyBlock<true> : AnyBlock<false>;
      any(a + i * k, b + j * k, block, c_stride, k, accumulate, std::min(kRows, m - i),
          std::min(width, n - j));
    }
}

std::size_t RowsPerBlock() { return kRows; }
std::size_t ColumnsPerBlock() { return 2 * hn::Lanes(F32()); }
const char* TargetName() { return hwy::TargetName(HWY_TARGET); }

}  // namespace HWY_NAMESPACE
}  // namespace assay::core
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::core {

HWY_EXPORT(Panels);
HWY_EXPORT(RowsPerBlock);
HWY_EXPORT(ColumnsPerBlock);
HWY_EXPORT(TargetName);

namespace {

// Products of integers are exact in fp32 sums while their magnitudes add up to 2^24 at most.
std::size_t exact_steps(const TileProduct& p) {
  const auto largest = [](DType type, std::int32_t zero) {
    const std::int32_t low = type == DType::u8 ? 0 : -128, high = type == DType::u8 ? 255 : 127;
    return static_cast<std::size_t>(std::max(zero - low, high - zero));
  };
  return (std::size_t{1} << 24) /
         (largest(p.dtype, p.a_zero) * largest(p.b_dtype.value_or(p.dtype), p.b_zero));
}

// Scratch that lives as long as the process: tiles come in their thousands.
struct Scratch {
  std::vector<float> a, b, c, line;
  std::vector<std::uint8_t> skip;
};

Scratch& scratch() {
  static thread_local Scratch instance;
  return instance;
}

// An operand and what its elements are.
struct Elements {
  TileOperand operand;
  DType dtype;
  std::int32_t zero;
};
Elements a_of(const TileProduct& p) { return {p.a, p.dtype, p.a_zero}; }
Elements b_of(const TileProduct& p) { return {p.b, p.b_dtype.value_or(p.dtype), p.b_zero}; }

// Widens one line of an operand to fp32, less its zero point.
const float* widen(const Elements& e, const std::byte* source, std::size_t count, std::vector<float>& line) {
  line.resize(std::max(line.size(), count));
  to_f32(e.dtype, source, line.data(), count);
  const auto zero = static_cast<float>(e.zero);
  for (std::size_t i = 0; i < count && e.zero != 0; ++i) line[i] -= zero;
  return line.data();
}

// Copies an operand (lines x length of each line) into blocks of `width` outer indices with k inside:
// packed[block][k][width]. Outer is m for A and n for B; outer indices beyond `outer` are zero, so that no
// slow or trapping value is computed with.
void pack(const Elements& e, bool outer_is_contiguous, std::size_t outer, std::size_t k0, std::size_t k,
          std::size_t width, std::vector<float>& packed, std::vector<float>& line) {
  const std::size_t blocks = ceil_div(outer, width);
  packed.resize(std::max(packed.size(), blocks * width * k));
  if (outer % width != 0) std::fill_n(&packed[(blocks - 1) * width * k], width * k, 0.0F);
  const TileOperand& operand = e.operand;
  const std::size_t size = size_of(e.dtype);
  if (outer_is_contiguous) {
    for (std::size_t step = 0; step < k; ++step) {
      const float* values = widen(e, operand.data + (k0 + step) * operand.line_stride, outer, line);
      for (std::size_t i = 0; i < outer; i += width)
        std::memcpy(&packed[i * k + step * width], values + i, std::min(width, outer - i) * sizeof(float));
    }
    return;
  }
  for (std::size_t i = 0; i < outer; ++i) {
    const float* values = widen(e, operand.data + i * operand.line_stride + k0 * size, k, line);
    float* out = &packed[i / width * width * k + i % width];
    for (std::size_t step = 0; step < k; ++step) out[step * width] = values[step];
  }
}

// The fp32 sums of integer products, exact, onto the s32 results.
void add_integers(const TileProduct& p, const std::vector<float>& c, bool accumulate) {
  std::vector<std::uint32_t> row(p.n);
  for (std::size_t i = 0; i < p.m; ++i) {
    std::byte* out = p.acc + i * p.acc_stride;
    if (accumulate) std::memcpy(row.data(), out, p.n * sizeof(std::uint32_t));
    else std::fill(row.begin(), row.end(), 0U);
    for (std::size_t j = 0; j < p.n; ++j)
      row[j] += static_cast<std::uint32_t>(static_cast<std::int32_t>(c[i * p.n + j]));
    std::memcpy(out, row.data(), p.n * sizeof(std::uint32_t));
  }
}

// For each block of rows of the packed A: whether it holds a -0. Null where none does.
const std::uint8_t* blocks_with_minus_zero(const TileProduct& p, Scratch& s, std::size_t rows) {
  const std::size_t block = rows * p.k;
  s.skip.assign(ceil_div(p.m, rows), 0);
  bool any = false;
  for (std::size_t i = 0; i < s.skip.size(); ++i) {
    std::uint32_t found = 0;
    for (const float* value = &s.a[i * block]; value != &s.a[i * block] + block; ++value) {
      std::uint32_t bits = 0;
      std::memcpy(&bits, value, sizeof bits);
      found |= bits == 0x80000000U ? 1U : 0U;
    }
    s.skip[i] = static_cast<std::uint8_t>(found);
    any = any || found != 0;
  }
  return any ? s.skip.data() : nullptr;
}

void multiply_floats(const TileProduct& p, Scratch& s, std::size_t rows, std::size_t columns) {
  pack(a_of(p), p.a.transposed, p.m, 0, p.k, rows, s.a, s.line);
  pack(b_of(p), !p.b.transposed, p.n, 0, p.k, columns, s.b, s.line);
  HWY_DYNAMIC_DISPATCH(Panels)
  (s.a.data(), s.b.data(), p.acc, p.m, p.n, p.acc_stride, p.k, p.accumulate,
   p.skip_minus_zero ? blocks_with_minus_zero(p, s, rows) : nullptr);
}

void multiply_integers(const TileProduct& p, Scratch& s, std::size_t rows, std::size_t columns) {
  s.c.resize(std::max(s.c.size(), p.m * p.n));
  const std::size_t steps = exact_steps(p);
  for (std::size_t k0 = 0; k0 < p.k; k0 += steps) {
    const std::size_t k = std::min(steps, p.k - k0);
    pack(a_of(p), p.a.transposed, p.m, k0, k, rows, s.a, s.line);
    pack(b_of(p), !p.b.transposed, p.n, k0, k, columns, s.b, s.line);
    HWY_DYNAMIC_DISPATCH(Panels)
    (s.a.data(), s.b.data(), reinterpret_cast<std::byte*>(s.c.data()), p.m, p.n, p.n * sizeof(float), k,
     false, nullptr);
    add_integers(p, s.c, p.accumulate || k0 > 0);
  }
}

}  // namespace

void multiply(const TileProduct& p) {
  const std::size_t rows = HWY_DYNAMIC_DISPATCH(RowsPerBlock)();
  const std::size_t columns = HWY_DYNAMIC_DISPATCH(ColumnsPerBlock)();
  if (!is_float(p.dtype)) multiply_integers(p, scratch(), rows, columns);
  else multiply_floats(p, scratch(), rows, columns);
}

const char* simd_target() { return HWY_DYNAMIC_DISPATCH(TargetName)(); }

}  // namespace assay::core
#endif  // HWY_ONCE
