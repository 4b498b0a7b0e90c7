// How the GEMM kernel cuts its problem to the machine: freestanding, also compiled on the host by tests.
//
// The result is cut into macro tiles of mt x nt that accumulate in one half of ACC while the other half
// is being emptied; K is cut into chunks of kt that pass through one half of the operands' SPM. A macro
// tile's results leave in strips of `strip` rows.
#pragma once

#include "ops/device/device.hpp"
#include "ops/gemm/gemm_args.h"

namespace gemm {

using device::u32;
using device::u64;

struct Problem {
  u64 m, n, k;
  u32 element, out_element, c_element;  // bytes; c_element 0 without C
  u32 tile_m, tile_n, tile_k;           // array rows, columns, stationary rows (rows x chain)
  u32 chain, cycles_per_step;
  u32 dataflow;      // enum assay_gemm_dataflow
  bool direct;       // results go from ACC to HBM as they are
  bool trans_a, trans_b;
};

struct Plan {
  bool feasible = false;
  bool output_stationary = false;
  u32 mt = 0, nt = 0, kt = 0, strip = 0;
  u32 a_stride = 0, b_stride = 0;             // bytes between SPM lines of A and B
  u32 a_bytes = 0, b_bytes = 0;               // of one chunk
  u32 out_bytes = 0, c_bytes = 0;             // of one strip
  u32 a_at[2] = {}, b_at[2] = {}, out_at[2] = {}, c_at[2] = {};  // SPM addresses
  u32 acc_at[2] = {};                         // offsets in ACC
};

constexpr u32 kLine = 64;  // SPM lines start on bank words

// Bytes of SPM that a plan needs; fills the sizes and strides that follow from mt, nt, kt, strip.
inline u64 size_spm(const Problem& p, Plan& plan) {
  const u64 a_line = device::align_up(u64{p.trans_a ? plan.mt : plan.kt} * p.element, kLine);
  const u64 b_line = device::align_up(u64{p.trans_b ? plan.kt : plan.nt} * p.element, kLine);
  const u64 a_bytes = a_line * (p.trans_a ? plan.kt : plan.mt);
  const u64 b_bytes = b_line * (p.trans_b ? plan.nt : plan.kt);
  const u64 out_bytes = p.direct ? 0 : device::align_up(u64{plan.strip} * plan.nt * p.out_element, kLine);
  const u64 c_bytes = device::align_up(u64{plan.strip} * plan.nt * p.c_element, kLine);
  plan.a_stride = static_cast<u32>(a_line);
  plan.b_stride = static_cast<u32>(b_line);
  plan.a_bytes = static_cast<u32>(a_bytes);
  plan.b_bytes = static_cast<u32>(b_bytes);
  plan.out_bytes = static_cast<u32>(out_bytes);
  plan.c_bytes = static_cast<u32>(c_bytes);
  return 2 * (a_bytes + b_bytes + out_bytes + c_bytes);
}

// Weight stationary holds the array for a row per stationary tile, and stalls where a column of tiles
// comes back to its accumulators before they are written (R + C); output stationary holds it for a k
// step per result tile.
inline bool prefer_output_stationary(const Problem& p, const Plan& plan) {
  const u64 n_tiles = device::ceil_div(plan.nt, p.tile_n);
  const u64 ws_step = device::max<u64>(n_tiles * plan.mt * p.cycles_per_step, u64{p.tile_m} + p.tile_n);
  const u64 ws = ws_step * device::ceil_div(p.k, p.tile_k);
  const u64 os_steps = device::ceil_div(plan.kt, p.chain) * p.cycles_per_step;
  const u64 os_tile = device::max<u64>(os_steps, p.tile_m) * device::ceil_div(p.k, plan.kt);
  return os_tile * n_tiles * device::ceil_div(plan.mt, p.tile_m) < ws;
}

// Halves the larger side of the macro tile, in whole array tiles; false where it is one tile already.
inline bool shrink(const Problem& p, Plan& plan) {
  const bool can_m = plan.mt > p.tile_m, can_n = plan.nt > p.tile_n;
  if (!can_m && !can_n) return false;
  if (can_m && (plan.mt >= plan.nt || !can_n))
    plan.mt = static_cast<u32>(device::round_up(plan.mt / 2, p.tile_m));
  else
    plan.nt = static_cast<u32>(device::round_up(plan.nt / 2, p.tile_n));
  return true;
}

inline void place(Plan& plan, u64 acc_half) {
  u32 at = 0;
  for (int i = 0; i < 2; ++i) {
    plan.a_at[i] = at;
    plan.b_at[i] = at + plan.a_bytes;
    at = plan.b_at[i] + plan.b_bytes;
  }
  for (int i = 0; i < 2; ++i) {
    plan.out_at[i] = at;
    plan.c_at[i] = at + plan.out_bytes;
    at = plan.c_at[i] + plan.c_bytes;
    plan.acc_at[i] = static_cast<u32>(acc_half) * i;
  }
}

// MACs per byte that a macro tile must reach so that the array, not HBM, sets the pace.
inline bool intense_enough(const Problem& p, u64 mt, u64 nt, u64 macs_per_kcycle, u64 bytes_per_kcycle) {
  return mt * nt * bytes_per_kcycle >= 2 * macs_per_kcycle * (mt + nt) * p.element;
}

inline Plan make_plan(const Problem& p, const volatile assay_machine& machine) {
  constexpr u32 kLargest = 1u << 16;  // rows or columns of a macro tile at most: keeps sizes in 32 bits
  const u64 spm = machine.spm_bytes, acc_half = machine.acc_bytes / 2 & ~u64{kLine - 1};
  Plan plan;
  plan.mt = static_cast<u32>(device::min<u64>(p.m, kLargest));
  plan.nt = static_cast<u32>(device::min<u64>(p.n, kLargest));
  const u32 run = p.dataflow == ASSAY_GEMM_OS ? 1024 : 256;
  plan.kt = static_cast<u32>(device::min<u64>(device::round_up(device::max<u32>(p.tile_k, run / p.element), p.tile_k),
                                              device::round_up(p.k, p.tile_k)));
  const u64 k_used = device::min<u64>(plan.kt, p.k);
  if (k_used < plan.kt) plan.kt = static_cast<u32>(k_used);
  plan.strip = plan.mt;

  for (;;) {
    plan.strip = device::min<u32>(plan.strip, plan.mt);
    const bool acc_fits = u64{plan.mt} * plan.nt * 4 <= acc_half;
    if (acc_fits && size_spm(p, plan) <= spm) break;
    const u64 results = u64{plan.strip} * plan.nt * (p.out_element + p.c_element);
    if (acc_fits && plan.strip > 1 && results * 8 > spm && (!p.direct || p.c_element != 0)) plan.strip /= 2;
    else if (shrink(p, plan)) continue;
    else if (acc_fits && plan.kt > p.tile_k) plan.kt = static_cast<u32>(device::round_up(plan.kt / 2, p.tile_k));
    else if (plan.strip > 1) plan.strip /= 2;
    else if (plan.mt > 1) plan.mt = (plan.mt + 1) / 2;
    else return plan;
  }
  // Several macro tiles overlap one's epilogue with the next one's products.
  const u64 macs = u64{p.tile_m} * p.tile_n * p.chain * 1000 / p.cycles_per_step;
  const u64 pins = machine.hbm_bytes_per_kcycle;
  for (int i = 0; i < 2 && device::ceil_div(p.m, plan.mt) * device::ceil_div(p.n, plan.nt) < 4; ++i) {
    Plan smaller = plan;
    if (!shrink(p, smaller) || !intense_enough(p, smaller.mt, smaller.nt, macs, pins)) break;
    plan = smaller;
  }
  plan.strip = device::min<u32>(plan.strip, device::max<u32>(64, (plan.mt + 3) / 4));
  plan.strip = device::min<u32>(plan.strip, plan.mt);
  size_spm(p, plan);
  plan.output_stationary = p.dataflow == ASSAY_GEMM_OS || (p.dataflow == ASSAY_GEMM_AUTO && prefer_output_stationary(p, plan));
  place(plan, acc_half);
  plan.feasible = true;
  return plan;
}

}  // namespace gemm
