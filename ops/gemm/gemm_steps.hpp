// The order in which the GEMM kernel goes through its problem: slab by slab of each macro tile, tile by tile
// of each batch; and the blocks that it ends with.
#pragma once

#include "ops/gemm/gemm_plan.hpp"

namespace gemm {

// A slab of a macro tile. One Step walks ahead, loading operands, another one follows and multiplies.
struct Step {
  u64 batch, row, col, k;  // of its first elements
  u64 rows, cols, depth;
  u64 a_base, b_base;  // HBM: the batch's A and B
  u64 a_from, b_from;  // HBM: this slab's first elements of them
  u64 a_at, b_at;      // SPM: its operands
  bool ends_tile, last;
};

// Part of a macro tile, from its first row and column.
struct Part {
  u64 row, rows, col, cols;
};

// The rows or columns that end a run, in blocks of whole units: `most` at a time, so that the vector unit and
// the stores keep up with the array; and where it tapers ever fewer, half of what remains, down to `least`,
// so that little is left to do when the array has finished.
class Blocks {
 public:
  Blocks(u64 total, const Divisor& unit, u64 least, u64 most, bool tapers)
      : unit_(unit), total_(total), least_(least), most_(most), tapers_(tapers) {
    take();
  }
  explicit operator bool() const { return size_ > 0; }
  u64 at() const { return at_; }
  u64 size() const { return size_; }
  bool last() const { return at_ + size_ == total_; }
  void next() {
    at_ += size_;
    take();
  }

 private:
  void take() {
    const u64 rest = total_ - at_;
    size_ = min(rest, most_);
    if (tapers_) size_ = min(size_, max(least_, unit_.round_up(3 * rest / 8)));
  }

  const Divisor& unit_;
  const u64 total_, least_, most_;
  const bool tapers_;
  u64 at_ = 0, size_;
};

// Columns of a slab: what the products with any rows of A have in common.
struct Columns {
  u64 format, size, repeat, outer_tail;  // registers of the MXU; the size without rows
  u64 b, acc;                            // addresses
};

}  // namespace gemm
