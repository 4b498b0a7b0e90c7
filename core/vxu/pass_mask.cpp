#include "core/vxu/pass_mask.hpp"

#include <algorithm>

#include "core/clones.hpp"

namespace assay::core {
namespace {

ASSAY_VECTOR_CLONES void widen(const std::byte* bytes, std::int32_t* chosen, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) chosen[i] = bytes[i] != std::byte{0} ? -1 : 0;
}

}  // namespace

Columns columns_in_range(const PassMask& mask, std::size_t row, std::size_t cols) {
  if (!mask.by_range) return {0, cols};
  const auto i = static_cast<std::int64_t>(row), last = static_cast<std::int64_t>(cols);
  const std::int64_t from = std::clamp<std::int64_t>(mask.lo + i * mask.lo_step, 0, last);
  const std::int64_t end = std::clamp<std::int64_t>(mask.hi + i * mask.hi_step, from, last);
  return {static_cast<std::size_t>(from), static_cast<std::size_t>(end - from)};
}

void choose_by_bytes(const PassMask& mask, std::size_t row, Columns columns, std::int32_t* chosen) {
  const std::byte* line = mask.bytes + static_cast<std::ptrdiff_t>(row) * mask.row_stride;
  widen(line + columns.from, chosen, columns.count);
}

ASSAY_VECTOR_CLONES void select(const std::int32_t* chosen, const float* t, float otherwise, float* out,
                                std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) out[i] = chosen[i] != 0 ? t[i] : otherwise;
}

ASSAY_VECTOR_CLONES void select(const std::int32_t* chosen, std::int32_t* t, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) t[i] &= chosen[i];
}

}  // namespace assay::core
