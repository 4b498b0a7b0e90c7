// How the softmax kernel cuts its problem to the machine: freestanding, also compiled on the host by tests.
//
// A line is a row of the softmax. Lines are worked on in groups. By rows (inner = 1), a line lies along rows
// of the vector unit; by columns (inner > 1), neighbouring lines lie in neighbouring columns, as in HBM.
// Where whole lines fit in SPM they are read once (resident); otherwise they pass through SPM in pieces,
// twice: to sum up, and to finish.
#pragma once

#include "ops/device/device.hpp"
#include "ops/softmax/softmax_args.h"

namespace softmax {

using device::u32;
using device::u64;

constexpr u32 kBlock = ASSAY_SOFTMAX_BLOCK;
constexpr u32 kStripes = 64;
constexpr u32 kLongestRun = 1u << 24;  // bytes of a transfer's innermost extent
constexpr u32 kSlots = 3;              // at most: one fills, one is worked on, one empties

struct Problem {
  u64 outer, length, inner;
  u32 element;  // bytes
};

struct Plan {
  bool feasible = false;
  bool by_columns = false, resident = false;
  u32 slots = kSlots;      // 2 where 3 do not hold a line
  u32 lines = 1;           // of a group at most
  u32 full = 0, tail = 0;  // blocks of 1024 in a line; columns of a shorter one behind them
  u32 blocks = 1;          // both
  u32 stripes = kStripes;  // that a line has elements for
  // By rows, bytes between the stripes of blocks: of lines of several blocks dense, so that those of
  // neighbours are one row; between those that are folded, an odd number of bank words.
  u32 pitch = 0, total_pitch = 0;
  u32 piece = 1;  // blocks of a piece, not resident

  // Addresses. A slot holds x and later y; P stands in the slot where x is f32. By rows and resident, the
  // tails of a group follow its full blocks, `slot_tail` (in P `p_tail`) bytes on.
  u32 slot_bytes = 0, slot_tail = 0, p_at = 0, p_tail = 0;
  // Of each block: stripes, maximum, its negative, and the factor g, later f. Each is an array of f32 (of 64
  // of them): by rows the full blocks line by line, then the tails; by columns block by block.
  u32 sums_at = 0, maxima_at = 0, negatives_at = 0, factors_at = 0;
  u32 piece_sums_at = 0, piece_maxima_at = 0;  // by rows, not resident: of one piece, in ACC
  // Of each line.
  u32 total_at = 0, top_at = 0, top_negative_at = 0, reciprocal_at = 0;

  u32 slot(u32 i) const { return i * slot_bytes; }
  u32 p(u32 i) const { return p_at != 0 ? p_at : slot(i); }
  u32 tail_index() const { return lines * full; }  // in the arrays, by rows
};

// The largest power of two below n, which is at least 2.
inline u32 half_of(u32 n) {
  u32 half = 1;
  while (half * 2 < n) half *= 2;
  return half;
}

// Hands out a memory from its start, in whole bank words.
class Space {
 public:
  Space(u64 bytes, u32 word) : bytes_(bytes), word_(word) {}
  u32 take(u64 bytes) {
    const u64 at = next_;
    next_ += device::align_up(bytes, word_);
    return static_cast<u32>(at);
  }
  bool fits() const { return next_ <= bytes_; }

 private:
  u64 bytes_, next_ = 0;
  u32 word_;
};

// Fills the addresses; false where the memories are too small.
inline bool lay_out(const Problem& p, const assay_machine& machine, Plan& plan) {
  const u32 word = machine.spm_bank_bytes;
  Space spm(machine.spm_bytes, word), acc(machine.acc_bytes, machine.acc_bank_bytes);
  const u64 lines = plan.lines;
  u64 body, rest = 0;  // elements of a slot
  if (plan.by_columns) {
    body = (plan.resident ? p.length : device::min<u64>(p.length, kBlock)) * lines;
  } else if (plan.resident) {
    body = lines * plan.full * kBlock;
    rest = lines * plan.tail;
  } else {
    body = u64{plan.piece} * kBlock;
  }
  const u64 slot_tail = device::align_up(body * p.element, word), p_tail = device::align_up(body * 4, word);
  const u64 slot_bytes = device::align_up(slot_tail + rest * p.element, word);
  if (plan.slots * slot_bytes > machine.spm_bytes || slot_bytes > kLongestRun) return false;
  spm.take(plan.slots * slot_bytes);
  plan.slot_bytes = static_cast<u32>(slot_bytes);
  plan.slot_tail = static_cast<u32>(slot_tail);
  plan.p_tail = static_cast<u32>(p_tail);
  plan.p_at = p.element == 4 ? 0 : spm.take(p_tail + rest * 4);

  plan.total_pitch = kStripes * 4 + machine.acc_bank_bytes;
  plan.pitch = plan.blocks > 1 ? kStripes * 4 : plan.total_pitch;
  const u64 entries = plan.blocks * lines, summed = plan.by_columns ? plan.stripes * 4 : plan.pitch;
  const auto summary = [&](u64 bytes) {
    return plan.resident ? device::acc(acc.take(bytes)) : spm.take(bytes);
  };
  plan.sums_at = summary(entries * summed);
  plan.maxima_at = summary(entries * 4);
  plan.negatives_at = summary(entries * 4);
  plan.factors_at = summary(entries * 4);
  if (!plan.resident && !plan.by_columns) {
    plan.piece_sums_at = device::acc(acc.take(u64{plan.piece} * plan.pitch));
    plan.piece_maxima_at = device::acc(acc.take(u64{plan.piece} * 4));
  }
  // By rows: densely, where the first blocks' stripes would crowd into few banks.
  const bool apart = plan.blocks > 1 && !plan.by_columns;
  plan.total_at = apart ? device::acc(acc.take(lines * plan.total_pitch)) : plan.sums_at;
  plan.top_at = device::acc(acc.take(lines * 4));
  plan.top_negative_at = device::acc(acc.take(lines * 4));
  plan.reciprocal_at = device::acc(acc.take(lines * 4));
  return spm.fits() && acc.fits();
}

inline u32 smaller(u32 n) { return n > 16 ? n - n / 8 : n - 1; }

// As many lines as fit, from `most` on down; 0 where not even one does.
inline u32 most_lines(const Problem& p, const assay_machine& machine, Plan& plan, u64 most) {
  plan.lines = static_cast<u32>(most);
  while (plan.lines > 0 && !lay_out(p, machine, plan)) plan.lines = smaller(plan.lines);
  return plan.lines;
}

// Large groups, whose many small passes cost least, yet several to overlap.
inline u64 wanted_lines(const Problem& p, const assay_machine& machine) {
  const u64 large = machine.spm_bytes / 16 * 5, least = u64{machine.vxu_lanes} * 512;  // bytes; elements
  u64 lines = p.inner * p.outer / 4;
  if (lines * p.length < least) lines = least / p.length;
  if (lines * p.length * 4 > large) lines = large / (p.length * 4);
  return device::min(p.inner > 1 ? p.inner : p.outer, device::max<u64>(1, lines));
}

// How many lines the next group takes, of `rest`. By rows the last one is small, because HBM takes longer to
// store it than the vector unit to finish it.
inline u32 next_lines(const Plan& plan, u64 rest) {
  u64 lines = device::min<u64>(plan.lines, rest);
  if (plan.resident && !plan.by_columns && rest > plan.lines / 2) lines = device::min(lines, rest - rest / 4);
  return static_cast<u32>(lines);
}

inline void plan_rows(const Problem& p, const assay_machine& machine, Plan& plan) {
  plan.resident = true;
  for (plan.slots = kSlots; plan.slots >= 2; --plan.slots) {
    plan.feasible = most_lines(p, machine, plan, wanted_lines(p, machine)) > 0;
    if (plan.feasible) return;
  }
  plan.slots = kSlots;
  plan.resident = false;
  plan.lines = 1;
  plan.piece = device::max<u32>(1, plan.full);
  while (plan.piece > 0 && !lay_out(p, machine, plan)) plan.piece = smaller(plan.piece);
  plan.feasible = plan.piece > 0;
}

// A group should be wide enough for whole bursts.
inline void plan_columns(const Problem& p, const assay_machine& machine, Plan& plan) {
  plan.by_columns = true;
  const u64 burst = 256 / p.element;
  const u64 wanted = device::min(p.inner, device::max(wanted_lines(p, machine), burst));
  plan.resident = true;
  const u32 resident = most_lines(p, machine, plan, wanted);
  plan.feasible = resident > 0;
  if (resident >= device::min(p.inner, burst)) return;
  Plan streaming = plan;
  streaming.resident = false;
  const u64 pass = machine.spm_bytes / 8 / (kBlock * p.element);
  const u64 columns = device::min(p.inner, device::max(pass, burst));
  if (most_lines(p, machine, streaming, columns) <= resident) return;
  plan = streaming;
  plan.feasible = true;
}

inline void make_plan(const Problem& p, const assay_machine& machine, Plan& plan) {
  if (p.length / kBlock > machine.spm_bytes) return;  // its blocks' maxima alone would not fit
  plan.full = static_cast<u32>(p.length / kBlock);
  plan.tail = static_cast<u32>(p.length % kBlock);
  plan.blocks = plan.full + (plan.tail != 0 ? 1 : 0);
  plan.stripes = static_cast<u32>(device::min<u64>(p.length, kStripes));
  if (p.inner > 1) plan_columns(p, machine, plan);
  else plan_rows(p, machine, plan);
}

}  // namespace softmax
