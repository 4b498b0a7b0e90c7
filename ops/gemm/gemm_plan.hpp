// How the GEMM kernel sees its problem and cuts it to the machine: freestanding, also compiled on the host by
// tests.
//
// The result is cut into macro tiles of mt x nt that accumulate in one half of ACC while the other half is
// being emptied; K is cut into slabs of kt, whose operands pass through SPM. A macro tile's results leave in
// strips. The slabs that begin and end the run are cut further, into blocks (gemm_steps.hpp).
//
// SPM: A's slabs from the start on, B's from the middle on, strips of results behind them. Where a slab's
// first operands lie depends on kt alone, so that they are fetched before the rest is planned.
#pragma once

#include "ops/device/device.hpp"
#include "ops/device/kernel.hpp"
#include "ops/gemm/gemm_args.h"

namespace gemm {

using namespace device;  // these headers are the kernel's own

// Semaphores and engines.
enum : u32 {
  kOperandsFilled,
  kOperandsFreed,
  kAccFilled,
  kAccFreed,
  kOutFilled,
  kOutFreed,
  kTermFilled,
  kTermFreed,
  kScalesFilled,
  kSemaphores
};

// A or B in HBM. Its lines lie along k (A as it is, B transposed) or across it, along m or n.
struct Operand {
  bool along_k;
  u64 address;       // of the first batch's matrix
  u64 line;          // bytes between lines
  u64 each, k_step;  // bytes from one row of A (column of B) to the next; from one k to the next
};

// The product that the array forms. With A stationary that is Y^T = B^T x A^T: m and n, and the operands,
// have changed places, and a result's columns are rows of Y.
struct Problem {
  u64 m, n, k;
  Operand a, b;
  u64 element;                     // bytes
  Divisor tile_m, tile_n, tile_k;  // array rows, columns, stationary rows (rows x chain)
  u64 chain, cycles_per_step;
  u64 load_rows;  // of the stationary operand, a cycle
  u64 bank_word;  // bytes, a power of two
  bool output_stationary;
  bool has_terms, batched;
  u64 scales_bytes;  // at the end of SPM: factors of requantisation

  // Rows whose stream hides the load of the next stationary tile.
  u64 rows_per_load() const { return ceil_div(tile_m.value(), load_rows * cycles_per_step); }
  // So few rows that HBM, which brings the other operand, is the bound.
  bool few_rows() const { return !output_stationary && 4 * m <= tile_m.value(); }
  // The fewest rows that are worth a command of their own: they hide it too, or are the tiles of results.
  u64 least_rows() const {
    constexpr u64 kLeast = 64;
    if (output_stationary) return tile_m.value();
    return load_rows * cycles_per_step * kLeast >= tile_m.value() ? kLeast : rows_per_load();
  }
};

// Cycles of the array. Weight stationary: a row of A for each stationary tile, whose successor loads
// meanwhile; and a column of tiles comes back to its accumulators no sooner than they are written (R + C).
inline u64 stationary_cycles(const Problem& p, u64 rows, u64 stationary) {
  if (rows < p.tile_m.value()) rows = max(rows, p.rows_per_load());
  const u64 turn = p.tile_m.value() + p.tile_n.value();
  return max(rows * p.cycles_per_step * p.tile_n.ceil(stationary), turn) * p.tile_k.ceil(p.k);
}

// Output stationary: a k step for each result tile. Its rows drain meanwhile, one a cycle, out of one of two
// sets of accumulators.
inline u64 output_stationary_cycles(const Problem& p) {
  const u64 steps = (p.chain == 2 ? (p.k + 1) / 2 : p.k) * p.cycles_per_step;
  const u64 drained = steps + 2 * p.tile_m.value() + p.tile_n.value();
  return max(steps, drained / 2) * p.tile_n.ceil(p.n) * p.tile_m.ceil(p.m);
}

// The fastest one; A stationary writes Y in short pieces, and must save an eighth.
inline u64 fastest_dataflow(const Problem& p) {
  const u64 tile = p.tile_k.value();
  const bool square = p.tile_m.value() == tile && p.tile_n.value() == tile;
  if (square && ((p.m | p.n | p.k) & (tile - 1)) == 0 && p.m > tile) return ASSAY_GEMM_WS;  // no tails
  const u64 ws = stationary_cycles(p, p.m, p.n), os = output_stationary_cycles(p);
  const u64 as = stationary_cycles(p, p.n, p.m);
  if (as + as / 8 < min(ws, os)) return ASSAY_GEMM_AS;
  return os < ws ? ASSAY_GEMM_OS : ASSAY_GEMM_WS;
}

constexpr u64 kMostSlabs = 4, kMostStages = 4;

struct Plan {
  u64 mt, nt, kt;
  u64 acc_half, acc_pitch;  // bytes of half of ACC; between a tile's rows there
  u64 middle;               // of SPM
  u64 a_line, b_line;       // bytes of SPM between lines
  u64 a_slab, b_slab;       // bytes of a slab
  u64 a_step;               // bytes from one product to the next in a slab of A
  bool a_whole;             // few rows of A: all of it is in SPM at once
  u64 b_panel;              // bytes that a column of B's tiles takes
  u64 strip;                // rows of nt columns that a stage holds
  u64 stage_half, stage;    // bytes of a stage's results, and of a term (C or R) behind them; of both
  u64 slabs, stages;        // in SPM at a time
};

// The stride of SPM lines of `bytes` each, in whole bank words. Lines that refill the array's line buffers
// lie an odd number of words apart, so that they fall into different banks.
inline u64 line_stride(const Problem& p, u64 bytes, bool fills_line_buffers) {
  const u64 stride = align_up(bytes, p.bank_word);
  return fills_line_buffers && (stride & p.bank_word) == 0 ? stride + p.bank_word : stride;
}

// Slabs of at least 256 bytes of k (output stationary: 1024), for whole bursts. Few rows are multiplied
// sooner than the host has ordered the next slab: theirs are so large that HBM takes longer to bring one.
inline u64 slab_depth(const Problem& p, u64 spm_bytes) {
  const u64 large = min(u64{512 * 1024}, spm_bytes / 16);
  const u64 run = (p.output_stationary ? 1024 : 256) >> (p.element / 2);  // elements of 1, 2 or 4 bytes
  u64 depth = run <= p.tile_k.value() ? p.tile_k.value() : p.tile_k.round_up(run);
  while (p.few_rows() && depth < p.k && depth * p.n * p.element < large) depth *= 2;
  return min(depth, p.k);
}

// Halves the larger side of the macro tile, in whole array tiles; false where it is one tile already.
inline bool shrink(const Problem& p, Plan& plan) {
  const bool can_m = plan.mt > p.tile_m.value(), can_n = plan.nt > p.tile_n.value();
  if (!can_m && !can_n) return false;
  if (can_m && (plan.mt > plan.nt || !can_n)) plan.mt = p.tile_m.round_up(plan.mt / 2);
  else plan.nt = p.tile_n.round_up(plan.nt / 2);
  return true;
}

// Lines of A lie behind one another, those of B in panels as wide as the array.
inline void lay_out_a(const Problem& p, Plan& plan) {
  const bool fills = p.a.along_k == p.output_stationary;  // weight stationary streams A across k
  const auto lay_out = [&](u64 depth) {
    plan.a_line = line_stride(p, (p.a.along_k ? depth : plan.mt) * p.element, fills);
    plan.a_slab = plan.a_line * (p.a.along_k ? plan.mt : depth);
  };
  plan.a_whole = p.few_rows() && p.m == plan.mt && p.k > plan.kt && !p.batched;
  if (plan.a_whole) lay_out(p.k);
  plan.a_whole = plan.a_whole && 4 * plan.a_slab <= plan.middle;
  if (!plan.a_whole) lay_out(plan.kt);
  plan.a_step = p.a.along_k ? p.element : plan.a_line;
}
inline void lay_out_b(const Problem& p, Plan& plan) {
  const u64 tile = p.tile_n.value();
  plan.b_line = line_stride(p, (p.b.along_k ? plan.kt : tile) * p.element, p.b.along_k);
  plan.b_panel = plan.b_line * (p.b.along_k ? tile : plan.kt);
  plan.b_slab = plan.b_panel * p.tile_n.ceil(plan.nt);
}

// Whether slabs, and strips of results and a term of up to four bytes, fit in SPM, two of each; fills what
// follows from mt, nt, kt, strip.
inline bool fits_spm(const Problem& p, Plan& plan) {
  lay_out_a(p, plan);
  lay_out_b(p, plan);
  plan.stage_half = align_up(plan.nt * plan.strip * 4, p.bank_word);
  plan.stage = p.has_terms ? 2 * plan.stage_half : plan.stage_half;
  return 2 * plan.a_slab <= plan.middle && 2 * (plan.b_slab + plan.stage) + p.scales_bytes <= plan.middle;
}

// False where not even the smallest tiles fit.
[[gnu::noinline]] inline bool make_plan(const Problem& p, const assay_machine& machine, Plan& plan) {
  constexpr u64 kLargest = 1u << 16;  // rows or columns of a macro tile at most: sizes fit their registers
  plan.middle = machine.spm_bytes / 2;
  plan.acc_half = machine.acc_bytes / 2 & ~(machine.acc_bank_bytes - 1u);
  plan.mt = min(p.m, kLargest);
  plan.nt = min(p.n, kLargest);
  plan.kt = slab_depth(p, machine.spm_bytes);
  while (plan.mt * plan.nt * 4 > plan.acc_half)
    if (!shrink(p, plan)) plan.mt = (plan.mt + 1) / 2;
  plan.strip = max(p.tile_m.value(), plan.mt / 2);
  for (;;) {
    plan.strip = min(plan.strip, plan.mt);
    if (fits_spm(p, plan)) break;
    if (plan.strip > 1 && plan.stage * 4 > plan.middle) plan.strip /= 2;
    else if (shrink(p, plan)) continue;
    else if (plan.kt > p.tile_k.value()) plan.kt = p.tile_k.round_up(plan.kt / 2);
    else if (plan.strip > 1) plan.strip /= 2;
    else if (plan.mt > 1) plan.mt = (plan.mt + 1) / 2;
    else return false;
  }
  plan.acc_pitch = plan.nt * 4;
  return true;
}

// What two of each, and the scales, leave of SPM goes to more stages, then to more slabs.
inline void fill_spm(const Problem& p, Plan& plan) {
  plan.slabs = plan.stages = 2;
  const u64 a_slab = plan.a_whole ? 0 : plan.a_slab;
  u64 rest = plan.middle - p.scales_bytes - 2 * (plan.b_slab + plan.stage), a_rest = plan.middle - 2 * a_slab;
  for (; plan.stages < kMostStages && rest >= plan.stage; rest -= plan.stage) ++plan.stages;
  while (plan.slabs < kMostSlabs && rest >= plan.b_slab && a_rest >= a_slab) {
    rest -= plan.b_slab;
    a_rest -= a_slab;
    ++plan.slabs;
  }
}

}  // namespace gemm
