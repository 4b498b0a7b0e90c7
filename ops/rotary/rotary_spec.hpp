// Rotary: positions turned into queries and keys (Su et al., RoFormer, 2021), the halves of a head's elements
// in pairs as in GPT-NeoX and Llama (ONNX RotaryEmbedding with interleaved = 0).
//
//   X [..., S, D], cos and sin [S, D/2], Y as X; for j < D/2
//     Y[s][j]       = X[s][j] cos[s][j] - X[s][j + D/2] sin[s][j]
//     Y[s][j + D/2] = X[s][j + D/2] cos[s][j] + X[s][j] sin[s][j]
//
// X f32, f16 or bf16; cos and sin one type of these. To the bit: docs/numerics.md, "Rotary".
#pragma once

#include "ops/operator.hpp"

namespace assay::ops {

const Operator& rotary_operator();

}  // namespace assay::ops
