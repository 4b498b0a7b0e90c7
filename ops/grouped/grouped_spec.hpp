// Grouped GEMM: the projections of a mixture of experts, each token by the experts that a router chose.
//
//   grouped_gemm   V[t, j] = act(X[t] x W[ids[t, j]] + B[ids[t, j]])
//
//   X        [T, K], or [T, k, K]: a row of its own for each token and slot
//   W        [E, K, N], or [E, N, K] with transW
//   ids      s32 [T, k]: the experts of each token, 0 .. E - 1, or -1: a slot without one, whose value is +0
//   B        [E, N], optional
//   weights  f32 [T, k], optional
//   Y        [T, k, N]: V; with weights [T, N]: the sum of weights[t, j] * V[t, j] over the slots
//
// Types as gemm's: f32, f16, bf16, e4m3 and e5m2, or s8 and u8 to s32, which take neither weights nor an
// activation. Another id is an error of the run. docs/numerics.md, "Grouped GEMM".
#pragma once

#include <cstdint>
#include <optional>

#include "ops/operator.hpp"

namespace assay::ops {

const Operator& grouped_gemm_operator();

struct GroupedForm {
  std::uint64_t tokens = 0, slots = 0, experts = 0, n = 0, k = 0;
  bool own_rows = false;  // X has a row for each slot
  bool trans_w = false;
  DType operand = DType::f32, accumulator = DType::f32, out = DType::f32;
  std::uint32_t activation = 0;              // its code among the vector unit's functions; 0: none
  float low = 0, high = 0;                   // of clip
  std::optional<std::size_t> bias, weights;  // indices in the problem's inputs

  std::uint64_t rows() const { return tokens * slots; }
};

// Throws as Operator::infer does.
GroupedForm grouped_form(const Problem& problem);

}  // namespace assay::ops
