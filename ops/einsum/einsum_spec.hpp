// Einsum: the Einstein summation of ONNX (opset 12) over one or two operands of f32 or f64, of any equation
// with letters and "...", on the host's scalar unit.
//
//   equation  "bij,bjk->bik"; without "->" the output has the dimensions of "..." and then, in the order of
//   the
//             alphabet, the letters that occur once. A letter that occurs twice in a term is its diagonal;
//             "..." stands for any number of dimensions, which broadcast and are never summed.
#pragma once

#include "ops/operator.hpp"

namespace assay::ops {

const Operator& einsum_operator();

// Without spaces.
std::string einsum_equation(const Problem& problem);

// Where each operand's elements lie along each label of the equation.
struct EinsumForm {
  std::vector<std::int64_t> length;  // of the output's labels in its order, then of the summed ones
  std::size_t outer = 0;             // how many of them are the output's
  std::vector<std::vector<std::int64_t>> stride;  // of each operand, in elements; 0: it lacks the label
  bool sums() const { return outer < length.size(); }
  std::int64_t terms() const;  // that are summed for one element: the product of the summed lengths
};

// Throws as Operator::infer().
EinsumForm einsum_form(const Problem& problem);

}  // namespace assay::ops
