// What the goldens of softmax share: which elements make up a row, and S.
#pragma once

#include <cstddef>
#include <vector>

#include "golden/backend.hpp"
#include "ops/operator.hpp"

namespace assay::golden {

// A tensor as [outer][length][inner]. Derived here from shape and axis, not from the kernel's form.
struct SoftmaxRows {
  explicit SoftmaxRows(const ops::Problem& checked);
  std::size_t count() const { return outer * inner; }
  // The tensor's linear index of element j of a row.
  std::size_t at(std::size_t row, std::size_t j) const {
    return (row / inner * length + j) * inner + row % inner;
  }

  // Of outputs of this type: docs/numerics.md, "Rows sum to 1".
  UnitRows unit_rows(DType type) const;

  std::size_t outer = 1, length = 1, inner = 1;
};

// Dense rows from a tensor's values, and back.
template <typename T>
std::vector<T> dense_rows(const SoftmaxRows& rows, const std::vector<T>& x) {
  std::vector<T> dense(x.size());
  for (std::size_t r = 0; r < rows.count(); ++r)
    for (std::size_t j = 0; j < rows.length; ++j) dense[r * rows.length + j] = x[rows.at(r, j)];
  return dense;
}

// Fills values, S and the unit rows from the results' dense rows. S: y times the errors on the way to it, in
// units of 2^-24 (docs/numerics.md, "The REAL bound"); infinite where the row cannot be judged.
void finish_softmax(const SoftmaxRows& rows, const std::vector<double>& x, const std::vector<double>& y,
                    Expected& expected);

}  // namespace assay::golden
