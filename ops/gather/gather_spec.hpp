// Gather: rows of a table by a list of their numbers, as an embedding is looked up. ONNX Gather (opset 1)
// with axis 0.
//
//   Y[i..., ...] = data[indices[i...], ...]      data [N, ...] of any type of whole bytes, indices s32 of any
//   rank
//
// A copy: bits are kept, NaN payloads too. An index outside 0 .. N - 1 is an error of the run.
#pragma once

#include "ops/operator.hpp"

namespace assay::ops {

const Operator& gather_operator();

}  // namespace assay::ops
