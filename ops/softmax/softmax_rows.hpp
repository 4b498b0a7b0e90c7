// Softmax by rows: what the vector unit does with a group of lines, or with a piece of one.
#pragma once

#include "ops/device/vector.hpp"
#include "ops/softmax/softmax_plan.hpp"

namespace softmax {

using device::f32_at;
using device::min;
using device::Place;
using device::VectorPass;

constexpr u32 kLog2e = ASSAY_SOFTMAX_LOG2E, kLeast = ASSAY_SOFTMAX_LEAST, kMinusOne = 0xBF800000;

// Blocks of one length, a row of the vector unit each, dense in SPM.
struct Region {
  u32 blocks, cols;
  u32 x, p;   // addresses
  u32 index;  // of the first block in the plan's arrays
};

class ByRows {
 public:
  ByRows(const Plan& plan, u32 dtype, u32 element) : plan_(plan), dtype_(dtype), element_(element) {}

  // Maximum, exponentials and stripes of every block.
  void summarise(const Region& r) const {
    const bool staged = !plan_.resident;
    const u32 maxima = maximum_of(r),
              sums = staged ? plan_.piece_sums_at : plan_.sums_at + r.index * plan_.pitch;
    const u32 staged_maxima = staged ? plan_.piece_maxima_at : maxima;
    VectorPass{r.blocks, r.cols, x(r)}
        .scaled(kLog2e)
        .reduced(ASSAY_REDUCTION_max, staged_maxima, 4)
        .nowhere();
    VectorPass{1, r.blocks, f32_at(staged_maxima, 0)}
        .biased(kLeast)
        .maximum()
        .apply(ASSAY_VECTOR_FUNCTION_ceil)
        .to(f32_at(maxima, 0));
    VectorPass{1, r.blocks, f32_at(maxima, 0)}.scaled(kMinusOne).to(f32_at(negative_of(r), 0));
    exponentials(r).reduced(ASSAY_REDUCTION_sum, sums, plan_.pitch).to(p(r));
    if (staged)
      VectorPass{r.blocks, kStripes, f32_at(sums, plan_.pitch)}.to(
          f32_at(plan_.sums_at + r.index * plan_.pitch, plan_.pitch));
  }

  // The exponentials again.
  void repeat(const Region& r) const { exponentials(r).to(p(r)); }

  // The factor of every block, from what summarise() left of `lines` whole lines.
  void combine(u32 lines) const {
    if (plan_.blocks == 1) return fold(lines);
    tops(lines);
    const u32 f = plan_.full, g = plan_.factors_at, m = plan_.maxima_at;
    const auto power = [&](u32 rows, u32 cols, u32 index) {
      VectorPass{rows, cols, f32_at(plan_.top_at, 4, 0)}
          .scaled(kMinusOne)
          .biased(f32_at(m + index * 4, cols * 4))
          .apply(ASSAY_VECTOR_FUNCTION_exp2)
          .to(f32_at(g + index * 4, cols * 4));
    };
    if (f > 0) power(lines, f, 0);
    if (plan_.tail != 0) power(lines, 1, plan_.tail_index());
    add_up(lines);
    fold(lines);
    const auto factor = [&](u32 rows, u32 cols, u32 index) {
      VectorPass{rows, cols, f32_at(g + index * 4, cols * 4)}
          .scaled(f32_at(plan_.reciprocal_at, 4, 0))
          .to(f32_at(g + index * 4, cols * 4));
    };
    if (f > 0) factor(lines, f, 0);
    if (plan_.tail != 0) factor(lines, 1, plan_.tail_index());
  }

  // y in the place of x.
  void finish(const Region& r) const {
    const u32 factors = (plan_.blocks == 1 ? plan_.reciprocal_at : plan_.factors_at) + r.index * 4;
    VectorPass{r.blocks, r.cols, p(r)}.scaled(f32_at(factors, 4, 0)).to(x(r));
  }

 private:
  Place x(const Region& r) const { return {r.x, r.cols * element_, element_, dtype_}; }
  Place p(const Region& r) const { return f32_at(r.p, r.cols * 4); }
  u32 maximum_of(const Region& r) const { return plan_.maxima_at + r.index * 4; }
  u32 negative_of(const Region& r) const { return plan_.negatives_at + r.index * 4; }

  VectorPass exponentials(const Region& r) const {
    return VectorPass{r.blocks, r.cols, x(r)}
        .scaled(kLog2e)
        .biased(f32_at(negative_of(r), 4, 0))
        .apply(ASSAY_VECTOR_FUNCTION_exp2);
  }

  // The greatest of a line's maxima.
  void tops(u32 lines) const {
    const u32 f = plan_.full, m = plan_.maxima_at;
    if (f > 0) VectorPass{lines, f, f32_at(m, f * 4)}.reduced(ASSAY_REDUCTION_max, plan_.top_at, 4).nowhere();
    if (plan_.tail == 0) return;
    VectorPass pass{lines, 1, f32_at(m + plan_.tail_index() * 4, 4)};
    pass.accumulate = f > 0;
    pass.reduced(ASSAY_REDUCTION_max, plan_.top_at, 4).nowhere();
  }

  Place sums(u32 index) const { return f32_at(plan_.sums_at + index * plan_.pitch, plan_.pitch); }
  // Those of a line's full blocks, from block b on, as one row.
  Place full_sums(u32 b) const { return f32_at(plan_.sums_at + b * plan_.pitch, plan_.full * plan_.pitch); }
  Place tail_sums() const { return sums(plan_.tail_index()); }
  Place total() const { return f32_at(plan_.total_at, plan_.total_pitch); }

  // The stripes of each line's blocks times their factors g, added up.
  void add_up(u32 lines) const {
    if (plan_.full <= 3) return chain(lines);
    const auto scale = [&](u32 rows, const Place& sums, u32 index) {
      VectorPass{rows, kStripes, sums}.scaled(f32_at(plan_.factors_at + index * 4, 4, 0)).to(sums);
    };
    scale(lines * plan_.full, sums(0), 0);
    if (plan_.tail > 0) scale(lines, tail_sums(), plan_.tail_index());
    // Block b takes block b + half.
    for (u32 n = plan_.full; n > 1; n = half_of(n)) {
      const u32 half = half_of(n), pairs = n - half;
      VectorPass{lines, pairs * kStripes, full_sums(0)}
          .biased(full_sums(half))
          .to(half == 1 && plan_.tail == 0 ? total() : full_sums(0));
    }
    if (plan_.tail > 0) VectorPass{lines, kStripes, full_sums(0)}.biased(tail_sums()).to(total());
  }

  // The same of at most three full blocks, whose sum is a chain: T_0, T_2, T_1 and the tail, each multiplied
  // and added in one pass.
  void chain(u32 lines) const {
    const auto add = [&](const Place& sums, u32 factor, u32 factors, bool first) {
      VectorPass pass{lines, kStripes, sums};
      pass.accumulate = !first;
      pass.scaled(f32_at(plan_.factors_at + factor * 4, factors * 4, 0))
          .reduced(ASSAY_REDUCTION_sum, plan_.total_at, plan_.total_pitch)
          .nowhere();
    };
    const u32 f = plan_.full;
    if (f > 0) add(full_sums(0), 0, f, true);
    if (f > 2) add(full_sums(2), 2, f, false);
    if (f > 1) add(full_sums(1), 1, f, false);
    if (plan_.tail > 0) add(tail_sums(), plan_.tail_index(), 1, f == 0);
  }

  // reciprocal(the sum of the 64 stripes), line by line.
  void fold(u32 lines) const {
    const Place sums = total();
    for (u32 h = kStripes / 2; h > 1; h /= 2)
      VectorPass{lines, h, sums}.biased(f32_at(sums.at + h * 4, sums.row)).to(sums);
    VectorPass{lines, 1, sums}
        .biased(f32_at(sums.at + 4, sums.row))
        .apply(ASSAY_VECTOR_FUNCTION_reciprocal)
        .to(f32_at(plan_.reciprocal_at, 4));
  }

  const Plan& plan_;
  const u32 dtype_, element_;
};

}  // namespace softmax
