// Softmax by columns: a line in each column, so that maxima and sums run down the rows, elementwise. The
// stripes of a column are 64 rows; whole strips of 64 rows are added to them in ascending order.
#pragma once

#include "ops/softmax/softmax_rows.hpp"

namespace softmax {

// One block of a group: `rows` of `cols` columns. Lines and blocks lie plan.lines columns apart.
struct ColumnBlock {
  u32 rows, cols;
  u32 x, p;
  u32 block;
};

class ByColumns {
 public:
  ByColumns(const Plan& plan, u32 dtype, u32 element)
      : plan_(plan), dtype_(dtype), element_(element), pitch_(plan.lines * 4) {}

  void summarise(const ColumnBlock& b) const {
    greatest(b);
    const Place scratch = f32_at(sums(b.block), 0), maximum = f32_at(plan_.maxima_at + b.block * pitch_, 0);
    VectorPass{1, b.cols, scratch}.scaled(kLog2e).to(maximum);
    VectorPass{1, b.cols, maximum}.biased(kLeast).maximum().apply(ASSAY_VECTOR_FUNCTION_ceil).to(maximum);
    VectorPass{1, b.cols, maximum}.scaled(kMinusOne).to(negatives(b.block));
    repeat(b);
    if (short_lines()) halve(b, p(b), half_of(b.rows), [](VectorPass&) {});
    else strips(b, p(b), [](VectorPass&) {});
  }

  void repeat(const ColumnBlock& b) const {
    VectorPass{b.rows, b.cols, x(b)}
        .scaled(kLog2e)
        .biased(negatives(b.block))
        .apply(ASSAY_VECTOR_FUNCTION_exp2)
        .to(p(b));
  }

  void combine(u32 cols) const {
    if (plan_.blocks == 1) return fold(cols);
    const Place top = f32_at(plan_.top_at, 0), factors = f32_at(plan_.factors_at, pitch_);
    for (u32 b = 0; b < plan_.blocks; ++b) {
      VectorPass pass{1, cols, f32_at(plan_.maxima_at + b * pitch_, 0)};
      if (b > 0) pass.biased(top).maximum();
      pass.to(top);
    }
    VectorPass{1, cols, top}.scaled(kMinusOne).to(f32_at(plan_.top_negative_at, 0));
    VectorPass{plan_.blocks, cols, f32_at(plan_.maxima_at, pitch_)}
        .biased(f32_at(plan_.top_negative_at, 0))
        .apply(ASSAY_VECTOR_FUNCTION_exp2)
        .to(factors);
    add_up(cols);
    fold(cols);
    VectorPass{plan_.blocks, cols, factors}.scaled(f32_at(plan_.reciprocal_at, 0)).to(factors);
  }

  void finish(const ColumnBlock& b) const {
    const u32 factors = plan_.blocks == 1 ? plan_.reciprocal_at : plan_.factors_at + b.block * pitch_;
    VectorPass{b.rows, b.cols, p(b)}.scaled(f32_at(factors, 0)).to(x(b));
  }

 private:
  Place x(const ColumnBlock& b) const { return {b.x, plan_.lines * element_, element_, dtype_}; }
  Place p(const ColumnBlock& b) const { return f32_at(b.p, pitch_); }
  Place negatives(u32 block) const { return f32_at(plan_.negatives_at + block * pitch_, 0); }
  u32 sums(u32 block) const { return plan_.sums_at + block * plan_.stripes * pitch_; }
  // Stripes for which a block has elements; the others of its 64 are +0 and add nothing.
  u32 stripes(u32 block) const { return block < plan_.full ? kStripes : min(plan_.tail, kStripes); }

  // Lines of one strip: the first halving reads x and P where they are.
  bool short_lines() const { return plan_.blocks == 1 && plan_.tail > 1 && plan_.tail <= kStripes; }
  static Place below(Place place, u32 rows) {
    place.at += rows * place.row;
    return place;
  }

  // Combines strips of 64 rows of `from` one after another into the block's stripes, the first two at once.
  template <typename How>
  void strips(const ColumnBlock& b, const Place& from, How how) const {
    const Place sum = f32_at(sums(b.block), pitch_);
    u32 row = kStripes;
    VectorPass first{min(kStripes, b.rows), b.cols, from};
    if (b.rows >= 2 * kStripes) {
      how(first.biased(below(from, kStripes)));
      row += kStripes;
    }
    first.to(sum);
    for (; row < b.rows; row += kStripes) {
      VectorPass pass{min(kStripes, b.rows - row), b.cols, below(from, row)};
      how(pass.biased(sum));
      pass.to(sum);
    }
  }

  // Combines row i of `from` with row i + half, for `half` to b.rows, into the block's stripes: `half`
  // remain.
  template <typename How>
  void halve(const ColumnBlock& b, const Place& from, u32 half, How how) const {
    const Place sum = f32_at(sums(b.block), pitch_);
    const u32 pairs = b.rows - half;
    VectorPass pass{pairs, b.cols, from};
    how(pass.biased(below(from, half)));
    pass.to(sum);
    if (pairs < half) VectorPass{half - pairs, b.cols, below(from, pairs)}.to(below(sum, pairs));
  }

  // The greatest x of every column, in the first row of the block's stripes. The product with log2 e keeps
  // the order, so that it can follow.
  void greatest(const ColumnBlock& b) const {
    const auto how = [](VectorPass& pass) { pass.maximum(); };
    u32 rows = min(b.rows, kStripes);
    if (short_lines()) halve(b, x(b), rows = (rows + 1) / 2, how);
    else strips(b, x(b), how);
    const Place top = f32_at(sums(b.block), pitch_);
    while (rows > 1) {
      const u32 half = rows / 2;
      rows -= half;
      VectorPass{half, b.cols, top}.biased(below(top, rows)).maximum().to(top);
    }
  }

  // The stripes of every block times its factor g, added up in those of the first.
  void add_up(u32 cols) const {
    for (u32 b = 0; b < plan_.blocks; ++b) {
      const Place sum = f32_at(sums(b), pitch_);
      VectorPass{stripes(b), cols, sum}.scaled(f32_at(plan_.factors_at + b * pitch_, 0)).to(sum);
    }
    const Place first = f32_at(plan_.sums_at, pitch_);
    for (u32 n = plan_.full; n > 1; n = half_of(n)) {
      const u32 half = half_of(n);
      VectorPass{(n - half) * kStripes, cols, first}.biased(f32_at(sums(half), pitch_)).to(first);
    }
    if (plan_.tail > 0)
      VectorPass{stripes(plan_.full), cols, first}.biased(f32_at(sums(plan_.full), pitch_)).to(first);
  }

  void fold(u32 cols) const {
    const Place sum = f32_at(plan_.sums_at, pitch_);
    u32 rows = short_lines() ? half_of(plan_.stripes) : plan_.stripes;
    for (u32 h = kStripes / 2; h >= 1; h /= 2) {
      if (rows <= h) continue;
      VectorPass{rows - h, cols, sum}.biased(below(sum, h)).to(sum);
      rows = h;
    }
    VectorPass{1, cols, sum}.apply(ASSAY_VECTOR_FUNCTION_reciprocal).to(f32_at(plan_.reciprocal_at, 0));
  }

  const Plan& plan_;
  const u32 dtype_, element_;
  const u32 pitch_;  // bytes between rows of f32
};

}  // namespace softmax
