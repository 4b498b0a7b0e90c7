#include "golden/cpu/multiply.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace assay::golden::cpu {
namespace {

constexpr std::size_t kLanes = 8;    // columns of a panel: one cache line
constexpr std::size_t kDepth = 256;  // k steps between updates of the result
using Lanes = double __attribute__((vector_size(kLanes * sizeof(double))));

// kLanes columns of b, step after step of k, zero beyond n.
using Panel = std::vector<double>;

struct Block {
  const double* a;  // first row, at k = first
  std::size_t a_stride, depth;
  const double* panel;
  double *sum, *magnitude;  // first row, first column
  std::size_t stride, width;
};

template <std::size_t Rows>
[[gnu::always_inline]] inline void multiply_block(const Block& t) {
  Lanes sum[Rows] = {};
  Lanes magnitude[Rows] = {};
  for (std::size_t kk = 0; kk < t.depth; ++kk) {
    Lanes b;
    std::memcpy(&b, t.panel + kk * kLanes, sizeof b);
    const Lanes b_abs = b < 0 ? -b : b;
    for (std::size_t r = 0; r < Rows; ++r) {
      const double a = t.a[r * t.a_stride + kk];
      sum[r] += a * b;
      magnitude[r] += std::fabs(a) * b_abs;
    }
  }
  for (std::size_t r = 0; r < Rows; ++r)
    for (std::size_t j = 0; j < t.width; ++j) {
      t.sum[r * t.stride + j] += sum[r][j];
      t.magnitude[r * t.stride + j] += magnitude[r][j];
    }
}

template <std::size_t Rows>
[[gnu::always_inline]] inline void multiply_panel(Block block, std::size_t m) {
  std::size_t i = 0;
  for (; i + Rows <= m; i += Rows) {
    multiply_block<Rows>(block);
    block.a += Rows * block.a_stride;
    block.sum += Rows * block.stride;
    block.magnitude += Rows * block.stride;
  }
  for (; i < m; ++i) {
    multiply_block<1>(block);
    block.a += block.a_stride;
    block.sum += block.stride;
    block.magnitude += block.stride;
  }
}

// As many rows as leave every sum in a register of that instruction set.
[[gnu::target("avx512f")]] void multiply_avx512(const Block& block, std::size_t m) {
  multiply_panel<8>(block, m);
}
[[gnu::target("avx2,fma")]] void multiply_avx2(const Block& block, std::size_t m) {
  multiply_panel<2>(block, m);
}
void multiply_plain(const Block& block, std::size_t m) { multiply_panel<1>(block, m); }

using PanelKernel = void (*)(const Block&, std::size_t);

PanelKernel choose_kernel() {
  if (__builtin_cpu_supports("avx512f") != 0) return multiply_avx512;
  if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0) return multiply_avx2;
  return multiply_plain;
}

void pack_panel(const double* b, std::size_t stride, std::size_t depth, std::size_t width, Panel& panel) {
  panel.assign(depth * kLanes, 0);
  for (std::size_t kk = 0; kk < depth; ++kk)
    for (std::size_t j = 0; j < width; ++j) panel[kk * kLanes + j] = b[kk * stride + j];
}

}  // namespace

void multiply(const std::vector<double>& a, const std::vector<double>& b, std::vector<double>& sum,
              std::vector<double>& magnitude, std::size_t m, std::size_t n, std::size_t k) {
  static const PanelKernel kernel = choose_kernel();
  sum.assign(m * n, 0);
  magnitude.assign(m * n, 0);
  Panel panel;
  for (std::size_t first = 0; first < k; first += kDepth) {
    const std::size_t depth = std::min(kDepth, k - first);
    for (std::size_t col = 0; col < n; col += kLanes) {
      const std::size_t width = std::min(kLanes, n - col);
      pack_panel(b.data() + first * n + col, n, depth, width, panel);
      kernel({a.data() + first, k, depth, panel.data(), sum.data() + col, magnitude.data() + col, n, width},
             m);
    }
  }
}

}  // namespace assay::golden::cpu
