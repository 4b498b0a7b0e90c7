// How the attention kernel cuts its problem to the machine: freestanding, also compiled on the host by tests.
//
// A tile is so many rows: some queries of one head, or all queries of several, either of one kv head or of
// all that share several ("units"). It passes over the keys in blocks of 256; K and V come in chunks of a
// block. Per tile: scores S, results O, 64 stripes of the sum and the maxima in ACC; Q, P, Y in SPM.
#pragma once

#include "ops/attention/attention_args.h"
#include "ops/device/device.hpp"

namespace attention {

using device::align_up;
using device::ceil_div;
using device::max;
using device::min;
using device::u32;
using device::u64;

constexpr u32 kStripes = 64;

inline bool byte_weights(const assay_attention_attributes& at) {
  return (at.flags & ASSAY_ATTENTION_U8) != 0;
}
inline u64 block_of(const assay_attention_attributes& at) {
  return byte_weights(at) ? ASSAY_ATTENTION_U8_BLOCK : ASSAY_ATTENTION_BLOCK;
}

struct Shape {
  u64 heads = 1, units = 1, queries = 1;  // of a tile at most; heads of all its units
  u64 rows() const { return heads * queries; }
};

struct Plan {
  bool feasible = false;
  u64 lead = 0;  // steps whose scores are formed before one is completed; S and mask have one buffer more
  Shape shape;
  u64 chunk = 0;        // keys
  bool turned = false;  // O^T = V^T P^T: rows of O are columns
  u64 slots = 1;        // chunks of K or V in SPM
  u64 columns = 0;      // of S and P: keys of a block at most

  // Bytes between rows; between buffers of a kind; addresses.
  u32 q_pitch, k_pitch, v_pitch, p_pitch, y_pitch, mask_pitch, s_pitch, o_pitch, sum_pitch;
  u32 q_size, slot_unit, slot_size, p_size, y_size, mask_size, s_size;
  u32 q_at, slots_at, p_at, y_at, mask_at;
  u32 negatives_at[2], shrink_at[2], factor_at;  // vectors of rows
  u32 one_at;                                    // an f32
  u32 table_at;                                  // the block table
  u32 s_at, o_at, products_at, sum_at, top_at;   // ACC

  u64 buffers() const { return lead > 0 ? 2 : 1; }  // of Q, P, Y
};

// What the plan needs to know.
struct Sizes {
  const assay_attention_attributes& at;
  const assay_machine& machine;
  u64 table_bytes;
  u64 element, weight_element, result_element, mask_element;  // bytes, of Q and its like, P, Y
};

// A tile of at most `most` rows. Neighbouring units are taken together only where there is one chunk a load.
inline Shape shape_of(const assay_attention_attributes& at, u64 most) {
  const auto even = [](u64 total, u64 part) { return ceil_div(total, ceil_div(total, part)); };
  if (at.queries >= most) return {1, 1, even(at.queries, most)};
  const u64 heads = most / at.queries, group = at.q_heads / at.kv_heads;
  if (heads < 2 * group) return {heads < group ? even(group, heads) : group, 1, at.queries};
  const u64 units = even(at.kv_heads, min(heads / group, at.kv_heads));
  return {units * group, units, at.queries};
}

// Hands out a memory from its start, in whole bank words.
class Space {
 public:
  Space(u64 bytes, u32 word) : bytes_(bytes), word_(word) {}
  u32 take(u64 bytes) {
    const u64 at = next_;
    next_ += align_up(bytes, word_);
    return static_cast<u32>(at);
  }
  u64 left() const { return next_ <= bytes_ ? bytes_ - next_ : 0; }
  bool fits() const { return next_ <= bytes_; }

 private:
  u64 bytes_, next_ = 0;
  u32 word_;
};

constexpr u64 kMostSlots = 8;

// Lines of K lie an odd number of bank words apart, so that those which refill the array's line buffers fall
// into different banks.
inline void lay_out_lines(const Sizes& s, Plan& plan) {
  const u32 word = s.machine.spm_bank_bytes, acc_word = s.machine.acc_bank_bytes;
  const auto pitch = [&](u64 elements, u64 size) {
    return static_cast<u32>(align_up(elements * size, word));
  };
  plan.columns = min<u64>(block_of(s.at), s.at.keys);
  plan.q_pitch = pitch(s.at.depth, s.element);
  plan.k_pitch = plan.q_pitch | word;
  plan.v_pitch = pitch(s.at.value_depth, s.element);
  plan.y_pitch = pitch(s.at.value_depth, s.result_element);
  plan.p_pitch = pitch(plan.columns, s.weight_element);
  plan.mask_pitch = pitch(plan.columns, s.mask_element);  // 0 without one
  plan.s_pitch = static_cast<u32>(align_up(plan.columns * 4, acc_word));
  plan.o_pitch = static_cast<u32>(align_up(s.at.value_depth * 4, acc_word));
  plan.sum_pitch = kStripes * 4 + acc_word;
  if (!plan.turned) return;
  plan.v_pitch |= word;
  plan.p_pitch |= word;
  plan.y_pitch = pitch(plan.shape.rows(), s.result_element);
  plan.o_pitch = static_cast<u32>(align_up(plan.shape.rows() * 4, acc_word));
}

// Whether P is better the stationary operand: V of few columns, which fill little of the array, streams past
// P's rows. What is hidden by a -0 in P must stream. Cycles of a block.
inline bool turns(const Sizes& s, const Shape& shape) {
  const assay_machine& m = s.machine;
  const bool hides = s.at.mask_kind == ASSAY_ATTENTION_BYTES || (s.at.flags & ASSAY_ATTENTION_CAUSAL) != 0 ||
                     s.at.window > 0 || s.at.lengths != 0;
  if (2 * s.at.value_depth > m.mxu_cols || hides || byte_weights(s.at) || s.element != s.weight_element)
    return false;
  const u64 rows = shape.rows() / shape.units, values = s.at.value_depth;
  const u64 load = ceil_div(m.mxu_rows, m.mxu_load_rows_per_cycle), turn = m.mxu_rows + m.mxu_cols;
  const u64 streamed = max(rows, load) * ceil_div(values, m.mxu_cols);
  const u64 turned = max(max(values, load) * ceil_div(rows, m.mxu_cols) * shape.units, turn) / shape.units;
  return turned + turned / 8 < streamed;
}

// Fills the addresses; false where the memories are too small.
inline bool lay_out(const Sizes& s, Plan& plan) {
  Space spm(s.machine.spm_bytes, s.machine.spm_bank_bytes),
      acc(s.machine.acc_bytes, s.machine.acc_bank_bytes);
  const u64 rows = plan.shape.rows(), buffers = plan.buffers();
  const bool turned = plan.lead > 0 && turns(s, plan.shape);
  if (turned || plan.turned) {
    plan.turned = turned;
    lay_out_lines(s, plan);
  }
  plan.q_size = static_cast<u32>(rows * plan.q_pitch);
  plan.p_size = static_cast<u32>(rows * plan.p_pitch);
  plan.y_size = static_cast<u32>((plan.turned ? s.at.value_depth : rows) * plan.y_pitch);
  plan.mask_size = static_cast<u32>(rows * plan.mask_pitch);
  plan.s_size = static_cast<u32>(rows * plan.s_pitch);
  plan.slot_unit = static_cast<u32>(plan.chunk * max(plan.k_pitch, plan.v_pitch));
  plan.slot_size = static_cast<u32>(plan.shape.units * plan.slot_unit);
  plan.q_at = spm.take(buffers * plan.q_size);
  plan.p_at = spm.take(buffers * plan.p_size);
  plan.y_at = spm.take(buffers * plan.y_size);
  plan.mask_at = spm.take((plan.lead + 1) * plan.mask_size);
  plan.negatives_at[0] = spm.take(rows * 4);
  plan.negatives_at[1] = spm.take(rows * 4);
  plan.shrink_at[0] = spm.take(rows * 4);
  plan.shrink_at[1] = spm.take(rows * 4);
  plan.factor_at = spm.take(rows * 4);
  plan.one_at = spm.take(4);
  plan.table_at = spm.take(s.table_bytes);
  const u64 least = plan.lead > 0 ? 3 : 1;
  plan.slots = min(kMostSlots, spm.left() / plan.slot_size);
  plan.slots_at = spm.take(plan.slots * plan.slot_size);
  plan.s_at = device::acc(acc.take((plan.lead + 1) * plan.s_size));
  plan.o_at = device::acc(acc.take((plan.turned ? s.at.value_depth : rows) * plan.o_pitch));
  plan.products_at = byte_weights(s.at) ? device::acc(acc.take(rows * plan.o_pitch)) : plan.o_at;
  plan.sum_at = device::acc(acc.take(rows * plan.sum_pitch));
  plan.top_at = device::acc(acc.take(rows * 4));
  return spm.fits() && acc.fits() && plan.slots >= least;
}

// As many rows as `most` that both memories hold, no fewer than `least`, with the largest chunk that leaves
// them so many.
inline bool fit(const Sizes& s, Plan& plan, u64 most, u64 least, u64 least_chunk) {
  const u64 vectors = 5 * 4, scores = plan.lead + 1;
  const u64 acc_row =
      scores * plan.s_pitch + (byte_weights(s.at) ? 2 : 1) * plan.o_pitch + plan.sum_pitch + 4;
  const u64 spm_row =
      plan.buffers() * (plan.q_pitch + plan.p_pitch + plan.y_pitch) + scores * plan.mask_pitch + vectors;
  const u64 slots = (plan.lead > 0 ? 3 : 1) * max(plan.k_pitch, plan.v_pitch);
  const u64 spare = 16 * s.machine.spm_bank_bytes + s.table_bytes;  // what rounding may take
  const u64 rows_acc = s.machine.acc_bytes / acc_row;
  u64 rows = 0, largest = block_of(s.at);
  for (u64 chunk = largest; chunk >= least_chunk; chunk /= 2) {
    const u64 taken = chunk * slots + spare;
    if (taken >= s.machine.spm_bytes) continue;
    const u64 fits = min(min(most, rows_acc), (s.machine.spm_bytes - taken) / spm_row);
    if (fits <= rows) continue;
    rows = fits;
    largest = chunk;
    if (rows == min(most, rows_acc)) break;
  }
  for (; rows >= least && rows > 0; rows -= max<u64>(1, rows / 8)) {
    plan.shape = shape_of(s.at, rows);
    // Several units need as much of smaller chunks.
    const u64 least_here = plan.shape.units > 1 ? least_chunk : largest;
    for (plan.chunk = largest; plan.chunk >= least_here; plan.chunk /= 2)
      if (lay_out(s, plan)) return true;
  }
  return false;
}

// Rows of a tile at most: many, so that K and V pass seldom and passes are long; fewer where the run would be
// of few steps, whose first scores and last values have nothing to overlap with.
inline u64 most_rows(const Sizes& s) {
  constexpr u64 kSteps = 8;
  const u64 array = s.machine.mxu_rows, blocks = ceil_div(s.at.keys, block_of(s.at));
  const u64 all = s.at.batch * s.at.q_heads * s.at.queries * blocks;
  u64 rows = 8 * array;
  while (rows > 4 * array && all < kSteps * rows) rows /= 2;
  return rows;
}

inline void make_plan(const Sizes& s, Plan& plan) {
  lay_out_lines(s, plan);
  const u64 array = s.machine.mxu_rows, most = most_rows(s);
  const u64 chunk = min<u64>(ASSAY_ATTENTION_BLOCK, align_up(s.machine.mxu_cols, 2));
  // Rows whose stream hides the load of the next stationary tile.
  const u64 hides = ceil_div(array, s.machine.mxu_load_rows_per_cycle);
  plan.lead = 2;
  plan.feasible = fit(s, plan, most, min(most, 4 * array), chunk);
  if (plan.feasible) return;
  plan.lead = 1;
  plan.feasible = fit(s, plan, most, hides, chunk);
  if (plan.feasible) return;
  plan.lead = 0;
  plan.feasible = fit(s, plan, most, 1, 1);
}

}  // namespace attention
