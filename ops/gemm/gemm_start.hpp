// A head start for the GEMM kernel where nothing is transposed and everything comes in whole tiles: weight
// stationary, the first slab is on its way before the general case would have looked at all of its arguments.
//
// Three parts, so that the array starts early: some rows of A with a tile of columns of B, the other rows,
// the other columns. The first operands take about 200 cycles to arrive; before that, the host, which issues
// one instruction at a time, must have come to the order of the products.
#pragma once

#include "ops/gemm/gemm_plan.hpp"

namespace gemm {

class WholeTiles {
 public:
  WholeTiles(const assay_args& args, const assay_gemm_attributes& at)
      : at_(at),
        m_(machine()),
        a_(args.tensors[0]),
        b_(args.tensors[1]),
        element_(element_bytes(a_.dtype)),
        tile_(m_.mxu_rows),
        kt_(tile_ * m_.mxu_chain[a_.dtype]),
        a_line_(kt_ * element_),
        b_line_(tile_ * element_),
        panel_(tile_ * a_line_),
        a_hbm_line_(at.k * element_),
        b_hbm_line_(at.n * element_),
        middle_(m_.spm_bytes / 2),
        acc_half_(m_.acc_bytes / 2) {}

  // The case is one of these; two tiles of rows and one of columns have room, with results and C of four
  // bytes.
  bool fits() const {
    const bool plain = (at_.trans_a | at_.trans_b) == 0 && at_.dataflow <= ASSAY_GEMM_WS &&
                       a_.dtype == b_.dtype && (at_.special & ASSAY_GEMM_KINDS) == 0;
    if (!plain || (kt_ & (kt_ - 1)) != 0 || tile_ != m_.mxu_cols) return false;
    const bool whole = ((at_.m | at_.n | at_.k) & (kt_ - 1)) == 0 && at_.m > tile_ && at_.k > kt_;
    if (!whole || a_line_ < 256 || (b_line_ & (m_.spm_bank_bytes - 1)) != 0) return false;
    return 4 * panel_ + 16 * tile_ * tile_ <= middle_ && 8 * tile_ * tile_ <= acc_half_;
  }

  // Leaves what make_plan(), configure() and the first slab of the general case would have left.
  [[gnu::always_inline]] void start(Plan& plan) const {
    load_panels(0, 1);
    load_rows(0, tile_ / 2);
    load_rows(tile_ / 2, tile_ / 2);
    plan_tiles(plan);
    const u64 mt = plan.mt, pitch = plan.acc_pitch;
    u64 loaded = load_block(tile_, mt);
    u64 more_panels = 0;

    const u64 format = assay_pack_mxu_format(a_.dtype, 0, 0, 0, 0);
    const u64 resident = format | assay_pack_mxu_format(0, 0, 0, 0, 1);
    const u64 size = assay_pack_mxu_size(0, static_cast<u32>(tile_), static_cast<u32>(kt_));
    assay_cfg2_mxu_strides(a_line_ | b_line_ << 32, pitch);
    assay_sem_wait(kMxu, kOperandsFilled);
    for (u64 row = 0; row < mt;) {
      const u64 rows = block(row, mt);
      assay_cfg2_mxu_format(resident, size | rows);
      assay_mxu_load(static_cast<u32>(middle_));  // while A comes
      multiply(row * a_line_, 0, row * pitch);
      row += rows;
      if (row < tile_) continue;
      if (loaded < mt) {
        loaded = load_block(loaded, mt);
      } else if (more_panels == 0 && plan.nt > tile_) {
        more_panels = Divisor(static_cast<u32>(tile_)).floor(plan.nt) - 1;
        load_panels(1, more_panels);
      }
    }
    assay_cfg2_mxu_inner_step(panel_ << 32, a_line_ | panel_ << 32);
    assay_cfg_mxu_acc_step(tile_ * 4);
    if (more_panels > 0) {
      assay_cfg2_mxu_format(format, size | mt);
      assay_cfg2_mxu_repeat(assay_pack_mxu_repeat(static_cast<u32>(more_panels), 0, 1), 0);
      multiply(0, panel_, tile_ * 4);
    }
    plan.a_line = a_line_;
    plan.a_slab = mt * a_line_;
    plan.a_whole = false;
    plan.b_line = b_line_;
    plan.b_slab = (1 + more_panels) * panel_;
  }

 private:
  // Macro tiles as in make_plan(), but no smaller than fits() says.
  void plan_tiles(Plan& plan) const {
    u64 mt = at_.m, nt = at_.n, strip, stage_half, stage;
    for (;;) {
      strip = max(tile_, mt / 2);
      stage_half = strip * nt * 4;
      stage = at_.terms != 0 ? 2 * stage_half : stage_half;
      const bool spm = 2 * mt * a_line_ <= middle_ && 2 * (nt * a_line_ + stage) <= middle_;
      if (spm && mt * nt * 4 <= acc_half_) break;
      if ((mt > nt && mt > 2 * tile_) || nt == tile_) mt = align_up(mt / 2, tile_);
      else nt = align_up(nt / 2, tile_);
    }
    plan.mt = mt;
    plan.nt = nt;
    plan.kt = kt_;
    plan.acc_half = acc_half_;
    plan.acc_pitch = nt * 4;
    plan.middle = middle_;
    plan.b_panel = panel_;
    plan.strip = strip;
    plan.stage_half = stage_half;
    plan.stage = stage;
  }

  void load_panels(u64 first, u64 count) const {
    const u64 from = b_.address + first * b_line_;
    const u32 to = static_cast<u32>(middle_ + first * panel_), line = static_cast<u32>(b_line_);
    const u32 depth = static_cast<u32>(kt_);
    if (count == 1) dma_in({from, to, line, depth, b_hbm_line_, line});
    else
      dma_in_planes({{from, to, line, static_cast<u32>(count), b_line_, static_cast<u32>(panel_)},
                     depth,
                     b_hbm_line_,
                     line});
    assay_sem_signal(kDmaIn, kOperandsFilled);
  }

  // Of the rows from `row` on, so many that the array has enough to do until the next ones are there.
  u64 block(u64 row, u64 mt) const { return row < tile_ ? tile_ / 2 : min(mt - row, max(tile_, row / 2)); }
  u64 load_block(u64 row, u64 mt) const {
    const u64 rows = block(row, mt);
    load_rows(row, rows);
    return row + rows;
  }
  void load_rows(u64 first, u64 count) const {
    dma_in({a_.address + first * a_hbm_line_, static_cast<u32>(first * a_line_), static_cast<u32>(a_line_),
            static_cast<u32>(count), a_hbm_line_, static_cast<u32>(a_line_)});
    assay_sem_signal(kDmaIn, kOperandsFilled);
  }

  // From these places in A's and B's slab and in ACC, when what was ordered next to last is there.
  void multiply(u64 a, u64 b, u64 result) const {
    assay_sem_wait(kMxu, kOperandsFilled);
    assay_mxu_ws(static_cast<u32>(a), static_cast<u32>(middle_ + b), acc(static_cast<u32>(result)));
  }

  const assay_gemm_attributes& at_;
  const assay_machine& m_;
  const assay_tensor &a_, &b_;
  const u64 element_, tile_, kt_;
  const u64 a_line_, b_line_, panel_;  // bytes in SPM; the panel's are those of as many rows of A
  const u64 a_hbm_line_, b_hbm_line_;
  const u64 middle_, acc_half_;
};

}  // namespace gemm
