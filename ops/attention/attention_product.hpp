// The array's commands for Q K^T and for P V: a streamed operand times stationary tiles, for one kv head or
// for several in turn.
#pragma once

#include "ops/attention/attention_plan.hpp"

namespace attention {

class Product {
 public:
  // Bytes: between lines of A, of B, of the result; from one k of A to the next, one column and one k of B;
  // from one unit to the next.
  struct Kind {
    u32 dtype, a_pitch, b_pitch, r_pitch;
    u32 a_k, b_column, b_k;
    u32 a_unit, b_unit, r_unit;
    bool a_k_major, b_n_major, s8_columns, dequantised;  // B is s8, and A is not
  };
  // Rows of each unit, columns, products.
  struct Extent {
    u64 rows, n, k, units;
    bool operator==(const Extent& e) const {
      return rows == e.rows && n == e.n && k == e.k && units == e.units;
    }
  };

  Product(const Kind& kind, const Plan& plan, const assay_machine& machine)
      : kind_(kind), cols_(machine.mxu_cols), tile_k_(machine.mxu_rows * machine.mxu_chain[kind.dtype]) {
    const u32 tile_k = static_cast<u32>(tile_k_.value()), cols = static_cast<u32>(cols_.value());
    format_ = assay_pack_mxu_format(kind.dtype, kind.a_k_major, kind.b_n_major, 0, 0);
    kinds_ = assay_pack_mxu_kinds(
        kind.s8_columns ? u32{ASSAY_STATIONARY_FORMAT_s8} : u32{ASSAY_STATIONARY_FORMAT_same}, 0, 0, 0);
    dequant_ = kind.dequantised ? assay_pack_mxu_dequant(plan.one_at, tile_k, ASSAY_DTYPE_f32, 0) : 0;
    strides_ = assay_pack_mxu_strides(kind.a_pitch, kind.b_pitch);
    inner_step_ = assay_pack_mxu_inner_step(0, static_cast<int32_t>(cols * kind.b_column));
    a_next_k_ = tile_k * kind.a_k;
    b_next_k_ = tile_k * kind.b_k;
  }

  // result (+)= A times B; skip_minus_zero: where an element of A is -0 its products are left out.
  void multiply(const Extent& e, u32 a, u32 b, u32 result, bool accumulate, bool skip_minus_zero) {
    if (!(e == extent_)) prepare(e);
    assay_cfg2_mxu_kinds(kinds_ | assay_pack_mxu_kinds(0, 0, 0, skip_minus_zero), dequant_);
    assay_cfg2_mxu_strides(strides_, kind_.r_pitch);
    assay_cfg2_mxu_inner_step(inner_step_, outer_step_);
    assay_cfg_mxu_acc_step(acc_step_);
    for (u32 left = launches_;; accumulate = true) {
      const bool last = --left == 0;
      assay_cfg2_mxu_format(format_ | assay_pack_mxu_format(0, 0, 0, accumulate, 0),
                            last ? last_size_ : size_);
      assay_cfg2_mxu_repeat(repeat_, tail_);
      assay_mxu_ws(a, b, result);
      if (last) return;
      a += a_next_k_;
      b += b_next_k_;
    }
  }

 private:
  // One unit: a command, whose outer repetitions are the tiles of k. Several: a command for each tile of k,
  // whose outer repetitions are the units, so that a partial result is back when its next products come.
  [[gnu::noinline]] void prepare(const Extent& e) {
    extent_ = e;
    const u64 inner = cols_.ceil(e.n), tiles = tile_k_.ceil(e.k), tile_k = tile_k_.value();
    const u32 last_n = static_cast<u32>(e.n - (inner - 1) * cols_.value());
    const u32 last_k = static_cast<u32>(e.k - (tiles - 1) * tile_k);
    const bool one = e.units == 1;
    const auto size = [&](u64 k) {
      return assay_pack_mxu_size(static_cast<u32>(e.rows), static_cast<u32>(min(e.n, cols_.value())),
                                 static_cast<u32>(k));
    };
    launches_ = one ? 1 : static_cast<u32>(tiles);
    size_ = size(min(e.k, tile_k));
    last_size_ = one ? size_ : size(last_k);
    tail_ = assay_pack_mxu_outer_tail(one ? last_k : 0);
    repeat_ = assay_pack_mxu_repeat(static_cast<u32>(inner), last_n, static_cast<u32>(one ? tiles : e.units));
    const u32 next_a = one ? a_next_k_ : kind_.a_unit, next_b = one ? b_next_k_ : kind_.b_unit;
    outer_step_ = assay_pack_mxu_outer_step(static_cast<int32_t>(next_a), static_cast<int32_t>(next_b));
    acc_step_ = assay_pack_mxu_acc_step(static_cast<int32_t>(cols_.value() * 4),
                                        one ? 0 : static_cast<int32_t>(kind_.r_unit));
  }

  const Kind kind_;
  const device::Divisor cols_, tile_k_;
  u64 format_, kinds_, dequant_, strides_, inner_step_;
  u32 a_next_k_, b_next_k_;
  // Of the extent that came last.
  Extent extent_{0, 0, 0, 0};
  u32 launches_ = 0;
  u64 size_ = 0, last_size_ = 0, repeat_ = 0, tail_ = 0, outer_step_ = 0, acc_step_ = 0;
};

}  // namespace attention
