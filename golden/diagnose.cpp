#include "golden/diagnose.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace assay::golden {
namespace {

// The output as one tall matrix: the last dimension across, all others down.
struct Box {
  std::size_t cols;
  std::size_t first_row, last_row, first_col, last_col;
  std::size_t rows_hit() const { return last_row - first_row + 1; }
  std::size_t cols_hit() const { return last_col - first_col + 1; }
};

Box box_of(const Evidence& e) {
  const std::size_t cols = e.shape.empty() ? 1 : static_cast<std::size_t>(e.shape.back());
  Box box{cols, e.wrong.front() / cols, e.wrong.back() / cols, cols, 0};
  for (const std::size_t i : e.wrong) {
    box.first_col = std::min(box.first_col, i % cols);
    box.last_col = std::max(box.last_col, i % cols);
  }
  return box;
}

// The share of wrong elements for which `holds`, at least nine in ten.
template <typename Predicate>
bool mostly(const Evidence& e, Predicate holds) {
  const auto count = static_cast<std::size_t>(std::count_if(e.wrong.begin(), e.wrong.end(), holds));
  return count * 10 >= e.wrong.size() * 9;
}

// All wrong values are one constant multiple of what was expected.
std::optional<double> common_ratio(const Evidence& e) {
  const std::size_t first = e.wrong.front();
  const double ratio = e.got[first] / e.reference(first);
  if (!std::isfinite(ratio) || ratio == 0) return std::nullopt;
  const double slack = 0.05 * std::fabs(ratio - 1);  // the errors are proportional, not only small
  const bool same = mostly(e, [&](std::size_t i) {
    const double want = ratio * e.reference(i);
    return std::isfinite(want) && std::fabs(e.got[i] - want) <= slack * std::fabs(want);
  });
  return same ? std::optional(ratio) : std::nullopt;
}

// Wrong values are right `distance` elements further on.
bool shifted_by(const Evidence& e, std::ptrdiff_t distance) {
  const auto count = static_cast<std::ptrdiff_t>(e.got.size());
  return mostly(e, [&](std::size_t i) {
    const std::ptrdiff_t j = static_cast<std::ptrdiff_t>(i) + distance;
    return j >= 0 && j < count && e.fits(e.got[i], static_cast<std::size_t>(j));
  });
}

// Each matrix holds its transpose's elements in the order of memory: what a row-major writer and a
// column-major reader make of one another.
bool is_transposed(const Evidence& e) {
  const std::size_t rank = e.shape.size();
  if (rank < 2) return false;
  const auto rows = static_cast<std::size_t>(e.shape[rank - 2]),
             cols = static_cast<std::size_t>(e.shape[rank - 1]);
  if (rows < 2 || cols < 2) return false;
  return mostly(e, [&](std::size_t i) {
    const std::size_t at = i % (rows * cols);
    return e.fits(e.got[i], i - at + at % rows * cols + at / rows);
  });
}

std::optional<Diagnosis> by_value(const Evidence& e, const Box& box) {
  if (mostly(e, [&](std::size_t i) { return e.fits(-e.got[i], i); }))
    return Diagnosis{Pattern::Sign, "the sign is inverted: a negated operand, alpha or beta"};
  const double constant = e.got[e.wrong.front()];
  const bool all_same = std::all_of(e.wrong.begin(), e.wrong.end(), [&](std::size_t i) {
    return e.got[i] == constant || (std::isnan(e.got[i]) && std::isnan(constant));
  });
  if (all_same)
    return Diagnosis{
        Pattern::Stale,
        fmt::format("every wrong element holds {:.6g}: never written, or initial contents", constant)};
  const auto cols = static_cast<std::ptrdiff_t>(box.cols);
  const auto tile_cols = static_cast<std::ptrdiff_t>(e.tile_cols);
  const auto tile_rows = static_cast<std::ptrdiff_t>(e.tile_rows);
  for (const std::ptrdiff_t distance : {std::ptrdiff_t{1}, std::ptrdiff_t{-1}, cols, -cols})
    if (shifted_by(e, distance))
      return Diagnosis{Pattern::Shift, fmt::format("each value belongs {} elements further on: an address or "
                                                   "stride is off by one {}",
                                                   distance, std::abs(distance) == 1 ? "column" : "row")};
  for (const std::ptrdiff_t distance : {-tile_cols, -tile_rows * cols})
    if (distance != 0 && shifted_by(e, distance))
      return Diagnosis{Pattern::Stale,
                       "each value is the previous tile's: a buffer was used before it was refilled"};
  if (is_transposed(e))
    return Diagnosis{
        Pattern::Transposed,
        "the values are the transposed matrix's: rows and columns of the output, or of both operands"};
  if (const auto ratio = common_ratio(e))
    return Diagnosis{Pattern::Scale,
                     fmt::format("each value is {:.4g} times the right one: alpha, beta or a scale", *ratio)};
  return std::nullopt;
}

bool within_one_tile(const Evidence& e, const Box& box) {
  if (e.tile_rows <= 0 || e.tile_cols <= 0) return e.wrong.size() == box.rows_hit() * box.cols_hit();
  const auto rows = static_cast<std::size_t>(e.tile_rows);
  const auto cols = static_cast<std::size_t>(e.tile_cols);
  return box.first_row / rows == box.last_row / rows && box.first_col / cols == box.last_col / cols;
}

Diagnosis by_place(const Evidence& e, const Box& box) {
  if (box.rows_hit() == 1)
    return {Pattern::OneRow, fmt::format("all in row {}: a row's address, or a tail of M", box.first_row)};
  if (box.cols_hit() == 1)
    return {
        Pattern::OneColumn,
        fmt::format("all in column {}: a column's bias or stationary column, or a tail of N", box.first_col)};
  const bool whole = e.wrong.size() == e.got.size();
  if (!whole && within_one_tile(e, box))
    return {Pattern::OneTile,
            fmt::format("all in rows {} to {}, columns {} to {}: one tile's operands, or its K steps",
                        box.first_row, box.last_row, box.first_col, box.last_col)};
  return {Pattern::Scattered, whole ? "every element: an operand, layout, or a missing K step"
                                    : "scattered: rounding, a race, or special values"};
}

}  // namespace

std::string_view to_string(Pattern pattern) {
  switch (pattern) {
    case Pattern::None: return "none";
    case Pattern::SingleElement: return "single element";
    case Pattern::OneRow: return "one row";
    case Pattern::OneColumn: return "one column";
    case Pattern::OneTile: return "one tile";
    case Pattern::Shift: return "shift";
    case Pattern::Sign: return "sign";
    case Pattern::Scale: return "scale";
    case Pattern::Stale: return "stale";
    case Pattern::Transposed: return "transposed";
    case Pattern::Scattered: return "scattered";
  }
  return "?";
}

Diagnosis diagnose(const Evidence& evidence) {
  const Box box = box_of(evidence);
  if (evidence.wrong.size() == 1)
    return {Pattern::SingleElement,
            fmt::format("one element, row {}, column {}: a tail, or a race", box.first_row, box.first_col)};
  if (const auto diagnosis = by_value(evidence, box)) return *diagnosis;
  return by_place(evidence, box);
}

}  // namespace assay::golden
