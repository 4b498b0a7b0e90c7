// Inside the spec only: reading and checking a problem of gemm or matmul. Throws as Operator::infer.
#pragma once

#include "base/tensor.hpp"
#include "ops/gemm/gemm_spec.hpp"

namespace assay::ops {

// The normal form; `output` becomes the output's shape.
GemmForm read_gemm(const Operator& op, const Problem& problem, Shape& output);
GemmForm read_matmul(const Operator& op, const Problem& problem, Shape& output);

}  // namespace assay::ops
