// Inside the spec only: reading and checking a problem of gemm or matmul. Throws as Operator::infer.
#pragma once

#include <cstdint>
#include <string>

#include "base/tensor.hpp"
#include "ops/gemm/gemm_spec.hpp"

namespace assay::ops {

// The normal form; `output` becomes the output's shape.
GemmForm read_gemm(const Operator& op, const Problem& problem, Shape& output);
GemmForm read_matmul(const Operator& op, const Problem& problem, Shape& output);
GemmForm read_matmulinteger(const Operator& op, const Problem& problem, Shape& output);
GemmForm read_qlinearmatmul(const Operator& op, const Problem& problem, Shape& output);

// Of A and B (the first two inputs), the attributes out_dtype, and activation with its bounds.
void read_gemm_types(const Operator& op, const Problem& problem, GemmForm& form);
void read_gemm_activation(const Operator& op, const Problem& problem, GemmForm& form);
// Refuses a term C that the form's sums do not take.
void check_term_type(const Operator& op, const TensorInfo& c, const GemmForm& form);
std::vector<AttributeSpec> gemm_epilogue_attributes();  // out_dtype, activation, low, high

// The code of an activation among the vector unit's functions.
std::uint32_t activation_code(const std::string& name);

// The shape rules of matmul alone: of the two inputs of `operands`. The form has its types.
void read_matmul_shapes(const Operator& op, const Problem& operands, GemmForm& form, Shape& output);

}  // namespace assay::ops
