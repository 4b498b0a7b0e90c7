// The loader's dequantisation of a stationary tile, to the bit of docs/numerics.md, "Dequantising load":
// w = the exact (q - z) * s of the element's group and column, rounded once to the activations' type.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/dtype.hpp"

namespace assay::core {

// Scales or zero points in memory: one for each group of k and column.
struct GroupValues {
  const std::byte* data = nullptr;
  std::ptrdiff_t group_stride = 0, col_stride = 0;  // bytes
  DType dtype = DType::f32;
};

struct QuantisedTile {
  const std::byte* data = nullptr;
  DType dtype = DType::u4;      // s4, u4, s8 or u8
  std::size_t line_stride = 0;  // bytes
  bool k_contiguous = false;    // a line is a column; otherwise one k of all columns
  std::size_t k = 0, n = 0;
  std::size_t group = 0;  // k of a group
  GroupValues scales;
  GroupValues zeros;  // data null: `zero` for all
  std::int32_t zero = 0;
};

// Writes k x n elements of `to` (f16 or bf16), dense, n contiguous.
void dequantise(const QuantisedTile& tile, DType to, std::byte* out);

}  // namespace assay::core
