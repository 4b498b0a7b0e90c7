// Attention to the bit of docs/numerics.md, "Attention".
//
// A step is one block of keys for one tile of rows. Its scores go from the array (Q times K^T) to the vector
// unit, which brings O and the sums to the new maximum's scale and makes P of the scores, and back to the
// array (P times V). The array forms the next step's scores before it waits for this one's P, so that both
// units are busy. dma_in brings K and V by chunks through a ring of slots, in the order of their use.
//
// Every command is issued behind those that it waits for, whatever the queues hold.
#include "ops/attention/attention_plan.hpp"
#include "ops/attention/attention_steps.hpp"
#include "ops/device/vector.hpp"

namespace {

using namespace device;
using attention::i64;
using attention::kBlock;
using attention::kStripes;
using attention::Plan;
using attention::Sizes;
using attention::Step;
using attention::Tile;
using attention::Walk;

enum : u32 {
  kQFilled,
  kQFreed,
  kSlotFilled,
  kSlotFreed,
  kSFilled,
  kSFreed,
  kPFilled,
  kPvDone,
  kYFilled,
  kYFreed,
  kMaskFilled,
  kMaskFreed,
  kSemaphores
};
constexpr u32 kDmaIn = ASSAY_ENGINE_dma_in, kDmaOut = ASSAY_ENGINE_dma_out, kMxu = ASSAY_ENGINE_mxu,
              kVxu = ASSAY_ENGINE_vxu;
constexpr u32 kMinusOne = 0xBF800000;
constexpr u64 kAhead = 4;  // chunks ordered before their use: what dma_in's queue holds

// Chunks of K and V in the order of their use: K of a step, then, where the kernel is pipelined, V of the one
// before it.
class Loader {
 public:
  Loader(const assay_args& args, const assay_attention_attributes& at, const Plan& plan, const Walk& walk)
      : k_(args.tensors[1].address),
        v_(args.tensors[2].address),
        element_(element_bytes(args.tensors[0].dtype)),
        at_(at),
        plan_(plan),
        walk_(walk),
        keys_(walk.first()),
        values_(keys_),
        free_(plan.slots) {
    ahead_ = min(kAhead, plan.slots);
  }

  // Orders what is used up to `ahead_` chunks from now on; then the next use may be ordered.
  void before_use() {
    ++used_;
    while (ordered_ < used_ - 1 + ahead_ && !(keys_.done && values_.done)) order();
  }
  void drain() {
    for (; free_ < plan_.slots; ++free_) assay_sem_wait(kDmaIn, kSlotFreed);
  }

 private:
  void order() {
    const bool value = keys_.done || value_turn_;
    Step& s = value ? values_ : keys_;
    if (free_ > 0) --free_;
    else assay_sem_wait(kDmaIn, kSlotFreed);
    const u64 count = min(plan_.chunk, s.columns() - at_key_);
    transfer(s.tile, value, s.key() + at_key_, count);
    assay_sem_signal(kDmaIn, kSlotFilled);
    ++ordered_;
    at_key_ += count;
    if (at_key_ < s.columns()) return;
    at_key_ = 0;
    walk_.advance(s);
    // With one of each buffer K and V take turns; else V is a step behind.
    if (value) value_turn_ = false;
    else value_turn_ = !plan_.pipelined || keys_.index > 1;
  }

  void transfer(const Tile& t, bool value, u64 key, u64 count) {
    const assay_attention_strides& stride = value ? at_.v : at_.k;
    const u64 unit = t.head / (at_.q_heads / at_.kv_heads);
    const u64 from = (value ? v_ : k_) + t.batch * stride.batch + unit * stride.head + key * stride.row;
    const u32 run = static_cast<u32>((value ? at_.value_depth : at_.depth) * element_);
    const Block block{from,       plan_.slots_at + slot_ * plan_.slot_size, run, static_cast<u32>(count),
                      stride.row, value ? plan_.v_pitch : plan_.k_pitch};
    if (t.units == 1) dma_in(block);
    else dma_in_planes({block, static_cast<u32>(t.units), stride.head, plan_.slot_unit});
    if (++slot_ == plan_.slots) slot_ = 0;
  }

  const u64 k_, v_, element_;
  const assay_attention_attributes& at_;
  const Plan& plan_;
  const Walk& walk_;
  Step keys_, values_;  // whose chunks come next
  u64 at_key_ = 0;      // of the one whose turn it is
  bool value_turn_ = false;
  u64 ordered_ = 0, used_ = 0, ahead_, free_;
  u32 slot_ = 0;
};

class Attention {
 public:
  Attention(const assay_args& args, const assay_attention_attributes& at, const Plan& plan,
            const Sizes& sizes)
      : args_(args),
        at_(at),
        plan_(plan),
        dtype_(args.tensors[0].dtype),
        element_(static_cast<u32>(sizes.element)),
        cols_(machine().mxu_cols),
        tile_k_(sizes.tile_k),
        walk_(at, plan),
        loader_(args, at, plan, walk_),
        q_(static_cast<u32>(plan.buffers())),
        s_(q_),
        y_(q_),
        mask_(q_) {}

  void run() {
    Step step = walk_.first(), next = step;
    load_q(step);
    if (plan_.pipelined) scores(next);
    for (; !step.done; walk_.advance(step)) {
      if (plan_.pipelined) walk_.advance(next);
      if (!next.done) scores(next);
      if (!plan_.pipelined) walk_.advance(next);
      weigh(step);
      add_values(step);
    }
    finish();
    drain();
  }

 private:
  struct Tokens {
    explicit Tokens(u32 count) : all(count), free(count) {}
    u32 all, free;
  };
  // As device::Exchange does, of buffers taken in turn.
  static void produce(Tokens& tokens, u32 engine, u32 freed) {
    if (tokens.free > 0) --tokens.free;
    else assay_sem_wait(engine, freed);
  }
  static void drain(Tokens& tokens, u32 engine, u32 freed) {
    for (; tokens.free < tokens.all; ++tokens.free) assay_sem_wait(engine, freed);
  }
  void drain() {
    loader_.drain();
    drain(q_, kDmaIn, kQFreed);
    drain(mask_, kDmaIn, kMaskFreed);
    drain(s_, kMxu, kSFreed);
    drain(y_, kVxu, kYFreed);
    assay_fence_ai(1u << kDmaIn | 1u << kDmaOut | 1u << kMxu | 1u << kVxu);
  }

  // Which of a kind's buffers.
  u32 buffer(u64 index) const { return plan_.pipelined ? static_cast<u32>(index & 1) : 0; }
  u32 q_of(const Step& s) const { return plan_.q_at + buffer(s.tile_index) * plan_.q_size; }
  u32 s_of(const Step& s) const { return plan_.s_at + buffer(s.index) * plan_.s_size; }
  u32 p_of(const Step& s) const { return plan_.p_at + buffer(s.index) * plan_.p_size; }
  u32 mask_of(const Step& s) const { return plan_.mask_at + buffer(s.index) * plan_.mask_size; }

  // ---------------------------------------------------------------------------------------- transfers

  void load_q(const Step& s) {
    const Tile& t = s.tile;
    produce(q_, kDmaIn, kQFreed);
    const u64 from =
        args_.tensors[0].address + t.batch * at_.q.batch + t.head * at_.q.head + t.query * at_.q.row;
    dma_in_planes({{from, q_of(s), static_cast<u32>(at_.depth) * element_, static_cast<u32>(t.queries),
                    at_.q.row, plan_.q_pitch},
                   static_cast<u32>(t.heads),
                   at_.q.head,
                   static_cast<u32>(t.queries) * plan_.q_pitch});
    assay_sem_signal(kDmaIn, kQFilled);
  }

  // The next tile's queries, when this one's have been asked for.
  void load_next_q(const Step& s) {
    Step next = s;
    while (!next.ends()) walk_.advance(next);
    walk_.advance(next);
    if (!next.done) load_q(next);
  }

  // Heads and rows that the mask has of its own.
  u64 mask_heads(const Tile& t) const { return at_.mask.head != 0 ? t.heads : 1; }
  u64 mask_rows(const Tile& t) const { return at_.mask.row != 0 ? t.queries : 1; }

  void load_mask(const Step& s) {
    const Tile& t = s.tile;
    const u64 element = element_bytes(args_.tensors[4].dtype);
    produce(mask_, kDmaIn, kMaskFreed);
    const u64 at = t.batch * at_.mask.batch + t.head * at_.mask.head + t.query * at_.mask.row + s.key();
    const u32 rows = static_cast<u32>(mask_rows(t));
    dma_in_planes({{args_.tensors[4].address + at * element, mask_of(s),
                    static_cast<u32>(s.columns() * element), rows, at_.mask.row * element, plan_.mask_pitch},
                   static_cast<u32>(mask_heads(t)),
                   at_.mask.head * element,
                   rows * plan_.mask_pitch});
    assay_sem_signal(kDmaIn, kMaskFilled);
  }

  void store(const Tile& t, u32 from) {
    assay_sem_wait(kDmaOut, kYFilled);
    const u64 to =
        args_.tensors[3].address + t.batch * at_.y.batch + t.head * at_.y.head + t.query * at_.y.row;
    assay_cfg2_dma_out_run(assay_pack_dma_run(static_cast<u32>(at_.value_depth) * element_, 0), at_.y.row);
    assay_cfg2_dma_out_dim1_local(
        assay_pack_dma_dim1_local(static_cast<u32>(t.queries), static_cast<int32_t>(plan_.y_pitch)),
        at_.y.head);
    assay_cfg_dma_out_dim2_local(assay_pack_dma_dim2_local(
        static_cast<u32>(t.heads), static_cast<int32_t>(static_cast<u32>(t.queries) * plan_.y_pitch)));
    assay_dma_out(to, from);
    assay_sem_signal(kDmaOut, kYFreed);
  }

  // ----------------------------------------------------------------------------------------- products

  // One operand's tiles: bytes from one of n, of k, and from one unit to the next.
  struct Stationary {
    u32 at, pitch;
    u64 n_step, k_step, unit;
    bool k_contiguous;
  };
  struct Streamed {
    u32 at, pitch;
    u64 unit;
  };
  struct Result {
    u32 at, pitch;
    u64 unit;
  };

  // result (+)= streamed times stationary, for each unit: `rows` of each, n columns, k products.
  void multiply(const Streamed& a, const Stationary& b, const Result& r, u64 rows, u64 n, u64 k, u64 units,
                bool accumulate) const {
    if (units == 1) return multiply_one(a, b, r, rows, n, k, accumulate);
    // Units in turn, so that a partial result is back when its next products come.
    for (u64 from = 0; from < k; from += tile_k_) {
      const u64 depth = min(k - from, tile_k_);
      configure(a, b, r, rows, n, depth, accumulate || from > 0);
      assay_cfg2_mxu_repeat(repeat(n, units), 0);
      steps(a.unit, b.unit, b.n_step, r.unit);
      launch(a.at + from * element_, b.at + from / tile_k_ * b.k_step, r.at);
    }
  }

  void multiply_one(const Streamed& a, const Stationary& b, const Result& r, u64 rows, u64 n, u64 k,
                    bool accumulate) const {
    const u64 outer = ceil_div(k, tile_k_);
    configure(a, b, r, rows, n, min(k, tile_k_), accumulate);
    assay_cfg2_mxu_repeat(repeat(n, outer),
                          assay_pack_mxu_outer_tail(static_cast<u32>(k - (outer - 1) * tile_k_)));
    steps(tile_k_ * element_, b.k_step, b.n_step, 0);
    launch(a.at, b.at, r.at);
  }

  u64 repeat(u64 n, u64 outer) const {
    const u64 inner = ceil_div(n, cols_);
    return assay_pack_mxu_repeat(static_cast<u32>(inner), static_cast<u32>(n - (inner - 1) * cols_),
                                 static_cast<u32>(outer));
  }
  void configure(const Streamed& a, const Stationary& b, const Result& r, u64 rows, u64 n, u64 k,
                 bool accumulate) const {
    assay_cfg2_mxu_format(
        assay_pack_mxu_format(dtype_, 0, b.k_contiguous, accumulate, 0),
        assay_pack_mxu_size(static_cast<u32>(rows), static_cast<u32>(min(n, cols_)), static_cast<u32>(k)));
    assay_cfg2_mxu_strides(assay_pack_mxu_strides(a.pitch, b.pitch), r.pitch);
  }
  void steps(u64 a_outer, u64 b_outer, u64 b_inner, u64 r_outer) const {
    assay_cfg2_mxu_inner_step(
        assay_pack_mxu_inner_step(0, static_cast<int32_t>(b_inner)),
        assay_pack_mxu_outer_step(static_cast<int32_t>(a_outer), static_cast<int32_t>(b_outer)));
    assay_cfg_mxu_acc_step(
        assay_pack_mxu_acc_step(static_cast<int32_t>(cols_ * 4), static_cast<int32_t>(r_outer)));
  }
  static void launch(u64 a, u64 b, u32 r) { assay_mxu_ws(static_cast<u32>(a), static_cast<u32>(b), r); }

  // Calls visit(first key in the block, number of keys, slot) for each chunk, which it takes and frees.
  template <typename Visit>
  void each_chunk(const Step& s, Visit visit) {
    for (u64 from = 0, count; from < s.columns(); from += count) {
      count = min(plan_.chunk, s.columns() - from);
      loader_.before_use();
      assay_sem_wait(kMxu, kSlotFilled);
      visit(from, count, plan_.slots_at + slot_ * plan_.slot_size);
      assay_sem_signal(kMxu, kSlotFreed);
      if (++slot_ == plan_.slots) slot_ = 0;
    }
  }

  // S = Q K^T.
  void scores(const Step& s) {
    const u32 skipped = static_cast<u32>(walk_.first_row(s));
    if (!plan_.pipelined && s.begins() && s.index > 0) load_q(s);
    if (at_.mask_kind != ASSAY_ATTENTION_NO_MASK) load_mask(s);
    if (s.begins()) assay_sem_wait(kMxu, kQFilled);
    produce(s_, kMxu, kSFreed);
    const u64 rows = s.tile.rows() / s.tile.units;
    each_chunk(s, [&](u64 from, u64 count, u32 slot) {
      multiply({q_of(s) + skipped * plan_.q_pitch, plan_.q_pitch, rows * plan_.q_pitch},
               {slot, plan_.k_pitch, cols_ * plan_.k_pitch, tile_k_ * element_, plan_.slot_unit, true},
               {s_of(s) + skipped * plan_.s_pitch + static_cast<u32>(from) * 4, plan_.s_pitch,
                rows * plan_.s_pitch},
               rows - skipped, count, at_.depth, s.tile.units, false);
    });
    assay_sem_signal(kMxu, kSFilled);
    if (s.ends()) assay_sem_signal(kMxu, kQFreed);
    if (plan_.pipelined && s.begins()) load_next_q(s);
  }

  // O += P V.
  void add_values(const Step& s) {
    const u32 skipped = static_cast<u32>(walk_.first_row(s));
    const u64 rows = s.tile.rows() / s.tile.units;
    assay_sem_wait(kMxu, kPFilled);
    each_chunk(s, [&](u64 from, u64 count, u32 slot) {
      multiply({p_of(s) + skipped * plan_.p_pitch + static_cast<u32>(from) * element_, plan_.p_pitch,
                rows * plan_.p_pitch},
               {slot, plan_.v_pitch, cols_ * element_, tile_k_ * plan_.v_pitch, plan_.slot_unit, false},
               {plan_.o_at + skipped * plan_.o_pitch, plan_.o_pitch, rows * plan_.o_pitch}, rows - skipped,
               at_.value_depth, count, s.tile.units, !s.begins() || from > 0);
    });
    assay_sem_signal(kMxu, kPvDone);
    pending_ = s;
    is_pending_ = true;
  }

  // ------------------------------------------------------------------------------------- vector passes

  // Rows of the step's tile from the first that takes part.
  struct Rows {
    u32 first, count, columns;
    u32 at(u32 vector) const { return vector + first * 4; }
  };
  static Place row_of(u32 at) { return f32_at(at, 0); }     // a vector of rows, as one row
  static Place column(u32 at) { return f32_at(at, 4, 0); }  // the same, a value for each row

  // Maximum, scale of what is there, P; and what the step before left to do.
  void weigh(const Step& s) {
    const u32 first = static_cast<u32>(walk_.first_row(s));
    const Rows r{first, static_cast<u32>(s.tile.rows()) - first, static_cast<u32>(s.columns())};
    const u32 negatives = r.at(plan_.negatives_at[s.index & 1]),
              before = r.at(plan_.negatives_at[~s.index & 1]);
    const u32 shrink = r.at(plan_.shrink_at);
    assay_sem_wait(kVxu, kSFilled);
    if (at_.mask_kind == ASSAY_ATTENTION_ADDED) add_mask(s);
    maximum(s, r);
    VectorPass{1, r.count, row_of(r.at(plan_.top_at))}.scaled(kMinusOne).to(row_of(negatives));
    if (!s.begins()) {
      VectorPass{1, r.count, row_of(before)}
          .scaled(kMinusOne)
          .biased(row_of(negatives))
          .apply(ASSAY_VECTOR_FUNCTION_exp2)
          .to(row_of(shrink));
      VectorPass{r.count, kStripes, sums(r)}.scaled(column(shrink)).to(sums(r));
    }
    if (!plan_.pipelined) take_values();
    exponentials(s, r, negatives);
    assay_sem_signal(kVxu, kSFreed);
    if (plan_.pipelined) take_values();
    if (!s.begins())
      VectorPass{r.count, static_cast<u32>(at_.value_depth), results(r)}
          .scaled(column(shrink))
          .to(results(r));
    assay_sem_signal(kVxu, kPFilled);
    if (s.ends()) fold(s.tile);
  }

  Place scores_of(const Step& s, const Rows& r) const {
    return f32_at(s_of(s) + r.first * plan_.s_pitch, plan_.s_pitch);
  }
  Place sums(const Rows& r) const {
    return f32_at(plan_.sum_at + r.first * plan_.sum_pitch, plan_.sum_pitch);
  }
  Place results(const Rows& r) const { return f32_at(plan_.o_at + r.first * plan_.o_pitch, plan_.o_pitch); }

  void maximum(const Step& s, const Rows& r) const {
    const u32 top = r.at(plan_.top_at);
    VectorPass pass{r.count, r.columns, scores_of(s, r)};
    pass.accumulate = !s.begins();
    pass.scaled(static_cast<u32>(at_.factor)).reduced(ASSAY_REDUCTION_max, top, 4).nowhere();
    VectorPass{1, r.count, row_of(top)}
        .biased(ASSAY_ATTENTION_LEAST)
        .maximum()
        .apply(ASSAY_VECTOR_FUNCTION_ceil)
        .to(row_of(top));
  }

  void exponentials(const Step& s, const Rows& r, u32 negatives) const {
    VectorPass pass{r.count, r.columns, scores_of(s, r)};
    pass.accumulate = !s.begins();
    pass.scaled(static_cast<u32>(at_.factor))
        .biased(column(negatives))
        .apply(ASSAY_VECTOR_FUNCTION_exp2)
        .reduced(ASSAY_REDUCTION_sum, sums(r).at, plan_.sum_pitch)
        .to({p_of(s) + r.first * plan_.p_pitch, plan_.p_pitch, element_, dtype_});
  }

  // S = outer * S + mask, for each head by itself where heads or rows share one.
  void add_mask(const Step& s) {
    const Tile& t = s.tile;
    const u32 columns = static_cast<u32>(s.columns()), queries = static_cast<u32>(t.queries);
    const u32 element = element_bytes(args_.tensors[4].dtype), dtype = args_.tensors[4].dtype;
    const u32 row = at_.mask.row != 0 ? plan_.mask_pitch : 0;
    const u32 head = at_.mask.head != 0 ? static_cast<u32>(mask_rows(t)) * plan_.mask_pitch : 0;
    assay_sem_wait(kVxu, kMaskFilled);
    const bool at_once = head == row * queries;
    const u32 passes = at_once ? 1 : static_cast<u32>(t.heads),
              rows = at_once ? static_cast<u32>(t.rows()) : queries;
    for (u32 i = 0; i < passes; ++i) {
      const Place scores = f32_at(s_of(s) + i * queries * plan_.s_pitch, plan_.s_pitch);
      VectorPass{rows, columns, scores}
          .scaled(static_cast<u32>(at_.outer_scale))
          .biased({mask_of(s) + i * head, row, element, dtype})
          .to(scores);
    }
    assay_sem_signal(kVxu, kMaskFreed);
  }

  // The factor of every row of a tile, from its stripes: 1 / sum, NaN where the maximum is +Inf.
  void fold(const Tile& t) const {
    const Rows r{0, static_cast<u32>(t.rows()), 0};
    const Place all = sums(r);
    const auto half = [&](u32 h) { return f32_at(all.at + h * 4, all.row); };
    for (u32 h = kStripes / 2; h > 1; h /= 2) VectorPass{r.count, h, all}.biased(half(h)).to(all);
    VectorPass{r.count, 1, all}.biased(half(1)).to(f32_at(plan_.factor_at, 4));
    VectorPass{1, r.count, row_of(plan_.factor_at)}
        .biased(ASSAY_ATTENTION_TINIEST)
        .maximum()
        .apply(ASSAY_VECTOR_FUNCTION_reciprocal)
        .to(row_of(plan_.factor_at));
    VectorPass{1, r.count, row_of(plan_.top_at)}
        .scaled(0u)
        .biased(row_of(plan_.factor_at))
        .to(row_of(plan_.factor_at));
  }

  // The step before has added its values: its tile may be complete.
  void take_values() {
    if (!is_pending_) return;
    is_pending_ = false;
    assay_sem_wait(kVxu, kPvDone);
    if (!pending_.ends()) return;
    const Tile& t = pending_.tile;
    const u32 y = plan_.y_at + buffer(pending_.tile_index) * plan_.y_size;
    produce(y_, kVxu, kYFreed);
    VectorPass{static_cast<u32>(t.rows()), static_cast<u32>(at_.value_depth),
               f32_at(plan_.o_at, plan_.o_pitch)}
        .scaled(column(plan_.factor_at))
        .to({y, plan_.y_pitch, element_, dtype_});
    assay_sem_signal(kVxu, kYFilled);
    store(t, y);
  }

  void finish() { take_values(); }

  const assay_args& args_;
  const assay_attention_attributes& at_;
  const Plan& plan_;
  const u32 dtype_, element_;
  const u64 cols_, tile_k_;
  const Walk walk_;
  Loader loader_;
  Tokens q_, s_, y_, mask_;
  u32 slot_ = 0;  // that the array uses next
  Step pending_;  // whose values the array adds
  bool is_pending_ = false;
};

u32 attend(const assay_args& args, const assay_attention_attributes& at) {
  const assay_machine& m = machine();
  const u32 dtype = args.tensors[0].dtype;
  if (m.mxu_chain[dtype] == 0) return ASSAY_STATUS_BAD_ARGS;
  if (m.semaphores < kSemaphores) return ASSAY_STATUS_NO_SEMAPHORES;
  const bool masked = at.mask_kind != ASSAY_ATTENTION_NO_MASK;
  const Sizes sizes{at, m, element_bytes(dtype), masked ? element_bytes(args.tensors[4].dtype) : 0,
                    u64{m.mxu_rows} * m.mxu_chain[dtype]};
  Plan plan;
  attention::make_plan(sizes, plan);
  if (!plan.feasible) return ASSAY_STATUS_NO_CAPACITY;
  Attention(args, at, plan, sizes).run();
  return 0;
}

}  // namespace

extern "C" uint32_t assay_kernel(const assay_args* args) {
  const bool known = args->magic == ASSAY_ARGS_MAGIC && args->abi_version == ASSAY_ABI_VERSION;
  if (!known || args->tensor_count < 4 || args->attribute_count * 8 < sizeof(assay_attention_attributes))
    return ASSAY_STATUS_BAD_ARGS;
  const auto& at = *reinterpret_cast<const assay_attention_attributes*>(args->attributes);
  if (at.mask_kind != ASSAY_ATTENTION_NO_MASK && args->tensor_count < 5) return ASSAY_STATUS_BAD_ARGS;
  return attend(*args, at);
}
