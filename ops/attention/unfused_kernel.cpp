// Attention in the three classical steps, to compare with the fused one: the scores of all heads to HBM in
// f32, the weights of whole rows to HBM in the operands' type with a factor for each row, and the weights
// times V. To the bit of docs/numerics.md, "Attention", with all keys as one block.
#include "ops/attention/attention_product.hpp"
#include "ops/attention/unfused_plan.hpp"
#include "ops/device/vector.hpp"

namespace {

using namespace unfused;
using attention::Product;

constexpr u32 kMinusOne = 0xBF800000, kOne = 0x3F800000, kEight = 0x41000000;  // fp32

// What the steps share.
struct Context {
  const assay_args& args;
  const assay_attention_attributes& at;
  const Plan& plan;
  const Walk walk;
  const u32 dtype, element;
  u64 address(u32 tensor) const { return args.tensors[tensor].address; }
};

void settle() { assay_fence_ai(1u << kDmaIn | 1u << kDmaOut | 1u << kMxu | 1u << kVxu); }

// S = Q K^T: dma_out takes blocks of scores from ACC as they are.
class Scores {
 public:
  explicit Scores(const Context& c)
      : c_(c),
        product_({c.dtype, c.plan.q_pitch, c.plan.k_pitch, c.plan.scores_pitch, c.element, c.plan.k_pitch,
                  c.element, 0, 0, 0, false, true, false, false},
                 attention::Plan(), machine()) {}

  void run() {
    Step loading{c_.walk.begin()}, working = loading;
    begin(loading);
    begin(working);
    for (u64 ahead = 0; !working.tile.done;) {
      for (; ahead + 1 < kKeyBlocks && !loading.tile.done; ++ahead) {
        load(loading);
        advance(loading);
      }
      multiply(working);
      store(working);
      advance(working);
      --ahead;
    }
    queries_.drain();
    keys_.drain();
    sums_.drain();
    settle();
  }

 private:
  // A block of scores: keys of a tile.
  struct Step {
    Tile tile;
    u64 key = 0, count = 0;
    u64 tiles = 0, blocks = 0;  // so far
  };

  void begin(Step& s) const {
    s.key = s.tile.first;
    s.count = min(c_.plan.keys, s.tile.end - s.key);
  }
  void advance(Step& s) const {
    ++s.blocks;
    s.key += s.count;
    s.count = min(c_.plan.keys, s.tile.end - s.key);
    if (s.count > 0) return;
    ++s.tiles;
    c_.walk.advance(s.tile);
    if (!s.tile.done) begin(s);
  }

  u32 queries_at(const Step& s) const {
    return static_cast<u32>((s.tiles % kQueryTiles) * c_.plan.rows * c_.plan.q_pitch);
  }
  u32 keys_at(const Step& s) const {
    const u64 from = kQueryTiles * c_.plan.rows * c_.plan.q_pitch;
    return static_cast<u32>(from + (s.blocks % kKeyBlocks) * c_.plan.keys * c_.plan.k_pitch);
  }
  u32 sums_at(const Step& s) const {
    return acc(static_cast<u32>((s.blocks % kBuffers) * c_.plan.rows * c_.plan.scores_pitch));
  }

  void load(const Step& s) {
    const assay_attention_attributes& at = c_.at;
    const u32 run = static_cast<u32>(at.depth * c_.element);
    const Tile& t = s.tile;
    if (s.key == t.first) {
      queries_.produce_begin();
      const u64 from = c_.address(kQ) + t.batch * at.q.batch + t.head * at.q.head + t.row * at.q.row;
      dma_in({from, queries_at(s), run, static_cast<u32>(t.rows), at.q.row, c_.plan.q_pitch});
      queries_.produce_end();
    }
    keys_.produce_begin();
    const u64 unit = t.head / (at.q_heads / at.kv_heads);
    const u64 from = c_.address(kK) + t.batch * at.k.batch + unit * at.k.head + s.key * at.k.row;
    dma_in({from, keys_at(s), run, static_cast<u32>(s.count), at.k.row, c_.plan.k_pitch});
    keys_.produce_end();
  }

  void multiply(const Step& s) {
    if (s.key == s.tile.first) queries_.consume_begin();
    keys_.consume_begin();
    sums_.produce_begin();
    product_.multiply({s.tile.rows, s.count, c_.at.depth, 1}, queries_at(s), keys_at(s), sums_at(s), false,
                      false);
    sums_.produce_end();
    keys_.consume_end();
    if (s.key + s.count == s.tile.end) queries_.consume_end();
  }

  void store(const Step& s) {
    const u64 line = c_.at.keys * 4, to = c_.address(kScores) + c_.walk.row_index(s.tile) * line + s.key * 4;
    sums_.consume_begin();
    dma_out({to, sums_at(s), static_cast<u32>(s.count * 4), static_cast<u32>(s.tile.rows), line,
             c_.plan.scores_pitch});
    sums_.consume_end();
  }

  const Context& c_;
  Product product_;
  Exchange<kDmaIn, kMxu, kQueriesFilled, kQueriesFreed> queries_{kQueryTiles};
  Exchange<kDmaIn, kMxu, kOperandsFilled, kOperandsFreed> keys_{kKeyBlocks};
  Exchange<kMxu, kDmaOut, kSumsStored, kSumsFreed> sums_{kBuffers};
};

// P = exp2 of the scores less their row's maximum, and 1 / the sum of each row.
class Weights {
 public:
  explicit Weights(const Context& c)
      : c_(c), loaded_(static_cast<u32>(c.plan.buffers)), stages_(static_cast<u32>(c.plan.buffers)) {
    const Plan& plan = c.plan;
    Space spm(machine().spm_bytes, machine().spm_bank_bytes),
        accs(machine().acc_bytes, machine().acc_bank_bytes);
    for (u64 i = 0; i < plan.buffers; ++i) {
      scores_at_[i] = spm.take(plan.group * plan.s_pitch);
      weights_at_[i] = spm.take(plan.group * plan.w_pitch);
      factors_at_[i] = spm.take(plan.group * 4);
    }
    negatives_at_ = spm.take(plan.group * 4);
    sums_at_ = acc(accs.take(plan.group * plan.sum_pitch));
    top_at_ = acc(accs.take(plan.group * 4));
  }

  void run() {
    assay_cfg_vxu_convert(1);  // P of fp8 saturates
    Group loading{c_.walk.begin()}, working = loading;
    begin(loading);
    begin(working);
    for (u64 ahead = 0; !working.tile.done;) {
      for (; ahead < c_.plan.buffers && !loading.tile.done; ++ahead) {
        load(loading);
        advance(loading);
      }
      weigh(working);
      advance(working);
      --ahead;
    }
    loaded_.drain();
    stages_.drain();
    settle();
  }

 private:
  // Rows of a tile.
  struct Group {
    Tile tile;
    u64 row = 0, rows = 0;  // row: of the tile
    u64 count = 0;          // groups so far
    u64 keys() const { return tile.end - tile.first; }
  };

  void begin(Group& g) const { g.rows = min(c_.plan.group, g.tile.rows - g.row); }
  void advance(Group& g) const {
    ++g.count;
    g.row += g.rows;
    if (g.row == g.tile.rows) {
      g.row = 0;
      c_.walk.advance(g.tile);
    }
    if (!g.tile.done) begin(g);
  }
  u64 buffer(const Group& g) const { return g.count % c_.plan.buffers; }
  u64 row_index(const Group& g) const { return c_.walk.row_index(g.tile) + g.row; }

  void load(const Group& g) {
    const u64 line = c_.at.keys * 4, from = c_.address(kScores) + row_index(g) * line + g.tile.first * 4;
    loaded_.produce_begin();
    dma_in({from, scores_at_[buffer(g)], static_cast<u32>(g.keys() * 4), static_cast<u32>(g.rows), line,
            c_.plan.s_pitch});
    loaded_.produce_end();
  }

  static Place row_of(u32 at) { return f32_at(at, 0); }     // a vector of rows, as one row
  static Place column(u32 at) { return f32_at(at, 4, 0); }  // the same, a value for each row
  Place sums() const { return f32_at(sums_at_, c_.plan.sum_pitch); }

  // Under the mask of what the group's rows see.
  template <typename Visit>
  void masked(const Group& g, Visit visit) const {
    if (!c_.walk.hides()) return visit();
    const u64 row = g.tile.row + g.row;
    const int64_t from = static_cast<int64_t>(g.tile.first);
    const bool below = c_.at.window > 0;
    Mask mask;
    mask.columns(static_cast<int32_t>(below ? c_.walk.lo(row) - from : 0),
                 static_cast<int32_t>(c_.walk.hi(row) - from), below, true);
    visit();
  }

  void weigh(const Group& g) {
    const u32 rows = static_cast<u32>(g.rows);
    const u64 at = buffer(g);
    const Place scores = f32_at(scores_at_[at], c_.plan.s_pitch);
    const VectorPass pass{rows, static_cast<u32>(g.keys()), scores};
    const u32 factor = static_cast<u32>(c_.at.factor);
    loaded_.consume_begin();
    if ((c_.at.flags & ASSAY_ATTENTION_CAPPED) != 0)
      VectorPass(pass)
          .scaled(static_cast<u32>(c_.at.inner_scale))
          .apply(ASSAY_VECTOR_FUNCTION_tanh)
          .to(scores);
    masked(g, [&] { VectorPass(pass).scaled(factor).reduced(ASSAY_REDUCTION_max, top_at_, 4).nowhere(); });
    whole_maximum(rows);
    stages_.produce_begin();
    masked(g, [&] {
      VectorPass(pass)
          .scaled(factor)
          .biased(column(negatives_at_))
          .apply(ASSAY_VECTOR_FUNCTION_exp2)
          .reduced(ASSAY_REDUCTION_sum, sums_at_, c_.plan.sum_pitch)
          .to({weights_at_[at], c_.plan.w_pitch, c_.element, c_.dtype});
    });
    loaded_.consume_end();
    fold(rows, factors_at_[at]);
    stages_.produce_end();
    store(g);
  }

  void whole_maximum(u32 rows) const {
    VectorPass{1, rows, row_of(top_at_)}
        .biased(ASSAY_ATTENTION_LEAST)
        .maximum()
        .apply(ASSAY_VECTOR_FUNCTION_ceil)
        .to(row_of(top_at_));
    VectorPass negative{1, rows, row_of(top_at_)};
    negative.scaled(kMinusOne);
    if (c_.dtype == ASSAY_DTYPE_e4m3) negative.biased(kEight);
    negative.to(row_of(negatives_at_));
  }

  // The factor of every row from its stripes: 1 / sum, NaN where the maximum is +Inf.
  void fold(u32 rows, u32 factors) const {
    const auto half = [&](u32 h) { return f32_at(sums_at_ + h * 4, c_.plan.sum_pitch); };
    for (u32 h = kStripes / 2; h > 1; h /= 2) VectorPass{rows, h, sums()}.biased(half(h)).to(sums());
    VectorPass{rows, 1, sums()}.biased(half(1)).to(f32_at(factors, 4));
    VectorPass{1, rows, row_of(factors)}
        .biased(ASSAY_ATTENTION_TINIEST)
        .maximum()
        .apply(ASSAY_VECTOR_FUNCTION_reciprocal)
        .to(row_of(factors));
    VectorPass{1, rows, row_of(top_at_)}.scaled(0u).biased(row_of(factors)).to(row_of(factors));
    if (c_.at.value_scale != kOne)
      VectorPass{1, rows, row_of(factors)}.scaled(static_cast<u32>(c_.at.value_scale)).to(row_of(factors));
  }

  void store(const Group& g) {
    const u64 line = c_.at.keys * c_.element;
    const u64 to = c_.address(kWeights) + row_index(g) * line + g.tile.first * c_.element;
    stages_.consume_begin();
    dma_out({to, weights_at_[buffer(g)], static_cast<u32>(g.keys() * c_.element), static_cast<u32>(g.rows),
             line, c_.plan.w_pitch});
    dma_out({c_.address(kFactors) + row_index(g) * 4, factors_at_[buffer(g)], static_cast<u32>(g.rows * 4), 1,
             0, 0});
    stages_.consume_end();
  }

  const Context& c_;
  u32 scores_at_[kBuffers], weights_at_[kBuffers], factors_at_[kBuffers];
  u32 negatives_at_, sums_at_, top_at_;
  Exchange<kDmaIn, kVxu, kLoaded, kLoadedFreed> loaded_;
  Exchange<kVxu, kDmaOut, kStageFilled, kStageFreed> stages_;
};

// Y = (P V) times each row's factor.
class Values {
 public:
  explicit Values(const Context& c)
      : c_(c),
        y_(c.args.tensors[kY]),
        product_({c.dtype, c.plan.p_pitch, c.plan.v_pitch, c.plan.o_pitch, c.element, c.element,
                  c.plan.v_pitch, 0, 0, 0, false, false, false, false},
                 attention::Plan(), machine()) {
    const Plan& plan = c.plan;
    Space spm(machine().spm_bytes, machine().spm_bank_bytes);
    for (u32& at : weights_at_) at = spm.take(plan.rows * plan.p_pitch);
    for (u32& at : values_at_) at = spm.take(plan.depth * plan.v_pitch);
    for (u32& at : stages_at_) at = spm.take(plan.rows * plan.y_pitch);
    for (u32& at : factors_at_) at = spm.take(plan.rows * 4);
  }

  void run() {
    Slab loading{c_.walk.begin()}, working = loading, complete = loading;
    begin(loading);
    begin(working);
    bool pending = false;
    for (u64 ahead = 0; !working.tile.done;) {
      for (; ahead + 1 < kSlabs && !loading.tile.done; ++ahead) {
        load(loading);
        advance(loading);
      }
      multiply(working);
      if (pending) take(complete);
      pending = working.ends();
      if (pending) complete = working;
      advance(working);
      --ahead;
    }
    if (pending) take(complete);
    slabs_.drain();
    factors_.drain();
    sums_.drain();
    stages_.drain();
    settle();
  }

 private:
  // Keys of a tile.
  struct Slab {
    Tile tile;
    u64 key = 0, count = 0;
    u64 tiles = 0, slabs = 0;  // so far
    bool begins() const { return key == tile.first; }
    bool ends() const { return key + count == tile.end; }
  };

  void begin(Slab& s) const {
    s.key = s.tile.first;
    s.count = min(c_.plan.depth, s.tile.end - s.key);
  }
  void advance(Slab& s) const {
    ++s.slabs;
    s.key += s.count;
    s.count = min(c_.plan.depth, s.tile.end - s.key);
    if (s.count > 0) return;
    ++s.tiles;
    c_.walk.advance(s.tile);
    if (!s.tile.done) begin(s);
  }
  u32 sums_at(const Slab& s) const {
    return acc(static_cast<u32>((s.tiles % kBuffers) * c_.plan.rows * c_.plan.o_pitch));
  }

  void load(const Slab& s) {
    const Tile& t = s.tile;
    const u64 row = c_.walk.row_index(t), line = c_.at.keys * c_.element;
    const u32 rows = static_cast<u32>(t.rows);
    if (s.begins()) {
      factors_.produce_begin();
      dma_in({c_.address(kFactors) + row * 4, factors_at_[s.tiles % kFactorsAhead], rows * 4, 1, 0, 0});
      factors_.produce_end();
    }
    slabs_.produce_begin();
    dma_in({c_.address(kWeights) + row * line + s.key * c_.element, weights_at_[s.slabs % kSlabs],
            static_cast<u32>(s.count * c_.element), rows, line, c_.plan.p_pitch});
    const assay_attention_attributes& at = c_.at;
    const u64 unit = t.head / (at.q_heads / at.kv_heads);
    dma_in({c_.address(kV) + t.batch * at.v.batch + unit * at.v.head + s.key * at.v.row,
            values_at_[s.slabs % kSlabs], static_cast<u32>(at.value_depth * c_.element),
            static_cast<u32>(s.count), at.v.row, c_.plan.v_pitch});
    slabs_.produce_end();
  }

  void multiply(const Slab& s) {
    if (s.begins()) sums_.produce_begin();
    slabs_.consume_begin();
    product_.multiply({s.tile.rows, c_.at.value_depth, s.count, 1}, weights_at_[s.slabs % kSlabs],
                      values_at_[s.slabs % kSlabs], sums_at(s), !s.begins(), c_.walk.hides());
    slabs_.consume_end();
    if (s.ends()) sums_.produce_end();
  }

  void take(const Slab& s) {
    const Tile& t = s.tile;
    const u32 rows = static_cast<u32>(t.rows), values = static_cast<u32>(c_.at.value_depth);
    const u32 stage = stages_at_[s.tiles % kBuffers], e = element_bytes(y_.dtype);
    sums_.consume_begin();
    factors_.consume_begin();
    stages_.produce_begin();
    VectorPass{rows, values, f32_at(sums_at(s), c_.plan.o_pitch)}
        .scaled(f32_at(factors_at_[s.tiles % kFactorsAhead], 4, 0))
        .to({stage, c_.plan.y_pitch, e, y_.dtype});
    stages_.produce_end();
    factors_.consume_end();
    sums_.consume_end();
    stages_.consume_begin();
    const u64 to = y_.address + t.batch * c_.at.y.batch + t.head * c_.at.y.head + t.row * c_.at.y.row;
    dma_out({to, stage, values * e, rows, c_.at.y.row, c_.plan.y_pitch});
    stages_.consume_end();
  }

  const Context& c_;
  const assay_tensor& y_;
  Product product_;
  u32 weights_at_[kSlabs], values_at_[kSlabs], stages_at_[kBuffers], factors_at_[kFactorsAhead];
  Exchange<kDmaIn, kMxu, kOperandsFilled, kOperandsFreed> slabs_{kSlabs};
  Exchange<kDmaIn, kVxu, kLoaded, kLoadedFreed> factors_{kFactorsAhead};
  Exchange<kMxu, kVxu, kSumsFilled, kSumsTaken> sums_{kBuffers};
  Exchange<kVxu, kDmaOut, kStageFilled, kStageFreed> stages_{kBuffers};
};

}  // namespace

extern "C" uint32_t assay_kernel(const assay_args* args) {
  if (!known(*args) || args->tensor_count != kTensors ||
      args->attribute_count * 8 < sizeof(assay_attention_attributes))
    return ASSAY_STATUS_BAD_ARGS;
  const auto& at = *reinterpret_cast<const assay_attention_attributes*>(args->attributes);
  const assay_machine& m = machine();
  const u32 dtype = args->tensors[kQ].dtype;
  if (m.mxu_chain[dtype] == 0) return ASSAY_STATUS_BAD_ARGS;
  if (m.semaphores < kSemaphores) return ASSAY_STATUS_NO_SEMAPHORES;
  Plan plan;
  const Sizes sizes{at, m, element_bytes(dtype), element_bytes(args->tensors[kY].dtype)};
  if (!make_plan(sizes, plan)) return ASSAY_STATUS_NO_CAPACITY;
  const Context context{*args, at, plan, Walk(at, plan), dtype, element_bytes(dtype)};
  Scores(context).run();
  Weights(context).run();
  Values(context).run();
  return 0;
}
