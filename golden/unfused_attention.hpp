// Attention as a chain of operators computes it: the rival of attention's 2x rule (docs/numerics.md).
#pragma once

#include <optional>
#include <vector>

#include "golden/attention_view.hpp"
#include "golden/backend.hpp"

namespace assay::golden {

// MatMul, Mul, (Div, Tanh, Mul,) (Add,) Softmax and MatMul, sums and functions in f32, every result rounded
// to the operands' type: its error against `values`, over up to 32 queries. Empty where it says nothing:
// other types than f32, f16 and bf16, weights as bytes, fewer than 1024 elements, results that are not
// finite.
std::optional<Rival> unfused_attention(const AttentionView& view, const AttentionOperands& operands,
                                       DType out, const std::vector<double>& values);

}  // namespace assay::golden
