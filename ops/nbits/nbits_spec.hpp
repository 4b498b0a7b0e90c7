// matmul_nbits: activations times quantised weights, Y[..., N] = A[..., K] x W, with
//
//   W[k][n] = round((B[k][n] - Z[g][n]) * S[g][n])       g = floor(k / group), rounded once to A's type
//
// A f16 or bf16, its leading dimensions together M. B s4, u4, s8 or u8: [K, N], or [N, K] with transB = 1;
// four-bit elements lie two a byte, the first in the low nibble, and their rows are of even length. S f32,
// f16 or bf16: [ceil(K / group), N], or [N, ceil(K / group)] with transB. Z, a byte each, signed as B is, in
// S's shape; without it `zero` for all. Y has A's type, or (out_dtype) f32.
#pragma once

#include "ops/operator.hpp"

namespace assay::ops {

const Operator& nbits_operator();

struct NbitsForm {
  std::uint64_t m = 1, n = 1, k = 1, group = 1, groups = 1;
  bool trans_b = false, has_zeros = false;
  std::int32_t zero = 0;
  DType out = DType::f32;

  // The element of B, and that of scales and zero points, for product k of column n.
  std::uint64_t weight(std::uint64_t at_k, std::uint64_t at_n) const {
    return trans_b ? at_n * k + at_k : at_k * n + at_n;
  }
  std::uint64_t scale(std::uint64_t at_k, std::uint64_t at_n) const {
    return trans_b ? at_n * groups + at_k / group : at_k / group * n + at_n;
  }
};

// Throws as Operator::infer does.
NbitsForm nbits_form(const Problem& problem);

}  // namespace assay::ops
