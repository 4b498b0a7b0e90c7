// How the grouped GEMM's kernel cuts its problem, for kernel and tests.
//
// Tokens come in chunks whose lists fit SPM, nearly always one. Of each expert the results are cut into macro
// tiles of mt x nt, K into slabs of kt: W's part, and the rows of X that the expert takes. SPM: the lists,
// then slabs, stages of results, rows of the bias. The weighted sum that may follow has SPM behind the
// routing weights for itself.
#pragma once

#include "ops/device/device.hpp"
#include "ops/grouped/grouped_args.h"

namespace grouped {

using namespace device;

struct Problem {
  u64 tokens, slots, experts, n, k;
  Divisor cols, tile_k;  // columns of the array; products of its stationary tile
  bool trans_w;          // a line of W is a column
  bool biased;
  u64 element, bias_element, out_element;  // bytes; out: of what the experts' values are stored as
};

struct Plan {
  u64 chunk;  // tokens
  u64 lists;  // bytes: ids or lists, bytes of ids, a zero
  u64 mt, nt, kt;
  u64 a_line, w_line;  // bytes of SPM between lines
  u64 panel;           // bytes that a column of W's tiles takes
  u64 w_at, slab;      // offset in a slab, and its bytes
  u64 slabs, stages;   // in SPM at a time
  u64 strip, stage;    // rows of a stage, and its bytes
  u64 biases, bias;    // in SPM at a time, and bytes of one
  u64 stages_at, biases_at;
  u64 acc_pitch, acc_half;
};

constexpr u64 kMostRows = 16384;  // of a chunk: tokens times slots

// Lines an odd number of bank words apart lie in different banks.
constexpr u64 odd_stride(u64 bytes, u64 word) {
  const u64 stride = align_up(bytes, word);
  return (stride & word) == 0 ? stride + word : stride;
}

inline void choose_chunk(const Problem& p, const assay_machine& m, Plan& plan) {
  const u64 rows = min(kMostRows, u64{m.spm_bytes} / 64);
  plan.chunk = min(p.tokens, max<u64>(1, rows / p.slots));
  plan.lists = align_up(plan.chunk * p.slots * 4, 64) + align_up(plan.chunk * p.slots, 64) + 64;
}

inline void lay_out(const Problem& p, const assay_machine& m, Plan& plan) {
  const u64 word = m.spm_bank_bytes;
  plan.a_line = align_up(plan.kt * p.element, word);
  const u64 cols = p.cols.value();
  plan.w_line = p.trans_w ? odd_stride(plan.kt * p.element, word) : align_up(cols * p.element, word);
  plan.panel = plan.w_line * (p.trans_w ? cols : plan.kt);
  plan.w_at = plan.mt * plan.a_line;
  plan.slab = plan.w_at + p.cols.ceil(plan.nt) * plan.panel;
  plan.stage = align_up(plan.strip * plan.nt * p.out_element, word);
  plan.bias = p.biased ? align_up(plan.nt * p.bias_element, word) : 0;
  plan.acc_pitch = plan.nt * 4;
}

// Slabs, stages and biases behind the lists, more where there is room; false where two slabs have none.
inline bool place(const assay_machine& m, Plan& plan) {
  constexpr u64 kMostSlabs = 6, kMostStages = 4;
  const u64 room = m.spm_bytes - min<u64>(m.spm_bytes, plan.lists);
  const auto taken = [&](u64 slabs, u64 stages) {
    return slabs * (plan.slab + plan.bias) + 2 * plan.bias + stages * plan.stage;
  };
  if (taken(2, 2) > room) return false;
  plan.slabs = plan.stages = 2;
  while (plan.slabs < kMostSlabs && taken(plan.slabs + 1, plan.stages) <= room) ++plan.slabs;
  while (plan.stages < kMostStages && taken(plan.slabs, plan.stages + 1) <= room) ++plan.stages;
  plan.biases = plan.slabs + 2;
  plan.stages_at = plan.lists + plan.slabs * plan.slab;
  plan.biases_at = plan.stages_at + plan.stages * plan.stage;
  return true;
}

// Macro tiles for about twice the rows that an expert has on average, so that W passes once for most; then as
// wide as half of ACC allows. False where not even the smallest tiles fit.
inline bool make_plan(const Problem& p, const assay_machine& m, Plan& plan) {
  constexpr u64 kRun = 512;  // bytes of a row of X in a slab
  const u64 cols = p.cols.value(), tile_k = p.tile_k.value();
  choose_chunk(p, m, plan);
  const u64 rows = plan.chunk * p.slots;
  plan.mt = min(rows, max<u64>(m.mxu_rows, 2 * ceil_div(rows, p.experts)));
  plan.nt = min(p.cols.round_up(p.n), u64{1} << 15);
  plan.kt = min(p.k, p.tile_k.round_up(kRun / p.element));
  plan.acc_half = m.acc_bytes / 2 & ~(m.acc_bank_bytes - 1u);
  const auto shrink = [&] {
    const bool narrow = plan.nt <= cols, low = plan.mt <= m.mxu_rows;
    if (!narrow && (low || plan.nt >= plan.mt)) plan.nt = p.cols.round_up(plan.nt / 2);
    else if (plan.mt > 1) plan.mt = (plan.mt + 1) / 2;
    else return false;
    return true;
  };
  while (plan.mt * plan.nt * 4 > plan.acc_half)
    if (!shrink()) return false;
  plan.strip = min<u64>(plan.mt, 64);
  for (;;) {
    plan.strip = min(plan.strip, plan.mt);
    lay_out(p, m, plan);
    if (place(m, plan)) return true;
    if (plan.strip > 1 && 16 * plan.stage > m.spm_bytes) plan.strip = (plan.strip + 1) / 2;
    else if (plan.kt > tile_k) plan.kt = p.tile_k.round_up(plan.kt / 2);
    else if (!shrink()) {
      if (plan.strip == 1) return false;
      plan.strip = (plan.strip + 1) / 2;
    }
  }
}

}  // namespace grouped
