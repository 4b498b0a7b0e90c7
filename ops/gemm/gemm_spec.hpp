// GEMM: ONNX Gemm (opset 13) as `gemm`, MatMul (opset 13) as `matmul`, MatMulInteger (opset 10) as
// `matmulinteger` and QLinearMatMul (opset 10) as `qlinearmatmul`; all run the same kernel.
//
//   gemm    Y[M,N] = act((alpha * op(A) x op(B) + beta * C) + R)
//           A [M,K] (transA: [K,M]); B [K,N] (transB: [N,K]); C optional, unidirectionally broadcast:
//           [], [1], [N], [1,N], [M,1], [1,1] or [M,N]; R, the residual, optional too, as Y
//   matmul  Y[...,M,N] = act(A[...,M,K] x B[...,K,N] + R), batch dimensions broadcast as in NumPy; a 1-D A is
//           a row and a 1-D B a column whose added dimension the output drops
//
//   matmulinteger   the s32 sums of (A - a_zero_point) * (B - b_zero_point), s8 or u8 each, shapes as
//   matmul's qlinearmatmul   the same, times a_scale * b_scale / y_scale, + y_zero_point, of whose type y is
//
// act is the attribute `activation` (floats alone): a function of the vector unit.
// Zero points and scales are one value each, b_scale one or one for each column.
//
// Types: f32, f16, bf16 for A and B alike, the output the same or (out_dtype) f32, C as A or f32;
// e4m3 and e5m2, mixed too: the output bf16 or (out_dtype) f32, f16 or fp8 that saturates, C any float;
// s8 and u8, mixed too, -> s32 with integral alpha and beta and C s32. beta = 0 means that C is not read.
#pragma once

#include <cstdint>
#include <vector>

#include "ops/operator.hpp"

namespace assay::ops {

const Operator& gemm_operator();
const Operator& matmul_operator();
const Operator& matmulinteger_operator();
const Operator& qlinearmatmul_operator();

// A problem of either operator as the kernel sees it: batch dimensions of size one dropped, a batch that
// B does not have folded into M, neighbouring batch dimensions merged.
struct GemmForm {
  std::uint64_t m = 1, n = 1, k = 1;
  bool trans_a = false, trans_b = false;
  DType operand = DType::f32, accumulator = DType::f32, out = DType::f32;
  float alpha = 1, beta = 1;                         // float operands
  std::int32_t alpha_integer = 1, beta_integer = 1;  // integer operands
  bool requantised = false;                          // qlinearmatmul
  bool has_c = false;                                // C is given and beta is not 0
  bool has_residual = false;
  std::uint64_t c_row_stride = 0, c_col_stride = 0;  // elements; 0 broadcasts
  std::vector<std::uint64_t> batch_dims, a_batch_strides, b_batch_strides;

  std::uint32_t activation = 0;  // its code among the vector unit's functions; 0: none
  float low = 0, high = 0;       // of clip

  bool scaled() const;  // alpha is not 1
  std::uint64_t batches() const;
};

// Throws as Operator::infer does.
GemmForm gemm_form(const Problem& problem);

}  // namespace assay::ops
