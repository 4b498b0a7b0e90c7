#include "core/mxu/tile_multiply.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "base/units.hpp"
#include "core/numerics/convert.hpp"

// Only targets with a fused multiply-add may run MulAdd (see Fma below); of those without one the
// baseline alone is compiled.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/mxu/tile_multiply.cpp"
#ifndef ASSAY_TILE_MULTIPLY_ROWS
#define ASSAY_TILE_MULTIPLY_ROWS
namespace assay::core {
// The widened elements of A: rows and steps of k so many floats apart.
struct Rows {
  const float* first;
  std::size_t row, step;
};
}  // namespace assay::core
#endif
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

// One block: kHeight x (2 vectors) of sums over k steps, on the partials in c or from +0. b: 2 vectors per
// step; c_stride in bytes. kSkip: where a is -0 nothing is added, and a partial that meets nothing else keeps
// its bits.
template <bool kSkip, std::size_t kHeight>
HWY_INLINE void Block(Rows a, const float* HWY_RESTRICT b, std::byte* HWY_RESTRICT c, std::size_t c_stride,
                      std::size_t k, bool accumulate) {
  const F32 d;
  const std::size_t lanes = hn::Lanes(d);
  const std::size_t vector_bytes = lanes * sizeof(float);
  Vec sum[kHeight][2];
  bool touched[kHeight] = {};
  for (std::size_t i = 0; i < kHeight; ++i) {
    sum[i][0] = LoadSum(d, c + i * c_stride, accumulate);
    sum[i][1] = LoadSum(d, c + i * c_stride + vector_bytes, accumulate);
  }
  constexpr std::size_t kHalf = kHeight / 2;  // from two places, all rows are within reach of an address mode
  const float* HWY_RESTRICT upper = a.first;
  const float* HWY_RESTRICT lower = a.first + kHalf * a.row;
  for (std::size_t step = 0; step < k; ++step, upper += a.step, lower += a.step, b += 2 * lanes) {
    const Vec b0 = hn::LoadU(d, b);
    const Vec b1 = hn::LoadU(d, b + lanes);
    for (std::size_t i = 0; i < kHeight; ++i) {
      const float value = i < kHalf ? upper[i * a.row] : lower[(i - kHalf) * a.row];
      if (kSkip && value == 0 && std::signbit(value)) continue;
      touched[i] = true;
      const Vec ai = hn::Set(d, value);
      sum[i][0] = Fma(d, ai, b0, sum[i][0]);
      sum[i][1] = Fma(d, ai, b1, sum[i][1]);
    }
  }
  for (std::size_t i = 0; i < kHeight; ++i) {
    if (kSkip && accumulate && !touched[i]) continue;
    StoreSum(d, sum[i][0], c + i * c_stride);
    StoreSum(d, sum[i][1], c + i * c_stride + vector_bytes);
  }
}

// The same of `columns` only, 2 vectors at most: by way of a buffer where they are fewer.
template <bool kSkip, std::size_t kHeight>
void AnyBlock(Rows a, const float* b, std::byte* c, std::size_t c_stride, std::size_t k, bool accumulate,
              std::size_t columns) {
  if (columns == 2 * hn::Lanes(F32())) return Block<kSkip, kHeight>(a, b, c, c_stride, k, accumulate);
  constexpr std::size_t kStride = 2 * HWY_MAX_BYTES;
  std::byte buffer[kHeight * kStride] = {};
  for (std::size_t i = 0; i < kHeight && accumulate; ++i)
    std::memcpy(buffer + i * kStride, c + i * c_stride, columns * sizeof(float));
  Block<kSkip, kHeight>(a, b, buffer, kStride, k, accumulate);
  for (std::size_t i = 0; i < kHeight; ++i)
    std::memcpy(c + i * c_stride, buffer + i * kStride, columns * sizeof(float));
}

// The function for 1 .. kRows rows.
using BlockFunction = void (*)(Rows, const float*, std::byte*, std::size_t, std::size_t, bool, std::size_t);
template <bool kSkip, std::size_t... kBefore>
BlockFunction BlockOf(std::size_t rows, std::index_sequence<kBefore...>) {
  constexpr BlockFunction functions[] = {AnyBlock<kSkip, kBefore + 1>...};
  return functions[rows - 1];
}

// All blocks of an m x n tile whose sums lie in c. skip: null, or for each kRows rows whether A has a -0
// there that is to be left out.
void Panels(Rows a, const float* b, std::byte* c, std::size_t m, std::size_t n, std::size_t c_stride,
            std::size_t k, bool accumulate, const std::uint8_t* skip) {
  const std::size_t width = 2 * hn::Lanes(F32());
  const auto heights = std::make_index_sequence<kRows>();
  for (std::size_t j = 0; j < n; j += width)
    for (std::size_t i = 0; i < m; i += kRows) {
      std::byte* block = c + i * c_stride + j * sizeof(float);
      const bool any_skipped = skip != nullptr && skip[i / kRows] != 0;
      const std::size_t height = std::min(kRows, m - i);
      const BlockFunction any =
          any_skipped ? BlockOf<true>(height, heights) : BlockOf<false>(height, heights);
      any({a.first + i * a.row, a.row, a.step}, b + j * k, block, c_stride, k, accumulate,
          std::min(width, n - j));
    }
}

#if HWY_TARGET != HWY_SCALAR
// Four lines of four elements, transposed.
template <class V>
HWY_INLINE void Transpose4(V v[4]) {
  const hn::DFromV<V> d;
  const V low01 = hn::InterleaveLower(d, v[0], v[1]), high01 = hn::InterleaveUpper(d, v[0], v[1]);
  const V low23 = hn::InterleaveLower(d, v[2], v[3]), high23 = hn::InterleaveUpper(d, v[2], v[3]);
  v[0] = hn::ConcatLowerLower(d, low23, low01);
  v[1] = hn::ConcatUpperUpper(d, low23, low01);
  v[2] = hn::ConcatLowerLower(d, high23, high01);
  v[3] = hn::ConcatUpperUpper(d, high23, high01);
}
#endif

// One panel of B from `width` columns of k floats each: out[step][column].
void PanelOfColumns(const float* columns, std::size_t k, float* out) {
  const std::size_t width = 2 * hn::Lanes(F32());
  std::size_t step = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::FixedTag<float, 4> d;
  for (; step + 4 <= k; step += 4)
    for (std::size_t column = 0; column < width; column += 4) {
      hn::Vec<decltype(d)> v[4];
      for (std::size_t i = 0; i < 4; ++i) v[i] = hn::LoadU(d, columns + (column + i) * k + step);
      Transpose4(v);
      for (std::size_t i = 0; i < 4; ++i) hn::StoreU(v[i], d, out + (step + i) * width + column);
    }
#endif
  for (; step < k; ++step)
    for (std::size_t column = 0; column < width; ++column)
      out[step * width + column] = columns[column * k + step];
}

// The same from columns of bf16 in memory, stride bytes apart: two neighbours move together, and are widened
// last. Returns how many steps it has done.
std::size_t PanelOfBf16([[maybe_unused]] const std::byte* columns, [[maybe_unused]] std::size_t stride,
                        [[maybe_unused]] std::size_t k, [[maybe_unused]] float* out) {
  std::size_t step = 0;
#if HWY_TARGET != HWY_SCALAR
  const std::size_t width = 2 * hn::Lanes(F32());
  const hn::FixedTag<std::uint32_t, 4> d;
  const hn::FixedTag<float, 4> df;
  const auto upper = hn::Set(d, 0xFFFF0000U);
  for (; step + 8 <= k; step += 8)
    for (std::size_t column = 0; column < width; column += 4) {
      hn::Vec<decltype(d)> v[4];
      for (std::size_t i = 0; i < 4; ++i)
        v[i] =
            hn::LoadU(d, reinterpret_cast<const std::uint32_t*>(columns + (column + i) * stride + step * 2));
      Transpose4(v);
      for (std::size_t i = 0; i < 4; ++i) {
        float* to = out + (step + 2 * i) * width + column;
        hn::StoreU(hn::BitCast(df, hn::ShiftLeft<16>(v[i])), df, to);
        hn::StoreU(hn::BitCast(df, hn::And(v[i], upper)), df, to + width);
      }
    }
#endif
  return step;
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
HWY_EXPORT(PanelOfColumns);
HWY_EXPORT(PanelOfBf16);
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
  Rows rows{};  // in a
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

// Widens `count` elements to fp32, less the zero point.
void widen(const Elements& e, const std::byte* source, std::size_t count, float* out) {
  to_f32(e.dtype, source, out, count);
  const auto zero = static_cast<float>(e.zero);
  for (std::size_t i = 0; i < count && e.zero != 0; ++i) out[i] -= zero;
}

// Widens A's steps k0 .. k0 + k, line by line as it lies.
Rows widen_a(const TileProduct& p, std::size_t k0, std::size_t k, std::vector<float>& a) {
  const Elements e = a_of(p);
  a.resize(std::max(a.size(), p.m * k));
  if (!p.a.transposed) {
    const std::byte* source = p.a.data + k0 * size_of(e.dtype);
    for (std::size_t i = 0; i < p.m; ++i) widen(e, source + i * p.a.line_stride, k, &a[i * k]);
    return {a.data(), k, 1};
  }
  for (std::size_t step = 0; step < k; ++step)
    widen(e, p.a.data + (k0 + step) * p.a.line_stride, p.m, &a[step * p.m]);
  return {a.data(), 1, p.m};
}

// One panel of B whose columns are lines: `columns` of them, of `width`; the others are zero.
void pack_columns(const Elements& e, std::size_t first, std::size_t columns, std::size_t k0, std::size_t k,
                  std::size_t width, float* out, std::vector<float>& lines) {
  const std::byte* source = e.operand.data + first * e.operand.line_stride + k0 * size_of(e.dtype);
  std::size_t done = 0;
  if (e.dtype == DType::bf16 && columns == width)
    done = HWY_DYNAMIC_DISPATCH(PanelOfBf16)(source, e.operand.line_stride, k, out);
  if (done == k) return;
  const std::size_t left = k - done;
  lines.resize(std::max(lines.size(), width * left));
  for (std::size_t i = 0; i < columns; ++i)
    widen(e, source + i * e.operand.line_stride + done * size_of(e.dtype), left, &lines[i * left]);
  std::fill(lines.begin() + static_cast<std::ptrdiff_t>(columns * left),
            lines.begin() + static_cast<std::ptrdiff_t>(width * left), 0.0F);
  HWY_DYNAMIC_DISPATCH(PanelOfColumns)(lines.data(), left, out + done * width);
}

// Copies B's steps k0 .. k0 + k into panels of `width` columns: packed[panel][step][column]. Columns beyond n
// are zero.
void pack_b(const TileProduct& p, std::size_t k0, std::size_t k, std::size_t width, Scratch& s) {
  const Elements e = b_of(p);
  const std::size_t panels = ceil_div(p.n, width);
  s.b.resize(std::max(s.b.size(), panels * width * k));
  if (p.b.transposed) {
    for (std::size_t j = 0; j < p.n; j += width)
      pack_columns(e, j, std::min(width, p.n - j), k0, k, width, &s.b[j * k], s.line);
    return;
  }
  s.line.resize(std::max(s.line.size(), panels * width));
  std::fill(s.line.begin(), s.line.begin() + static_cast<std::ptrdiff_t>(panels * width), 0.0F);
  for (std::size_t step = 0; step < k; ++step) {
    widen(e, p.b.data + (k0 + step) * p.b.line_stride, p.n, s.line.data());
    for (std::size_t j = 0; j < p.n; j += width)
      std::memcpy(&s.b[j * k + step * width], &s.line[j], width * sizeof(float));
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

bool has_minus_zero(const float* values, std::size_t count) {
  std::uint32_t found = 0;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, values + i, sizeof bits);
    found |= bits == 0x80000000U ? 1U : 0U;
  }
  return found != 0;
}

// For each block of `height` rows of the widened A: whether it holds a -0. Null where none does.
const std::uint8_t* blocks_with_minus_zero(const TileProduct& p, const Rows& a, Scratch& s,
                                           std::size_t height) {
  s.skip.assign(ceil_div(p.m, height), 0);
  bool any = false;
  for (std::size_t block = 0; block < s.skip.size(); ++block) {
    const float* first = a.first + block * height * a.row;
    const std::size_t rows = std::min(height, p.m - block * height);
    bool found = a.row != 1 && has_minus_zero(first, rows * p.k);
    for (std::size_t step = 0; step < p.k && a.row == 1 && !found; ++step)
      found = has_minus_zero(first + step * a.step, rows);
    s.skip[block] = found ? 1 : 0;
    any = any || found;
  }
  return any ? s.skip.data() : nullptr;
}

void multiply_floats(const TileProduct& p, Scratch& s, std::size_t height, std::size_t width) {
  if (!p.same_a) s.rows = widen_a(p, 0, p.k, s.a);
  pack_b(p, 0, p.k, width, s);
  HWY_DYNAMIC_DISPATCH(Panels)
  (s.rows, s.b.data(), p.acc, p.m, p.n, p.acc_stride, p.k, p.accumulate,
   p.skip_minus_zero ? blocks_with_minus_zero(p, s.rows, s, height) : nullptr);
}

void multiply_integers(const TileProduct& p, Scratch& s, std::size_t width) {
  s.c.resize(std::max(s.c.size(), p.m * p.n));
  const std::size_t steps = exact_steps(p);
  for (std::size_t k0 = 0; k0 < p.k; k0 += steps) {
    const std::size_t k = std::min(steps, p.k - k0);
    if (!p.same_a || k < p.k) s.rows = widen_a(p, k0, k, s.a);
    pack_b(p, k0, k, width, s);
    HWY_DYNAMIC_DISPATCH(Panels)
    (s.rows, s.b.data(), reinterpret_cast<std::byte*>(s.c.data()), p.m, p.n, p.n * sizeof(float), k, false,
     nullptr);
    add_integers(p, s.c, p.accumulate || k0 > 0);
  }
}

}  // namespace

void multiply(const TileProduct& p) {
  const std::size_t rows = HWY_DYNAMIC_DISPATCH(RowsPerBlock)();
  const std::size_t columns = HWY_DYNAMIC_DISPATCH(ColumnsPerBlock)();
  if (!is_float(p.dtype)) multiply_integers(p, scratch(), columns);
  else multiply_floats(p, scratch(), rows, columns);
}

const char* simd_target() { return HWY_DYNAMIC_DISPATCH(TargetName)(); }

}  // namespace assay::core
#endif  // HWY_ONCE
