#include "core/mxu/pattern.hpp"

#include <algorithm>
#include <cstring>

namespace assay::core {
namespace {

// The index that `outer` and `inner` repetitions of `extent` each lead to.
std::uint64_t advanced(std::uint64_t first, bool by_inner, bool by_outer, std::uint64_t inner,
                       std::uint64_t outer, std::uint64_t extent) {
  return first + ((by_inner ? inner : 0) + (by_outer ? outer : 0)) * extent;
}

// Boxes of [from, to) of the indices that digits 0 .. d make, digits above being `box` already.
template <std::size_t N>
void split(const std::array<Digit, N>& digits, std::size_t d, std::uint64_t from, std::uint64_t to,
           DigitBox<N> box, std::vector<DigitBox<N>>& out) {
  if (from >= to) return;
  std::uint64_t unit = 1;  // indices that a step of digit d spans
  for (std::size_t i = 0; i < d; ++i) unit *= digits[i].count;
  const std::uint64_t first = from / unit, last = (to - 1) / unit;
  const auto partial = [&](std::uint64_t value, std::uint64_t low, std::uint64_t high) {
    box[d] = {value, 1};
    split(digits, d - 1, low - value * unit, high - value * unit, box, out);
  };
  const bool head = from % unit != 0, tail = to % unit != 0;
  if (first == last && (head || tail)) return partial(first, from, to);
  if (head) partial(first, from, (first + 1) * unit);
  const std::uint64_t whole_from = head ? first + 1 : first, whole_to = tail ? last : last + 1;
  if (whole_from < whole_to) {
    box[d] = {whole_from, whole_to - whole_from};
    for (std::size_t i = 0; i < d; ++i) box[i] = {0, digits[i].count};
    out.push_back(box);
  }
  if (tail) partial(last, last * unit, to);
}

}  // namespace

IndexRange OperandPattern::line_range(std::uint64_t outer, std::uint64_t inner, std::uint64_t extent,
                                      std::uint64_t count) const {
  return {advanced(first_line, inner_lines, outer_lines, inner, outer, extent), count};
}
IndexRange OperandPattern::product_range(std::uint64_t outer, std::uint64_t inner, std::uint64_t extent,
                                         std::uint64_t count) const {
  return {advanced(first_product, inner_products, outer_products, inner, outer, extent), count};
}

OperandPattern pattern_of_a(const isa::MxuCommand& c) {
  OperandPattern p;
  p.on = c.a_pattern;
  p.lines = {{{c.a_row_count0, c.a_row_stride0}, {c.a_row_count1, c.a_row_stride1}, {0, c.a_row_stride2}}};
  p.products = {{{c.a_k_count0, c.a_k_stride0},
                 {c.a_k_count1, c.a_k_stride1},
                 {c.a_k_count2, c.a_k_stride2},
                 {0, c.a_k_stride3}}};
  p.first_line = c.a_first_row;
  p.first_product = c.a_first_k;
  p.inner_lines = c.a_inner_rows;
  p.inner_products = c.a_inner_k;
  p.outer_lines = c.a_outer_rows;
  p.outer_products = c.a_outer_k;
  return p;
}

OperandPattern pattern_of_b(const isa::MxuCommand& c) {
  OperandPattern p;
  p.on = c.b_pattern;
  p.lines = {{{c.b_col_count0, c.b_col_stride0}, {c.b_col_count1, c.b_col_stride1}, {0, c.b_col_stride2}}};
  p.products = {{{c.b_k_count0, c.b_k_stride0},
                 {c.b_k_count1, c.b_k_stride1},
                 {c.b_k_count2, c.b_k_stride2},
                 {0, c.b_k_stride3}}};
  p.first_line = c.b_first_col;
  p.first_product = c.b_first_k;
  p.inner_lines = c.b_inner_cols;
  p.inner_products = c.b_inner_k;
  p.outer_lines = c.b_outer_cols;
  p.outer_products = c.b_outer_k;
  return p;
}

template <std::size_t N>
std::vector<DigitBox<N>> boxes_of(const std::array<Digit, N>& digits, IndexRange range) {
  std::vector<DigitBox<N>> out;
  split(digits, N - 1, range.first, range.first + range.count, DigitBox<N>{}, out);
  return out;
}
template std::vector<DigitBox<kLineDigits>> boxes_of(const std::array<Digit, kLineDigits>&, IndexRange);
template std::vector<DigitBox<kProductDigits>> boxes_of(const std::array<Digit, kProductDigits>&, IndexRange);

void gather(const std::byte* base, const std::vector<std::int64_t>& lines,
            const std::vector<std::int64_t>& products, std::size_t element, std::vector<std::byte>& out) {
  struct Run {
    std::int64_t offset;
    std::size_t bytes;
  };
  std::vector<Run> runs;
  for (const std::int64_t offset : products) {
    if (!runs.empty() && offset == runs.back().offset + static_cast<std::int64_t>(runs.back().bytes))
      runs.back().bytes += element;
    else runs.push_back({offset, element});
  }
  out.resize(std::max(out.size(), lines.size() * products.size() * element));
  std::byte* to = out.data();
  for (const std::int64_t line : lines)
    for (const Run& run : runs) {
      std::memcpy(to, base + line + run.offset, run.bytes);
      to += run.bytes;
    }
}

}  // namespace assay::core
