#include "golden/broadcast.hpp"

namespace assay::golden {

BroadcastWalk::BroadcastWalk(const Shape& out, const std::vector<Tensor>& inputs)
    : dims_(out), index_(out.size(), 0), offsets_(inputs.size(), 0) {
  for (const Tensor& input : inputs) {
    std::vector<std::ptrdiff_t>& strides = strides_.emplace_back(out.size(), 0);
    std::ptrdiff_t stride = 1;
    for (std::size_t i = input.shape.size(); i-- > 0;) {
      if (input.shape[i] != 1) strides[out.size() - input.shape.size() + i] = stride;
      stride *= input.shape[i];
    }
  }
}

void BroadcastWalk::next() {
  for (std::size_t d = dims_.size(); d-- > 0;) {
    ++index_[d];
    const bool carry = index_[d] == dims_[d];
    const std::ptrdiff_t steps = carry ? 1 - dims_[d] : 1;
    if (carry) index_[d] = 0;
    for (std::size_t i = 0; i < offsets_.size(); ++i)
      offsets_[i] += static_cast<std::size_t>(steps * strides_[i][d]);
    if (!carry) return;
  }
}

}  // namespace assay::golden
