// The arithmetic of the MXU: one tile product, to the bit of docs/numerics.md.
//
// Every result is the chain acc = fma(a_k, b_k, acc) in fp32, k ascending, headed by the stored partial
// or +0 (integers: the sum of exact products modulo 2^32). Any blocking over m and n gives the same bits, so
// this is an ordinary register-blocked GEMM micro-kernel; it never splits k across lanes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/dtype.hpp"

namespace assay::core {

// A line is the contiguous run of the operand: a row of A (k contiguous) or, with a_k_major, one k of
// all rows (m contiguous). For B a line is one k of all columns or, with b_n_major, one column.
struct TileOperand {
  const std::byte* data = nullptr;
  std::size_t line_stride = 0;  // bytes
  bool transposed = false;      // a_k_major or b_n_major
};

struct TileProduct {
  DType dtype = DType::f32;  // of A: any type but s32, s4 and u4
  TileOperand a, b;
  std::byte* acc = nullptr;    // m x n of fp32 or s32
  std::size_t acc_stride = 0;  // bytes
  std::size_t m = 0, n = 0, k = 0;
  bool accumulate = false;                      // start from the stored partials
  std::optional<DType> b_dtype = std::nullopt;  // where it is not A's: of its kind
  std::int32_t a_zero = 0, b_zero = 0;          // integers: (a - a_zero) * (b - b_zero)
  bool skip_minus_zero = false;  // floats: a product with an element of A that is -0 is left out
  bool same_a = false;           // A, its values included, is that of the product before on this thread
};

void multiply(const TileProduct& product);

// The SIMD target that multiply() uses on this processor ("AVX2", "AVX3", ...).
const char* simd_target();

}  // namespace assay::core
