// How the kernel of matmul_nbits cuts its problem, for kernel and tests.
//
// Macro tiles of mt x nt results; for each, slabs of kt products. A slab holds A's rows, B's part, and the
// scales and zero points of its groups. The array takes B's tiles column by column of the array (panels), so
// that a column's partial sums are back when it comes again.
#pragma once

#include "ops/device/device.hpp"
#include "ops/nbits/nbits_args.h"

namespace nbits {

using namespace device;

struct Problem {
  u64 m, n, k;
  Divisor group, cols;      // products of a group; columns of the array
  bool along_k, has_zeros;  // along_k: a line of B is a column
  u32 b_bits, scale_bytes, out_bytes;
};

struct Plan {
  u64 mt, nt, kt;
  Divisor step;                        // products of an array tile: whole groups, or a part of one
  u64 a_line, b_line, s_line, z_line;  // bytes of SPM between lines
  u64 b_at, s_at, z_at, slab;          // offsets in a slab, and its bytes
  u64 slabs;                           // in SPM at a time
  u64 stage;                           // bytes of one of two stages of results
  u64 acc_pitch, acc_half;
};

// Lines an odd number of bank words apart lie in different banks.
constexpr u64 odd_stride(u64 bytes, u64 word) {
  const u64 stride = align_up(bytes, word);
  return (stride & word) == 0 ? stride + word : stride;
}

inline void lay_out(const Problem& p, const assay_machine& m, Plan& plan) {
  const u64 word = m.spm_bank_bytes;
  const u64 groups = min(p.group.ceil(p.k), p.group.floor(plan.kt) + 2);  // that a slab may touch
  const u64 lines = p.along_k ? plan.nt : plan.kt, length = p.along_k ? plan.kt : plan.nt;
  plan.a_line = odd_stride(plan.kt * 2, word);
  plan.b_line = odd_stride(length * p.b_bits / 8, word);
  plan.s_line = align_up((p.along_k ? groups : plan.nt) * p.scale_bytes, 4);
  plan.z_line = align_up(p.along_k ? groups : plan.nt, 4);
  const u64 table_lines = p.along_k ? plan.nt : groups;
  plan.b_at = align_up(plan.mt * plan.a_line, word);
  plan.s_at = plan.b_at + lines * plan.b_line;
  plan.z_at = align_up(plan.s_at + table_lines * plan.s_line, word);
  plan.slab = align_up(plan.z_at + (p.has_zeros ? table_lines * plan.z_line : 0), word);
  plan.stage = align_up(plan.mt * plan.nt * p.out_bytes, word);
  plan.acc_pitch = plan.nt * 4;
}

// False where not even the smallest tiles fit.
inline bool make_plan(const Problem& p, const assay_machine& m, u64 chain, Plan& plan) {
  constexpr u64 kPanels = 16, kMostRows = 256, kMostSlabs = 4, kRun = 256, kDepth = 128, kTiles = 32;
  // kRun: bytes of a line along k; kDepth, kTiles: products and array tiles of another
  // slab at least, so that its few transfers and orders take less time than its tiles.
  const u64 tile_k = m.mxu_rows * chain, cols = p.cols.value(), group = p.group.value();
  const Divisor step(static_cast<u32>(group <= tile_k ? p.group.floor(tile_k) * group : tile_k));
  plan.step = step;
  plan.nt = min(p.cols.round_up(p.n), kPanels * cols);
  const u64 depth = max(kDepth, kTiles * cols * tile_k / plan.nt);
  plan.kt = min(p.k, step.round_up(p.along_k ? kRun * 8 / p.b_bits : depth));
  plan.mt = min(p.m, kMostRows);
  plan.acc_half = m.acc_bytes / 2 & ~(m.acc_bank_bytes - 1u);
  for (;;) {
    lay_out(p, m, plan);
    const u64 stages_at = m.spm_bytes - min<u64>(m.spm_bytes, 2 * plan.stage);
    plan.slabs = 0;
    for (u64 end = plan.slab; end <= stages_at && plan.slabs < kMostSlabs; end += plan.slab) ++plan.slabs;
    if (plan.slabs >= 2 && plan.mt * plan.acc_pitch <= plan.acc_half) return true;
    if (plan.mt > 32) plan.mt = (plan.mt + 1) / 2;
    else if (plan.nt > 4 * cols) plan.nt = p.cols.round_up(plan.nt / 2);
    else if (plan.kt > step.value()) plan.kt = step.round_up(plan.kt / 2);
    else if (plan.mt > 1) plan.mt = (plan.mt + 1) / 2;
    else if (plan.nt > cols) plan.nt = p.cols.round_up(plan.nt / 2);
    else return false;
  }
}

}  // namespace nbits
