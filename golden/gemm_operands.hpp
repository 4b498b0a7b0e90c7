// gemm and matmul as the goldens see them: plain loops over a batch of matrices, with the broadcasting
// rules of ONNX applied straight to the shapes. Nothing is merged or reordered, so that a mistake in the
// spec's normal form (ops/gemm) shows as a mismatch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/tensor.hpp"
#include "golden/activation.hpp"
#include "ops/operator.hpp"

namespace assay::golden {

// Element (row, col) of a matrix stands at offset + row * row_stride + col * col_stride; in elements.
struct MatrixView {
  std::size_t row_stride = 0, col_stride = 0;
  std::size_t at(std::size_t offset, std::size_t row, std::size_t col) const {
    return offset + row * row_stride + col * col_stride;
  }
};

struct GemmOperands {
  std::size_t m = 1, n = 1, k = 1;
  MatrixView a, b, c;                             // a: m x k, b: k x n, c: m x n
  std::vector<std::size_t> a_offsets, b_offsets;  // per matrix of the batch, in the output's order
  bool has_c = false;                             // C is given and beta is not 0
  float alpha = 1, beta = 1;                      // float operands
  std::int32_t alpha_integer = 1, beta_integer = 1;
  bool scaled = false;  // alpha is not 1
  Activation activation;

  // Indices in the problem's inputs.
  std::size_t a_input = 0, b_input = 1;
  std::optional<std::size_t> c_input, residual;  // residual: as the output
  std::optional<std::size_t> a_zero, b_zero, y_zero, a_scale, b_scale, y_scale;
};

// gemm, matmul, matmulinteger or qlinearmatmul that passed Operator::infer.
GemmOperands read_gemm_operands(const ops::Problem& problem);

}  // namespace assay::golden
