// The order in which the attention kernel goes through its problem: tile by tile, and block by block of the
// keys that a tile sees.
#pragma once

#include "ops/attention/attention_plan.hpp"

namespace attention {

using i64 = int64_t;

struct Tile {
  u64 batch = 0, head = 0, query = 0;  // first ones
  u64 heads = 0, units = 0, queries = 0;
  u64 unit = 0, unit_rows = 0;  // the first kv head; rows of each
  u64 first_block = 0, end_block = 0;
  u64 end_key = 0;     // no query sees it or any later one
  i64 offset = 0;      // position of query 0 among the keys
  bool blind = false;  // no query sees a key: a block of which all are hidden
  u64 rows() const { return heads * queries; }
};

struct Step {
  Tile tile;
  u64 block = 0;
  u64 first_key = 0;    // of the block
  u64 columns = 0;      // keys of it
  u64 skipped = 0;      // rows of a tile of one head that see neither it nor a later one; else 0
  bool ranged = false;  // some row sees not all of its keys
  u64 turn = 0;         // index modulo the buffers of scores
  u64 index = 0;        // of the step in the run
  u64 tile_index = 0;   // of its tile
  bool done = false;    // behind the last one
  bool begins() const { return block == tile.first_block; }
  bool ends() const { return block + 1 == tile.end_block; }
  u64 key() const { return first_key; }
};

class Walk {
 public:
  // lengths: keys of each batch item, or null.
  Walk(const assay_attention_attributes& at, const Plan& plan, const volatile int32_t* lengths)
      : at_(at),
        shape_(plan.shape),
        group_(at.q_heads / at.kv_heads),
        last_turn_(plan.lead),
        block_(block_of(at)),
        block_log2_(device::log2(static_cast<u32>(block_))),
        lengths_(lengths) {}

  Step first() const {
    Step s;
    begin_tile(s);
    return s;
  }

  // Its index does not tell where it stands in the run.
  void next_tile(Step& s) const {
    s.block = s.tile.end_block - 1;
    advance(s);
  }

  void advance(Step& s) const {
    ++s.index;
    s.first_key += block_;
    s.turn = s.turn == last_turn_ ? 0 : s.turn + 1;
    if (++s.block < s.tile.end_block) return begin_block(s);
    ++s.tile_index;
    Tile& t = s.tile;
    t.query += t.queries;
    if (t.query == at_.queries) {
      t.query = 0;
      t.head += t.heads;
    }
    if (t.head == at_.q_heads) {
      t.head = 0;
      ++t.batch;
    }
    s.done = t.batch == at_.batch;
    if (!s.done) begin_tile(s);
  }

  // Columns of the step's block that its query `row` sees are [lo, hi), a column further each row.
  i64 lo(const Step& s, u64 row) const { return position(s.tile, row) - i64(at_.window) + 1 - i64(s.key()); }
  i64 hi(const Step& s, u64 row) const {
    return position(s.tile, row) + (causal() ? 1 : i64(at_.window)) - i64(s.key());
  }
  bool bounded_below() const { return at_.window > 0; }
  bool causal() const { return (at_.flags & ASSAY_ATTENTION_CAUSAL) != 0; }
  bool bounded_above() const { return causal() || at_.window > 0; }

 private:
  // The position of a tile's row among the keys.
  static i64 position(const Tile& t, u64 row) { return t.offset + i64(t.query + row); }
  u64 keys_of(u64 batch) const {
    if (lengths_ == nullptr) return at_.keys;
    const i64 length = lengths_[batch];
    return length <= 0 ? 0 : min(static_cast<u64>(length), at_.keys);
  }

  void begin_tile(Step& s) const {
    Tile& t = s.tile;
    const u64 in_group = t.head % group_;
    t.heads =
        shape_.units > 1 ? min(shape_.heads, at_.q_heads - t.head) : min(shape_.heads, group_ - in_group);
    t.units = shape_.units > 1 ? t.heads / group_ : 1;
    t.queries = min(shape_.queries, at_.queries - t.query);
    t.unit = t.head / group_;
    t.unit_rows = (shape_.units > 1 ? group_ : t.heads) * t.queries;
    const u64 keys = keys_of(t.batch);
    const auto clamped = [&](i64 key) { return key <= 0 ? 0 : min(static_cast<u64>(key), keys); };
    t.offset = i64(keys) - i64(at_.queries);
    const i64 last = position(t, t.queries - 1), reach = i64(at_.window);
    u64 first = 0, end = keys;
    if (reach > 0) {
      first = clamped(position(t, 0) - reach + 1);
      end = clamped(last + reach);
    }
    if (causal()) end = clamped(last + 1);
    t.blind = first >= end;
    if (t.blind) {
      first = 0;
      end = min(block_, at_.keys);
    }
    t.end_key = end;
    s.block = t.first_block = first >> block_log2_;
    s.first_key = s.block << block_log2_;
    t.end_block = (end + block_ - 1) >> block_log2_;
    begin_block(s);
  }

  // The first block has all rows: those that see nothing of it wait for theirs.
  void begin_block(Step& s) const {
    const Tile& t = s.tile;
    s.columns = min(block_, t.end_key - s.first_key);
    s.skipped = 0;
    s.ranged = t.blind;
    if (!bounded_above() || t.blind) return;
    if (causal() && t.heads == 1 && !s.begins()) {
      const i64 row = i64(s.key()) - position(t, 0);
      if (row > 0) s.skipped = static_cast<u64>(row);
    }
    s.ranged = (bounded_below() && lo(s, t.queries - 1) > 0) || hi(s, s.skipped) < i64(s.columns);
  }

  const assay_attention_attributes& at_;
  const Shape shape_;
  const u64 group_, last_turn_, block_, block_log2_;
  const volatile int32_t* const lengths_;
};

}  // namespace attention
