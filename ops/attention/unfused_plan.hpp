// How the unfused attention cuts its problem. All three steps go by tiles of a head's queries: the scores of
// a tile by blocks of keys, the weights by groups of its rows, the results by slabs of keys. Each step has
// SPM and ACC for itself.
#pragma once

#include "ops/attention/attention_plan.hpp"
#include "ops/device/kernel.hpp"

namespace unfused {

using namespace device;
using attention::kStripes;
using attention::Space;

// Tensors: Q, K, V, Y, then the workspaces.
enum : u32 { kQ, kK, kV, kY, kScores, kWeights, kFactors, kTensors };

// Semaphores and engines. Steps share those of the same two engines.
enum : u32 {
  kQueriesFilled,
  kQueriesFreed,
  kOperandsFilled,
  kOperandsFreed,
  kSumsStored,
  kSumsFreed,
  kSumsFilled,
  kSumsTaken,
  kLoaded,
  kLoadedFreed,
  kStageFilled,
  kStageFreed,
  kSemaphores
};

struct Plan {
  u64 rows;     // queries of a tile
  u64 keys;     // of a block of scores
  u64 group;    // rows whose weights are made at a time
  u64 buffers;  // of a group's scores and weights
  u64 depth;    // keys of a slab
  // Bytes between rows, in SPM and in ACC.
  u32 q_pitch, k_pitch, v_pitch, p_pitch, s_pitch, w_pitch, y_pitch;
  u32 scores_pitch, o_pitch, sum_pitch;
};

struct Sizes {
  const assay_attention_attributes& at;
  const assay_machine& machine;
  u64 element, out_element;
};

constexpr u64 kQueryTiles = 2, kKeyBlocks = 3, kBuffers = 2, kSlabs = 3, kFactorsAhead = kSlabs + 2;

inline u32 pitch(u64 bytes, u32 word) { return static_cast<u32>(align_up(bytes, word)); }

inline bool scores_fit(const Sizes& s, Plan& plan) {
  const u32 word = s.machine.spm_bank_bytes;
  plan.q_pitch = pitch(s.at.depth * s.element, word);
  plan.k_pitch = plan.q_pitch | word;  // lines that refill the line buffers: different banks
  plan.scores_pitch = pitch(plan.keys * 4, s.machine.acc_bank_bytes);
  const u64 spm = kQueryTiles * plan.rows * plan.q_pitch + kKeyBlocks * plan.keys * plan.k_pitch;
  return spm <= s.machine.spm_bytes && kBuffers * plan.rows * plan.scores_pitch <= s.machine.acc_bytes;
}

// Whole rows of scores and weights, and a vector each of maxima and factors.
inline bool weights_fit(const Sizes& s, Plan& plan) {
  const u32 word = s.machine.spm_bank_bytes;
  plan.s_pitch = pitch(s.at.keys * 4, word);
  plan.w_pitch = pitch(s.at.keys * s.element, word);
  plan.sum_pitch = kStripes * 4 + s.machine.acc_bank_bytes;
  const u64 each = plan.buffers * (u64{plan.s_pitch} + plan.w_pitch + 4) + 4;
  return plan.group * each + 8 * word <= s.machine.spm_bytes &&
         plan.group * (plan.sum_pitch + 4) + s.machine.acc_bank_bytes <= s.machine.acc_bytes;
}

inline bool values_fit(const Sizes& s, Plan& plan) {
  const u32 word = s.machine.spm_bank_bytes;
  plan.p_pitch = pitch(plan.depth * s.element, word);
  plan.v_pitch = pitch(s.at.value_depth * s.element, word);
  plan.y_pitch = pitch(s.at.value_depth * s.out_element, word);
  plan.o_pitch = pitch(s.at.value_depth * 4, s.machine.acc_bank_bytes);
  const u64 spm = kSlabs * (plan.rows * plan.p_pitch + plan.depth * plan.v_pitch) +
                  kBuffers * plan.rows * plan.y_pitch + kFactorsAhead * pitch(plan.rows * 4, word);
  return spm <= s.machine.spm_bytes && kBuffers * plan.rows * plan.o_pitch <= s.machine.acc_bytes;
}

// False where not even single rows fit: a whole row of scores has to.
inline bool make_plan(const Sizes& s, Plan& plan) {
  const u64 cols = s.machine.mxu_cols;
  plan.rows = min<u64>(s.at.queries, 4 * s.machine.mxu_rows);
  plan.keys = min<u64>(s.at.keys, 8 * cols);
  while (!scores_fit(s, plan)) {
    if (plan.keys > cols && (plan.keys >= plan.rows || plan.rows <= cols))
      plan.keys = align_up(plan.keys / 2, cols);
    else if (plan.rows > 1) plan.rows = (plan.rows + 1) / 2;
    else if (plan.keys > 1) plan.keys = (plan.keys + 1) / 2;
    else return false;
  }
  plan.depth = min<u64>(s.at.keys, 4 * s.machine.mxu_rows);
  while (!values_fit(s, plan)) {
    if (plan.depth > s.machine.mxu_rows || (plan.rows == 1 && plan.depth > 1))
      plan.depth = (plan.depth + 1) / 2;
    else if (plan.rows > 1) plan.rows = (plan.rows + 1) / 2;
    else return false;
  }
  scores_fit(s, plan);
  plan.buffers = kBuffers;
  plan.group = min<u64>(plan.rows, 256);
  while (!weights_fit(s, plan)) {
    if (plan.group > 1) plan.group = (plan.group + 1) / 2;
    else if (plan.buffers-- == 1) return false;
  }
  return true;
}

// A tile of queries of a head, and the keys that any of them sees: [first, end), from a whole stripe on.
// Where none sees a key, some that are all hidden.
struct Tile {
  u64 batch = 0, head = 0, row = 0, rows = 0;
  u64 first = 0, end = 0;
  bool done = false;
};

class Walk {
 public:
  using i64 = int64_t;
  Walk(const assay_attention_attributes& at, const Plan& plan) : at_(at), plan_(plan) {}

  Tile begin() const {
    Tile t;
    begin_tile(t);
    return t;
  }
  void advance(Tile& t) const {
    t.row += t.rows;
    if (t.row == at_.queries) {
      t.row = 0;
      ++t.head;
    }
    if (t.head == at_.q_heads) {
      t.head = 0;
      ++t.batch;
    }
    t.done = t.batch == at_.batch;
    if (!t.done) begin_tile(t);
  }

  bool hides() const { return causal() || at_.window > 0; }
  bool causal() const { return (at_.flags & ASSAY_ATTENTION_CAUSAL) != 0; }
  // Keys that a query sees: [lo, hi).
  i64 lo(u64 row) const { return at_.window == 0 ? 0 : position(row) - i64(at_.window) + 1; }
  i64 hi(u64 row) const {
    if (causal()) return position(row) + 1;
    return at_.window == 0 ? i64(at_.keys) : position(row) + i64(at_.window);
  }

  // Of a row in a workspace that has one for each query of each head.
  u64 row_index(const Tile& t) const { return (t.batch * at_.q_heads + t.head) * at_.queries + t.row; }

 private:
  i64 position(u64 row) const { return i64(at_.keys) - i64(at_.queries) + i64(row); }
  u64 clamped(i64 key) const { return key <= 0 ? 0 : min(static_cast<u64>(key), at_.keys); }
  void begin_tile(Tile& t) const {
    t.rows = min(plan_.rows, at_.queries - t.row);
    t.first = clamped(lo(t.row)) / kStripes * kStripes;
    t.end = clamped(hi(t.row + t.rows - 1));
    if (t.first < t.end) return;
    t.first = 0;
    t.end = min<u64>(kStripes, at_.keys);
  }

  const assay_attention_attributes& at_;
  const Plan& plan_;
};

}  // namespace unfused
