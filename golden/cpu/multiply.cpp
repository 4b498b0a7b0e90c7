#include "golden/cpu/multiply.hpp"

#include <hwy/cache_control.h>

#include <algorithm>
#include <cmath>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "golden/cpu/multiply.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace assay::golden::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using F64 = hn::ScalableTag<double>;
using Lanes = hn::Vec<F64>;

// As many sums as leave registers for two operands: 8 x 3 of 32, or 4 x 3 of 16.
constexpr std::size_t kRows = HWY_MAX_BYTES >= 64 ? 8 : 4;
constexpr std::size_t kVectors = 3;
// Steps of k between updates of the result: a panel of b stays in the first-level cache.
constexpr std::size_t kDepth = 256;

// kRows x kVectors vectors of sums over `depth` steps, stored or added to c. Of fp32 operands, fused or not
// is the same. a: rows kDepth apart; b: all columns of a step, then the next step's.
HWY_INLINE void Tile(const double* HWY_RESTRICT a, const double* HWY_RESTRICT b, double* HWY_RESTRICT c,
                     std::size_t stride, std::size_t depth, bool add) {
  const F64 d;
  const std::size_t lanes = hn::Lanes(d);
  Lanes sum[kRows][kVectors];
  for (std::size_t i = 0; i < kRows; ++i) {
    for (std::size_t v = 0; v < kVectors; ++v) sum[i][v] = hn::Zero(d);
    hwy::Prefetch(c + i * stride);  // needed after the loop
    hwy::Prefetch(c + i * stride + kVectors * lanes - 1);
  }
  for (std::size_t step = 0; step < depth; ++step, b += kVectors * lanes) {
    Lanes b_step[kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) b_step[v] = hn::LoadU(d, b + v * lanes);
    for (std::size_t i = 0; i < kRows; ++i) {
      const Lanes factor = hn::Set(d, a[i * kDepth + step]);
      for (std::size_t v = 0; v < kVectors; ++v) sum[i][v] = hn::MulAdd(factor, b_step[v], sum[i][v]);
    }
  }
  for (std::size_t i = 0; i < kRows; ++i)
    for (std::size_t v = 0; v < kVectors; ++v) {
      double* out = c + i * stride + v * lanes;
      hn::StoreU(add ? hn::Add(hn::LoadU(d, out), sum[i][v]) : sum[i][v], d, out);
    }
}

// A tile at the border: into a buffer, from there what is inside.
void Border(const double* a, const double* b, double* c, std::size_t stride, std::size_t depth, bool add,
            std::size_t rows, std::size_t columns) {
  const std::size_t width = kVectors * hn::Lanes(F64());
  double tile[kRows * kVectors * HWY_MAX_BYTES / sizeof(double)];
  Tile(a, b, tile, width, depth, false);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j) {
      double& out = c[i * stride + j];
      out = add ? out + tile[i * width + j] : tile[i * width + j];
    }
}

// All tiles of m packed rows by n packed columns.
void Tiles(const double* a, const double* b, double* c, std::size_t m, std::size_t n, std::size_t stride,
           std::size_t depth, bool add) {
  const std::size_t width = kVectors * hn::Lanes(F64());
  for (std::size_t j = 0; j < n; j += width)
    for (std::size_t i = 0; i < m; i += kRows) {
      double* out = c + i * stride + j;
      if (i + kRows <= m && j + width <= n) Tile(a + i * kDepth, b + j * depth, out, stride, depth, add);
      else
        Border(a + i * kDepth, b + j * depth, out, stride, depth, add, std::min(kRows, m - i),
               std::min(width, n - j));
    }
}

// A line, converted.
template <bool kAbsolute, typename T>
HWY_INLINE void ConvertLine(const T* from, std::size_t stride, std::size_t depth, double* to) {
  if (stride == 1)
    for (std::size_t step = 0; step < depth; ++step)
      to[step] = kAbsolute ? std::fabs(from[step]) : from[step];
  else
    for (std::size_t step = 0; step < depth; ++step)
      to[step] = kAbsolute ? std::fabs(from[step * stride]) : from[step * stride];
}

template <typename T>
HWY_INLINE void PackLines(const T* const* lines, std::size_t count, std::size_t offset, std::size_t stride,
                          std::size_t depth, bool absolute, double* packed) {
  for (std::size_t i = 0; i < count; ++i) {
    if (absolute) ConvertLine<true>(lines[i] + offset, stride, depth, packed + i * kDepth);
    else ConvertLine<false>(lines[i] + offset, stride, depth, packed + i * kDepth);
  }
}

void PackRows(const float* const* lines, std::size_t count, std::size_t offset, std::size_t stride,
              std::size_t depth, bool absolute, double* packed) {
  PackLines(lines, count, offset, stride, depth, absolute, packed);
}
void PackWideRows(const double* const* lines, std::size_t count, std::size_t offset, std::size_t stride,
                  std::size_t depth, bool absolute, double* packed) {
  PackLines(lines, count, offset, stride, depth, absolute, packed);
}

// One panel: as many lines as a tile has columns, the steps outside; lines beyond `inside` are zero.
HWY_INLINE void PackPanel(const float* const* lines, std::size_t inside, std::size_t offset,
                          std::size_t stride, std::size_t depth, bool absolute, double* packed) {
  const std::size_t width = kVectors * hn::Lanes(F64());
  for (std::size_t step = 0; step < depth; ++step, packed += width) {
    const std::size_t at = offset + step * stride;
    for (std::size_t i = 0; i < inside; ++i) packed[i] = absolute ? std::fabs(lines[i][at]) : lines[i][at];
    for (std::size_t i = inside; i < width; ++i) packed[i] = 0;
  }
}

// The same of lines that stand side by side, as those of a row-major right operand do.
HWY_INLINE void PackNeighbours(const float* from, std::size_t stride, std::size_t depth, bool absolute,
                               double* packed) {
  const F64 d;
  const hn::Rebind<float, F64> singles;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t step = 0; step < depth; ++step, from += stride, packed += kVectors * lanes)
    for (std::size_t v = 0; v < kVectors; ++v) {
      const Lanes values = hn::PromoteTo(d, hn::LoadU(singles, from + v * lanes));
      hn::StoreU(absolute ? hn::Abs(values) : values, d, packed + v * lanes);
    }
}

void PackColumns(const float* const* lines, std::size_t count, std::size_t offset, std::size_t stride,
                 std::size_t depth, bool absolute, double* packed) {
  const std::size_t width = kVectors * hn::Lanes(F64());
  for (std::size_t line = 0; line < count; line += width, packed += width * depth) {
    const std::size_t inside = std::min(width, count - line);
    bool neighbours = inside == width;
    for (std::size_t i = 1; i < inside; ++i) neighbours = neighbours && lines[line + i] == lines[line] + i;
    if (neighbours) PackNeighbours(lines[line] + offset, stride, depth, absolute, packed);
    else PackPanel(lines + line, inside, offset, stride, depth, absolute, packed);
  }
}

std::size_t RowsPerTile() { return kRows; }
std::size_t ColumnsPerTile() { return kVectors * hn::Lanes(F64()); }

}  // namespace HWY_NAMESPACE
}  // namespace assay::golden::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::golden::cpu {

HWY_EXPORT(PackRows);
HWY_EXPORT(PackWideRows);
HWY_EXPORT(PackColumns);
HWY_EXPORT(Tiles);
HWY_EXPORT(RowsPerTile);
HWY_EXPORT(ColumnsPerTile);

namespace {

constexpr std::size_t kDepth = 256;      // as above
constexpr std::size_t kBlockRows = 128;  // of a: they stay in the second-level cache

std::size_t round_up(std::size_t count, std::size_t step) { return (count + step - 1) / step * step; }

}  // namespace

std::size_t panel_columns() { return HWY_DYNAMIC_DISPATCH(ColumnsPerTile)(); }

namespace {

void pack_rows(const LinesOf<float>& a, std::size_t row, std::size_t count, std::size_t step,
               std::size_t depth, bool absolute, double* packed) {
  HWY_DYNAMIC_DISPATCH(PackRows)
  (a.lines.data() + row, count, step * a.stride, a.stride, depth, absolute, packed);
}
void pack_rows(const LinesOf<double>& a, std::size_t row, std::size_t count, std::size_t step,
               std::size_t depth, bool absolute, double* packed) {
  HWY_DYNAMIC_DISPATCH(PackWideRows)
  (a.lines.data() + row, count, step * a.stride, a.stride, depth, absolute, packed);
}

// The steps [step, step + depth) of one product.
template <typename A>
void multiply_slice(const ProductOf<A>& p, std::size_t step, std::size_t depth, bool absolute) {
  const std::size_t m = p.a.lines.size(), n = p.b.lines.size();
  static thread_local std::vector<double> rows, columns;
  rows.resize(round_up(std::min(kBlockRows, m), HWY_DYNAMIC_DISPATCH(RowsPerTile)()) * kDepth);
  columns.resize(round_up(n, panel_columns()) * kDepth);
  HWY_DYNAMIC_DISPATCH(PackColumns)
  (p.b.lines.data(), n, step * p.b.stride, p.b.stride, depth, absolute, columns.data());
  for (std::size_t row = 0; row < m; row += kBlockRows) {
    const std::size_t count = std::min(kBlockRows, m - row);
    pack_rows(p.a, row, count, step, depth, absolute, rows.data());
    HWY_DYNAMIC_DISPATCH(Tiles)
    (rows.data(), columns.data(), p.sum + row * n, count, n, n, depth, step > 0);
  }
}

template <typename A>
void multiply_all(const std::vector<ProductOf<A>>& products, std::size_t k, Terms terms) {
  for (std::size_t step = 0; step < k; step += kDepth)
    for (const ProductOf<A>& product : products)
      multiply_slice(product, step, std::min(kDepth, k - step), terms == Terms::magnitudes);
}

}  // namespace

void multiply(const std::vector<Product>& products, std::size_t k, Terms terms) {
  multiply_all(products, k, terms);
}
void multiply(const std::vector<WideProduct>& products, std::size_t k, Terms terms) {
  multiply_all(products, k, terms);
}

}  // namespace assay::golden::cpu
#endif  // HWY_ONCE
