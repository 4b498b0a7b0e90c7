// NumPy broadcasting as the goldens see it: every element of the output, one after another, with the element
// of each input that it takes. Nothing is merged, so that a mistake in a kernel's collapsed form shows.
#pragma once

#include <cstddef>
#include <vector>

#include "base/tensor.hpp"

namespace assay::golden {

class BroadcastWalk {
 public:
  // Starts at the output's first element; each input's shape broadcasts to `out`.
  BroadcastWalk(const Shape& out, const std::vector<Tensor>& inputs);
  // The row-major index of the element that input `i` gives to the current output element.
  std::size_t at(std::size_t i) const { return offsets_[i]; }
  void next();

 private:
  std::vector<std::int64_t> dims_, index_;            // outermost first
  std::vector<std::vector<std::ptrdiff_t>> strides_;  // of each input, in elements; 0 broadcasts
  std::vector<std::size_t> offsets_;
};

}  // namespace assay::golden
