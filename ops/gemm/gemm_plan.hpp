// How the GEMM kernel cuts its problem to the machine: freestanding, also compiled on the host by tests.
//
// The result is cut into macro tiles of mt x nt that accumulate in one half of ACC while the other half
// is being emptied; K is cut into chunks of kt that pass through buffers in SPM. A macro
// tile's results leave in strips of `strip` rows.
#pragma once

#include "ops/device/device.hpp"
#include "ops/gemm/gemm_args.h"

namespace gemm {

using device::Divisor;
using device::u32;
using device::u64;

struct Problem {
  u64 m, n, k;
  u32 element, out_element, c_element;  // bytes; c_element 0 without C
  Divisor tile_m, tile_n, tile_k;       // array rows, columns, stationary rows (rows x chain)
  u32 chain, cycles_per_step;
  u32 bank_word;  // bytes, a power of two
  u32 dataflow;   // enum assay_gemm_dataflow
  bool direct;    // results go from ACC to HBM as they are
  bool trans_a, trans_b;
};

constexpr u32 kMaxBuffers = 8;

struct Plan {
  bool feasible = false;
  bool output_stationary = false;
  u32 mt = 0, nt = 0, kt = 0, strip = 0;
  u32 a_stride = 0, b_stride = 0;  // bytes between SPM lines of A and B
  u32 buffers = 2;                 // operand chunks in SPM at a time
  u32 a_bytes = 0, b_bytes = 0;    // of one chunk
  u32 out_bytes = 0, c_bytes = 0;  // of one strip
  u32 acc_half = 0;                // bytes of half of ACC

  // SPM addresses: the chunks first (A, then B of each), then two strips (results, then C of each).
  u32 a_at(u32 buffer) const { return buffer * (a_bytes + b_bytes); }
  u32 b_at(u32 buffer) const { return a_at(buffer) + a_bytes; }
  u32 out_at(u32 i) const { return a_at(buffers) + i * (out_bytes + c_bytes); }
  u32 c_at(u32 i) const { return out_at(i) + out_bytes; }
};

// The stride of SPM lines of `bytes` each, in whole bank words. Lines that refill the array's line buffers
// lie an odd number of words apart, so that they fall into different banks.
inline u64 line_stride(const Problem& p, u64 bytes, bool fills_line_buffers) {
  const u64 stride = device::align_up(bytes, p.bank_word);
  return fills_line_buffers && (stride & p.bank_word) == 0 ? stride + p.bank_word : stride;
}

// Bytes of SPM that a plan needs; fills the sizes and strides that follow from mt, nt, kt, strip.
inline u64 size_spm(const Problem& p, Plan& plan) {
  const bool a_buffered = p.trans_a || p.dataflow != ASSAY_GEMM_WS;
  const u64 a_line = line_stride(p, u64{p.trans_a ? plan.mt : plan.kt} * p.element, a_buffered);
  const u64 b_line = line_stride(p, u64{p.trans_b ? plan.kt : plan.nt} * p.element, p.trans_b);
  const u64 a_bytes = a_line * (p.trans_a ? plan.kt : plan.mt);
  const u64 b_bytes = b_line * (p.trans_b ? plan.nt : plan.kt);
  const u64 out_bytes =
      p.direct ? 0 : device::align_up(u64{plan.strip} * plan.nt * p.out_element, p.bank_word);
  const u64 c_bytes = device::align_up(u64{plan.strip} * plan.nt * p.c_element, p.bank_word);
  plan.a_stride = static_cast<u32>(a_line);
  plan.b_stride = static_cast<u32>(b_line);
  plan.a_bytes = static_cast<u32>(a_bytes);
  plan.b_bytes = static_cast<u32>(b_bytes);
  plan.out_bytes = static_cast<u32>(out_bytes);
  plan.c_bytes = static_cast<u32>(c_bytes);
  return plan.buffers * (a_bytes + b_bytes) + 2 * (out_bytes + c_bytes);
}

// Weight stationary holds the array for a row per stationary tile, and stalls where a column of tiles
// comes back to its accumulators before they are written (R + C); output stationary holds it for a k
// step per result tile.
inline bool prefer_output_stationary(const Problem& p, const Plan& plan) {
  const u64 n_tiles = p.tile_n.ceil(plan.nt);
  const u64 ws_step =
      device::max<u64>(n_tiles * plan.mt * p.cycles_per_step, u64{p.tile_m.value()} + p.tile_n.value());
  const u64 ws = ws_step * p.tile_k.ceil(p.k);
  const u64 chunks = device::ceil_div(p.k, plan.kt);
  const u64 os_steps = (p.chain == 2 ? (p.k + 1) / 2 : p.k) * p.cycles_per_step;
  const u64 os_tile = device::max<u64>(os_steps, chunks * p.tile_m.value());
  return os_tile * n_tiles * p.tile_m.ceil(plan.mt) < ws;
}

// Halves the larger side of the macro tile, in whole array tiles; false where it is one tile already.
inline bool shrink(const Problem& p, Plan& plan) {
  const bool can_m = plan.mt > p.tile_m.value(), can_n = plan.nt > p.tile_n.value();
  if (!can_m && !can_n) return false;
  if (can_m && (plan.mt >= plan.nt || !can_n)) plan.mt = static_cast<u32>(p.tile_m.round_up(plan.mt / 2));
  else plan.nt = static_cast<u32>(p.tile_n.round_up(plan.nt / 2));
  return true;
}

// Shrinks the plan until it fits; false where even the smallest does not.
inline bool fit(const Problem& p, Plan& plan, u64 spm, u64 acc_half) {
  for (;;) {
    plan.strip = device::min(plan.strip, plan.mt);
    const bool acc_fits = u64{plan.mt} * plan.nt * 4 <= acc_half;
    if (acc_fits && size_spm(p, plan) <= spm) return true;
    const u64 results = u64{plan.strip} * plan.nt * ((p.direct ? 0 : p.out_element) + p.c_element);
    if (acc_fits && plan.strip > 1 && results * 8 > spm) plan.strip /= 2;
    else if (shrink(p, plan)) continue;
    else if (acc_fits && plan.kt > p.tile_k.value())
      plan.kt = static_cast<u32>(p.tile_k.round_up(plan.kt / 2));
    else if (plan.strip > 1) plan.strip /= 2;
    else if (plan.mt > 1) plan.mt = (plan.mt + 1) / 2;
    else return false;
  }
}

// MACs per byte that a macro tile must reach so that the array, not HBM, sets the pace.
inline bool intense_enough(const Problem& p, const Plan& plan, u64 macs_per_kcycle, u64 bytes_per_kcycle) {
  return u64{plan.mt} * plan.nt * bytes_per_kcycle >= 2 * macs_per_kcycle * (plan.mt + plan.nt) * p.element;
}

// Several macro tiles overlap one's epilogue with the next one's products.
inline void split_for_overlap(const Problem& p, Plan& plan, u64 bytes_per_kcycle) {
  const u64 macs = u64{p.tile_m.value()} * p.tile_n.value() * p.chain * 1000 / p.cycles_per_step;
  for (u32 halvings = plan.mt < p.m || plan.nt < p.n ? 1 : 2; halvings > 0; --halvings) {
    const u32 mt = plan.mt, nt = plan.nt;
    if (shrink(p, plan) && intense_enough(p, plan, macs, bytes_per_kcycle)) continue;
    plan.mt = mt;
    plan.nt = nt;
    return;
  }
}

inline void place(const Problem& p, Plan& plan, u64 spm) {
  u64 needed = size_spm(p, plan);
  for (const u32 chunk = plan.a_bytes + plan.b_bytes; plan.buffers < kMaxBuffers && needed + chunk <= spm;
       needed += chunk)
    ++plan.buffers;
}

inline void make_plan(const Problem& p, const volatile assay_machine& machine, Plan& plan) {
  constexpr u32 kLargest = 1u << 16;  // rows or columns of a macro tile at most: keeps sizes in 32 bits
  const u64 spm = machine.spm_bytes, acc_half = machine.acc_bytes / 2 & ~u64{machine.acc_bank_bytes - 1u};
  plan.mt = plan.strip = static_cast<u32>(device::min<u64>(p.m, kLargest));
  plan.nt = static_cast<u32>(device::min<u64>(p.n, kLargest));
  const u32 run_bytes = p.dataflow == ASSAY_GEMM_OS ? 1024 : 256;
  const u64 run = p.element == 4 ? run_bytes / 4 : p.element == 2 ? run_bytes / 2 : run_bytes;
  plan.kt = static_cast<u32>(device::min(p.tile_k.round_up(device::max<u64>(p.tile_k.value(), run)), p.k));
  if (!fit(p, plan, spm, acc_half)) return;
  split_for_overlap(p, plan, machine.hbm_bytes_per_kcycle);
  plan.strip = device::min(plan.strip, device::max<u32>(64, (plan.mt + 3) / 4));
  plan.strip = device::min(plan.strip, plan.mt);
  plan.output_stationary =
      p.dataflow == ASSAY_GEMM_OS || (p.dataflow == ASSAY_GEMM_AUTO && prefer_output_stationary(p, plan));
  place(p, plan, spm);
  plan.acc_half = static_cast<u32>(acc_half);
  plan.feasible = true;
}

}  // namespace gemm
