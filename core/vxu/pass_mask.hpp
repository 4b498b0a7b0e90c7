// Which elements of a vector pass take part (docs/numerics.md, "The mask").
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace assay::core {

// Of row i the columns [lo + i * lo_step, hi + i * hi_step), of these the ones whose byte is not 0.
struct PassMask {
  bool by_range = false;  // else all columns
  std::int64_t lo = 0, hi = 0, lo_step = 0, hi_step = 0;
  const std::byte* bytes = nullptr;  // null: every byte would be set
  std::ptrdiff_t row_stride = 0;

  bool present() const { return by_range || bytes != nullptr; }
};

struct Columns {
  std::size_t from = 0, count = 0;
  std::size_t end() const { return from + count; }
};
Columns columns_in_range(const PassMask& mask, std::size_t row, std::size_t cols);

// Of those columns the chosen ones, -1 each; the others 0.
void choose_by_bytes(const PassMask& mask, std::size_t row, Columns columns, std::int32_t* chosen);
inline bool any_of(const std::int32_t* chosen, std::size_t n) {
  std::int32_t any = 0;
  for (std::size_t i = 0; i < n; ++i) any |= chosen[i];
  return any != 0;
}

// out[i] = chosen[i] ? t[i] : otherwise; out may be t.
void select(const std::int32_t* chosen, const float* t, float otherwise, float* out, std::size_t n);
void select(const std::int32_t* chosen, std::int32_t* t, std::size_t n);  // otherwise 0

}  // namespace assay::core
