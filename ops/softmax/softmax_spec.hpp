// ONNX Softmax (opset 13) as `softmax`: Y = exp(X) / sum(exp(X)) along one axis, the last unless `axis` says
// otherwise; a negative axis counts from the back.
//
// Types: f32, f16, bf16; Y has X's. What it does to the bit: docs/numerics.md, "Softmax".
#pragma once

#include <cstdint>

#include "ops/operator.hpp"

namespace assay::ops {

const Operator& softmax_operator();

// X as [outer][length][inner]; a row runs along length.
struct SoftmaxForm {
  std::uint64_t outer = 1, length = 1, inner = 1;
};

// Throws as Operator::infer does.
SoftmaxForm softmax_form(const Problem& problem);

}  // namespace assay::ops
