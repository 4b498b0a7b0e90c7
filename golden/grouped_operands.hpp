// grouped_gemm as the goldens see it, read straight from shapes and ids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/tensor.hpp"
#include "golden/activation.hpp"
#include "golden/gemm_operands.hpp"
#include "ops/operator.hpp"

namespace assay::golden {

struct GroupedOperands {
  std::size_t tokens = 0, slots = 0, n = 0, k = 0;
  bool own_rows = false;
  MatrixView w;              // of one expert
  std::size_t w_expert = 0;  // elements from one to the next
  Activation activation;
  const Tensor *bias = nullptr, *weights = nullptr;
  std::vector<std::vector<std::size_t>> rows;  // of each expert: token * slots + slot, ascending

  std::size_t x_row(std::size_t row) const { return own_rows ? row : row / slots; }
};

// Of a problem that passed Operator::infer. Throws Error(Usage) for an id that is none.
GroupedOperands read_grouped_operands(const ops::Problem& problem, const std::vector<Tensor>& inputs);

}  // namespace assay::golden
