// Attention to the bit of docs/numerics.md, "Attention".
//
// A step is one block of keys for one tile of rows. Its scores go from the array (Q times K^T) to the vector
// unit, which brings O and the sums to the new maximum's scale and makes P of the scores, and back to the
// array (P times V). The array forms the next step's scores before it waits for this one's P, so that both
// units are busy. dma_in brings K and V by chunks through a ring of slots, in the order of their use.
//
// Every command is issued behind those that it waits for, whatever the queues hold.
#include "ops/attention/attention_loader.hpp"
#include "ops/attention/attention_product.hpp"
#include "ops/attention/attention_transfers.hpp"
#include "ops/device/kernel.hpp"
#include "ops/device/vector.hpp"

namespace {

using namespace device;
using attention::i64;
using attention::kStripes;
using attention::Plan;
using attention::Product;
using attention::Sizes;
using attention::Step;
using attention::Tile;
using attention::Transfers;
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
  kTableLoaded,
  kSemaphores
};
constexpr u32 kMinusOne = 0xBF800000, kOne = 0x3F800000, kSeven = 0x40E00000, kEight = 0x41000000;  // fp32
using Loader = attention::Loader<kSlotFilled, kSlotFreed, kTableLoaded>;

// What P is multiplied as.
u32 weight_type(u32 dtype, const assay_attention_attributes& at) {
  if (dtype != ASSAY_DTYPE_s8) return dtype;
  return attention::byte_weights(at) ? u32{ASSAY_DTYPE_u8} : u32{ASSAY_DTYPE_bf16};
}

// bytes_: P is u8.
template <bool bytes_>
class Attention {
 public:
  Attention(const assay_args& args, const assay_attention_attributes& at, const Plan& plan,
            const Sizes& sizes)
      : args_(args),
        at_(at),
        plan_(plan),
        dtype_(args.tensors[0].dtype),
        element_(static_cast<u32>(sizes.element)),
        walk_(at, plan, lengths_of(args, at)),
        loader_(args, at, plan, walk_),
        weight_dtype_(weight_type(dtype_, at)),
        weight_element_(static_cast<u32>(sizes.weight_element)),
        qk_(scores_kind(), plan, machine()),
        pv_(values_kind(), plan, machine()),
        transfers_(args, at, plan),
        q_(static_cast<u32>(plan.buffers())),
        s_(static_cast<u32>(plan.lead) + 1),
        y_(q_),
        mask_(s_) {}

  // In one body: the host pays for every call, and decode waits for the host.
  [[gnu::flatten]] void run() {
    assay_cfg_vxu_convert(assay_pack_vxu_convert(1));  // P of fp8 saturates
    if (integers() && !bytes_) write_one();
    Step step = walk_.first(), next = step;
    load_q(step);
    const auto scores_of_next = [&] {
      if (next.done) return;
      scores(next);
      walk_.advance(next);
    };
    for (u64 i = 0; i < plan_.lead; ++i) scores_of_next();
    for (; !step.done; walk_.advance(step)) {
      scores_of_next();
      weigh(step);
      add_values(step);
    }
    take_values();
    drain();
  }

 private:
  // The scale of V where it is dequantised.
  void write_one() const {
    *reinterpret_cast<volatile u32*>(ASSAY_SPM_BASE + u64{plan_.one_at}) = kOne;
    asm volatile("fence" ::: "memory");
  }

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

  static const volatile int32_t* lengths_of(const assay_args& args, const assay_attention_attributes& at) {
    return at.lengths == 0 ? nullptr
                           : reinterpret_cast<const volatile int32_t*>(args.tensors[at.lengths].address);
  }

  // Which of a kind's buffers.
  u32 buffer(u64 index) const { return plan_.lead > 0 ? static_cast<u32>(index & 1) : 0; }
  u32 q_of(const Step& s) const { return plan_.q_at + buffer(s.tile_index) * plan_.q_size; }
  u32 s_of(const Step& s) const { return plan_.s_at + static_cast<u32>(s.turn) * plan_.s_size; }
  u32 p_of(const Step& s) const { return plan_.p_at + buffer(s.index) * plan_.p_size; }
  u32 mask_of(const Step& s) const { return plan_.mask_at + static_cast<u32>(s.turn) * plan_.mask_size; }

  // ---------------------------------------------------------------------------------------- transfers

  void load_q(const Step& s) {
    produce(q_, kDmaIn, kQFreed);
    loader_.leave_pages();
    transfers_.load_q(s.tile, q_of(s));
    assay_sem_signal(kDmaIn, kQFilled);
  }

  // The next tile's queries, when this one's have been asked for.
  void load_next_q(const Step& s) {
    Step next = s;
    walk_.next_tile(next);
    if (!next.done) load_q(next);
  }

  void load_mask(const Step& s) {
    produce(mask_, kDmaIn, kMaskFreed);
    loader_.leave_pages();
    transfers_.load_mask(s, mask_of(s));
    assay_sem_signal(kDmaIn, kMaskFilled);
  }

  void store(const Tile& t, u32 from) {
    assay_sem_wait(kDmaOut, kYFilled);
    transfers_.store(t, from);
    assay_sem_signal(kDmaOut, kYFreed);
  }

  // ----------------------------------------------------------------------------------------- products

  Product::Kind scores_kind() const {
    const u32 rows = static_cast<u32>(plan_.shape.rows() / plan_.shape.units);
    return {dtype_,          plan_.q_pitch,
            plan_.k_pitch,   plan_.s_pitch,
            element_,        plan_.k_pitch,
            element_,        rows * plan_.q_pitch,
            plan_.slot_unit, rows * plan_.s_pitch,
            false,           true,
            false,           false};
  }
  Product::Kind values_kind() const {
    const u32 rows = static_cast<u32>(plan_.shape.rows() / plan_.shape.units);
    if (plan_.turned)
      return {dtype_,
              plan_.v_pitch,
              plan_.p_pitch,
              plan_.o_pitch,
              plan_.v_pitch,
              plan_.p_pitch,
              element_,
              plan_.slot_unit,
              rows * plan_.p_pitch,
              rows * 4,
              true,
              true,
              false,
              false};
    return {weight_dtype_,
            plan_.p_pitch,
            plan_.v_pitch,
            plan_.o_pitch,
            weight_element_,
            element_,
            plan_.v_pitch,
            rows * plan_.p_pitch,
            plan_.slot_unit,
            rows * plan_.o_pitch,
            false,
            false,
            weight_dtype_ != dtype_,
            weight_dtype_ == ASSAY_DTYPE_bf16 && integers()};
  }

  // Calls visit(first key in the block, number of keys, slot) for each chunk, which it takes and frees.
  template <typename Visit>
  void each_chunk(const Step& s, Visit visit) {
    for (u64 from = 0, count; from < s.columns; from += count) {
      count = min(plan_.chunk, s.columns - from);
      loader_.before_use();
      assay_sem_wait(kMxu, kSlotFilled);
      visit(static_cast<u32>(from), count, plan_.slots_at + slot_ * plan_.slot_size);
      assay_sem_signal(kMxu, kSlotFreed);
      if (++slot_ == plan_.slots) slot_ = 0;
    }
  }

  // S = Q K^T.
  void scores(const Step& s) {
    if (plan_.lead == 0 && s.begins() && s.index > 0) load_q(s);
    if (at_.mask_kind != ASSAY_ATTENTION_NO_MASK) load_mask(s);
    if (s.begins()) assay_sem_wait(kMxu, kQFilled);
    produce(s_, kMxu, kSFreed);
    const u32 skipped = static_cast<u32>(s.skipped);
    const u32 q = q_of(s) + skipped * plan_.q_pitch, to = s_of(s) + skipped * plan_.s_pitch;
    const u64 rows = s.tile.unit_rows - skipped, units = s.tile.units;
    each_chunk(s, [&](u32 from, u64 count, u32 slot) {
      qk_.multiply({rows, count, at_.depth, units}, q, slot, to + from * 4, false, false);
    });
    assay_sem_signal(kMxu, kSFilled);
    if (s.ends()) assay_sem_signal(kMxu, kQFreed);
    if (plan_.lead > 0 && s.begins()) load_next_q(s);
  }

  // Some keys of the step are hidden, and P is -0 there.
  bool hides(const Step& s) const { return s.ranged || at_.mask_kind == ASSAY_ATTENTION_BYTES; }

  // O += P V.
  void add_values(const Step& s) {
    const u32 skipped = static_cast<u32>(s.skipped);
    const u32 p = p_of(s) + skipped * plan_.p_pitch, to = plan_.products_at + skipped * plan_.o_pitch;
    assay_sem_wait(kMxu, kPFilled);
    const u64 rows = s.tile.unit_rows - skipped, units = s.tile.units;
    const bool hidden = hides(s) && !bytes_, fresh = s.begins() || bytes_;
    each_chunk(s, [&](u32 from, u64 count, u32 slot) {
      const u32 weights = p + from * weight_element_;
      const bool more = !fresh || from > 0;
      if (plan_.turned) pv_.multiply({at_.value_depth, rows, count, units}, slot, weights, to, more, false);
      else pv_.multiply({rows, at_.value_depth, count, units}, weights, slot, to, more, hidden);
    });
    assay_sem_signal(kMxu, kPvDone);
    is_pending_ = true;
    if (bytes_) pending_ = {rows_of(s), s.begins(), s.index};
    completes_ = s.ends();
    if (completes_) {
      complete_ = s.tile;
      complete_index_ = s.tile_index;
    }
  }

  // ------------------------------------------------------------------------------------- vector passes

  // Rows of the step's tile from the first that takes part.
  struct Rows {
    u32 first, count, columns;
    u32 at(u32 vector) const { return vector + first * 4; }
  };
  static Rows rows_of(const Step& s) {
    const u32 first = static_cast<u32>(s.skipped);
    return {first, static_cast<u32>(s.tile.rows()) - first, static_cast<u32>(s.columns)};
  }
  static Place row_of(u32 at) { return f32_at(at, 0); }     // a vector of rows, as one row
  static Place column(u32 at) { return f32_at(at, 4, 0); }  // the same, a value for each row

  // Maximum, scale of what is there, P; and what the step before left to do.
  void weigh(const Step& s) {
    const Rows r = rows_of(s);
    const u32 negatives = r.at(plan_.negatives_at[s.index & 1]),
              before = r.at(plan_.negatives_at[~s.index & 1]);
    const u32 shrink = r.at(plan_.shrink_at[bytes_ ? s.index & 1 : 0]);
    const bool bytes = at_.mask_kind == ASSAY_ATTENTION_BYTES;
    assay_sem_wait(kVxu, kSFilled);
    if ((at_.flags & ASSAY_ATTENTION_CAPPED) != 0) cap(s, r);
    if (at_.mask_kind == ASSAY_ATTENTION_ADDED) add_mask(s);
    if (bytes) assay_sem_wait(kVxu, kMaskFilled);
    each_visible(s, r, [&](const Rows& rows) { maximum(s, rows); });
    whole_maximum(r, negatives);
    if (!s.begins()) {
      VectorPass{1, r.count, row_of(before)}
          .scaled(kMinusOne)
          .biased(row_of(negatives))
          .apply(ASSAY_VECTOR_FUNCTION_exp2)
          .to(row_of(shrink));
      VectorPass{r.count, kStripes, sums(r)}.scaled(column(shrink)).to(sums(r));
    }
    if (plan_.lead == 0) take_values();
    each_visible(s, r, [&](const Rows& rows) { exponentials(s, rows); });
    assay_sem_signal(kVxu, kSFreed);
    if (bytes) assay_sem_signal(kVxu, kMaskFreed);
    if (plan_.lead > 0) take_values();
    if (!s.begins() && !bytes_) scale_results(r, shrink).to(results(r));
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

  // O, or O^T, times a factor for each row.
  VectorPass scale_results(const Rows& r, u32 factor) const {
    const u32 values = static_cast<u32>(at_.value_depth);
    if (plan_.turned) return VectorPass{values, r.count, results(r)}.scaled(row_of(factor));
    return VectorPass{r.count, values, results(r)}.scaled(column(factor));
  }

  // Bytes of the mask in SPM from one head, one row to the next; 0 where they share one.
  u32 mask_row() const { return at_.mask.row != 0 ? plan_.mask_pitch : 0; }
  u32 mask_head(const Tile& t) const {
    return at_.mask.head != 0 ? transfers_.mask_rows(t) * plan_.mask_pitch : 0;
  }
  // Whether the heads' masks follow one another as their rows of scores do.
  bool mask_at_once(const Tile& t) const {
    return t.heads == 1 || mask_head(t) == mask_row() * static_cast<u32>(t.queries);
  }

  // Visits the rows under the mask of what they see: all at once, or head by head where each needs its own.
  template <typename Visit>
  [[gnu::always_inline]] void each_visible(const Step& s, const Rows& r, Visit visit) const {
    if (!hides(s)) return visit(r);
    each_masked(s, r, visit);
  }
  template <typename Visit>
  void each_masked(const Step& s, const Rows& r, Visit visit) const {
    const Tile& t = s.tile;
    const bool bytes = at_.mask_kind == ASSAY_ATTENTION_BYTES;
    const bool moves = t.queries > 1 && !t.blind;
    const bool at_once = (!s.ranged || !moves || t.heads == 1) && (!bytes || mask_at_once(t));
    const u32 passes = at_once ? 1 : static_cast<u32>(t.heads);
    for (u32 i = 0; i < passes; ++i) {
      const Rows rows{r.first + i * static_cast<u32>(t.queries),
                      at_once ? r.count : static_cast<u32>(t.queries), r.columns};
      Mask mask;
      if (s.ranged) limit(mask, s, moves);
      if (bytes) mask.bytes(mask_of(s) + i * mask_head(t) + r.first * mask_row(), mask_row());
      visit(rows);
    }
  }

  void limit(Mask& mask, const Step& s, bool moves) const {
    if (s.tile.blind) {
      mask.columns(0, 0);
      return;
    }
    const bool below = walk_.bounded_below(), above = walk_.bounded_above();
    const i64 lo = below ? walk_.lo(s, s.skipped) : 0, hi = above ? walk_.hi(s, s.skipped) : i64(s.columns);
    mask.columns(static_cast<int32_t>(lo), static_cast<int32_t>(hi), below && moves, above && moves);
  }

  bool integers() const { return dtype_ == ASSAY_DTYPE_s8; }

  // Integer scores become t in their place.
  void maximum(const Step& s, const Rows& r) const {
    const Place scores = scores_of(s, r);
    VectorPass pass{r.count, r.columns, scores};
    pass.accumulate = !s.begins();
    if (integers()) {
      pass.x.dtype = ASSAY_DTYPE_s32;
      return pass.by(ASSAY_VECTOR_OPERATION_requantise)
          .scaled(static_cast<u32>(at_.factor))
          .reduced(ASSAY_REDUCTION_max, r.at(plan_.top_at), 4)
          .to(scores);
    }
    pass.scaled(static_cast<u32>(at_.factor)).reduced(ASSAY_REDUCTION_max, r.at(plan_.top_at), 4).nowhere();
  }

  void whole_maximum(const Rows& r, u32 negatives) const {
    const Place top = row_of(r.at(plan_.top_at));
    VectorPass{1, r.count, top}
        .biased(ASSAY_ATTENTION_LEAST)
        .maximum()
        .apply(ASSAY_VECTOR_FUNCTION_ceil)
        .to(top);
    VectorPass negative{1, r.count, top};
    negative.scaled(kMinusOne);
    if (weight_dtype_ == ASSAY_DTYPE_e4m3) negative.biased(kEight);
    if (bytes_) negative.biased(kSeven);
    negative.to(row_of(negatives));
  }

  void exponentials(const Step& s, const Rows& r) const {
    VectorPass pass{r.count, r.columns, scores_of(s, r)};
    pass.accumulate = !s.begins();
    if (!integers()) pass.scaled(static_cast<u32>(at_.factor));
    pass.biased(column(r.at(plan_.negatives_at[s.index & 1])))
        .apply(ASSAY_VECTOR_FUNCTION_exp2)
        .reduced(ASSAY_REDUCTION_sum, sums(r).at, plan_.sum_pitch)
        .to({p_of(s) + r.first * plan_.p_pitch, plan_.p_pitch, weight_element_, weight_dtype_});
  }

  // S = tanh(inner * S).
  void cap(const Step& s, const Rows& r) const {
    const Place scores = scores_of(s, r);
    VectorPass{r.count, r.columns, scores}
        .scaled(static_cast<u32>(at_.inner_scale))
        .apply(ASSAY_VECTOR_FUNCTION_tanh)
        .to(scores);
  }

  // S = outer * S + mask, for each head by itself where heads or rows share one.
  void add_mask(const Step& s) const {
    const Tile& t = s.tile;
    const u32 dtype = args_.tensors[4].dtype, queries = static_cast<u32>(t.queries);
    const u32 first = static_cast<u32>(s.skipped);
    const bool at_once = mask_at_once(t);
    const u32 passes = at_once ? 1 : static_cast<u32>(t.heads);
    assay_sem_wait(kVxu, kMaskFilled);
    for (u32 i = 0; i < passes; ++i) {
      const Place scores = f32_at(s_of(s) + (first + i * queries) * plan_.s_pitch, plan_.s_pitch);
      const u32 mask = mask_of(s) + i * mask_head(t) + first * mask_row();
      VectorPass{(at_once ? static_cast<u32>(t.rows()) : queries) - first, static_cast<u32>(s.columns),
                 scores}
          .scaled(static_cast<u32>(at_.outer_scale))
          .biased({mask, mask_row(), element_bytes(dtype), dtype})
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
    if (at_.value_scale != kOne)
      VectorPass{1, r.count, row_of(plan_.factor_at)}
          .scaled(static_cast<u32>(at_.value_scale))
          .to(row_of(plan_.factor_at));
  }

  // O = shrink * O + a block's products, which are integers.
  void add_products() const {
    const Rows& r = pending_.rows;
    const u32 values = static_cast<u32>(at_.value_depth), first = r.first * plan_.o_pitch;
    const Place o = f32_at(plan_.o_at + first, plan_.o_pitch);
    const Place sums = f32_at(plan_.products_at + first, plan_.o_pitch);
    VectorPass pass{r.count, values, {sums.at, sums.row, 4, ASSAY_DTYPE_s32}};
    pass.by(ASSAY_VECTOR_OPERATION_requantise).scaled(u32{kOne}).to(pending_.begins ? o : sums);
    if (pending_.begins) return;
    VectorPass{r.count, values, o}
        .scaled(column(r.at(plan_.shrink_at[pending_.index & 1])))
        .biased(sums)
        .to(o);
  }

  // The step before has added its values: its tile may be complete.
  void take_values() {
    if (!is_pending_) return;
    is_pending_ = false;
    assay_sem_wait(kVxu, kPvDone);
    if (bytes_) add_products();
    if (!completes_) return;
    const Tile& t = complete_;
    const u32 y = plan_.y_at + buffer(complete_index_) * plan_.y_size;
    produce(y_, kVxu, kYFreed);
    scale_results({0, static_cast<u32>(t.rows()), 0}, plan_.factor_at)
        .to({y, plan_.y_pitch, element_bytes(args_.tensors[3].dtype), args_.tensors[3].dtype});
    assay_sem_signal(kVxu, kYFilled);
    store(t, y);
  }

  const assay_args& args_;
  const assay_attention_attributes& at_;
  const Plan& plan_;
  const u32 dtype_, element_;
  const Walk walk_;
  Loader loader_;
  const u32 weight_dtype_, weight_element_;  // of P
  Product qk_, pv_;
  const Transfers transfers_;
  Tokens q_, s_, y_, mask_;
  u32 slot_ = 0;  // that the array uses next
  struct Pending {
    Rows rows;
    bool begins;
    u64 index;
  };
  Pending pending_{};        // where it is: the step whose products are not in O yet
  bool is_pending_ = false;  // the array adds a step's values
  bool completes_ = false;   // the last one's of this tile
  Tile complete_;
  u64 complete_index_ = 0;
};

u32 attend(const assay_args& args, const assay_attention_attributes& at) {
  const assay_machine& m = machine();
  const u32 dtype = args.tensors[0].dtype;
  if (m.mxu_chain[dtype] == 0) return ASSAY_STATUS_BAD_ARGS;
  if (m.semaphores < kSemaphores) return ASSAY_STATUS_NO_SEMAPHORES;
  const bool masked = at.mask_kind != ASSAY_ATTENTION_NO_MASK;
  const u32 weight = element_bytes(weight_type(dtype, at));
  const u64 table_bytes =
      at.table == 0 ? 0 : 4 * args.tensors[at.table].dims[0] * args.tensors[at.table].dims[1];
  const Sizes sizes{at,
                    m,
                    table_bytes,
                    element_bytes(dtype),
                    weight,
                    element_bytes(args.tensors[3].dtype),
                    masked ? element_bytes(args.tensors[4].dtype) : 0};
  Plan plan;
  attention::make_plan(sizes, plan);
  if (!plan.feasible) return ASSAY_STATUS_NO_CAPACITY;
  if (attention::byte_weights(at)) Attention<true>(args, at, plan, sizes).run();
  else Attention<false>(args, at, plan, sizes).run();
  return 0;
}

}  // namespace

extern "C" uint32_t assay_kernel(const assay_args* args) {
  if (!known(*args) || args->tensor_count < 4 ||
      args->attribute_count * 8 < sizeof(assay_attention_attributes))
    return ASSAY_STATUS_BAD_ARGS;
  const auto& at = *reinterpret_cast<const assay_attention_attributes*>(args->attributes);
  if ((at.mask_kind != ASSAY_ATTENTION_NO_MASK && args->tensor_count < 5) ||
      at.lengths >= args->tensor_count || at.table >= args->tensor_count)
    return ASSAY_STATUS_BAD_ARGS;
  return attend(*args, at);
}
