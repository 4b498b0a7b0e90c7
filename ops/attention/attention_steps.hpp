// The order in which the attention kernel goes through its problem: tile by tile, and block by block of the
// keys that a tile sees.
#pragma once

#include "ops/attention/attention_plan.hpp"

namespace attention {

using i64 = int64_t;

struct Tile {
  u64 batch = 0, head = 0, query = 0;  // first ones
  u64 heads = 0, units = 0, queries = 0;
  u64 first_block = 0, end_block = 0;
  u64 end_key = 0;  // no query sees it or any later one
  u64 rows() const { return heads * queries; }
};

struct Step {
  Tile tile;
  u64 block = 0;
  u64 index = 0;       // of the step in the run
  u64 tile_index = 0;  // of its tile
  bool done = false;   // behind the last one
  bool begins() const { return block == tile.first_block; }
  bool ends() const { return block + 1 == tile.end_block; }
  u64 key() const { return block * kBlock; }
  u64 columns() const { return min<u64>(kBlock, tile.end_key - key()); }
};

class Walk {
 public:
  Walk(const assay_attention_attributes& at, const Plan& plan)
      : at_(at),
        shape_(plan.shape),
        group_(at.q_heads / at.kv_heads),
        offset_(i64(at.keys) - i64(at.queries)) {}

  Step first() const {
    Step s;
    begin_tile(s);
    return s;
  }

  void advance(Step& s) const {
    ++s.index;
    if (++s.block < s.tile.end_block) return;
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

  // Of a tile of one head: its first row that sees a key of the block or a later one. All its rows see the
  // first block of it, or wait for theirs.
  u64 first_row(const Step& s) const {
    if (at_.causal == 0 || s.tile.heads > 1 || s.begins()) return 0;
    const i64 row = i64(s.key()) - offset_ - i64(s.tile.query);
    return row <= 0 ? 0 : static_cast<u64>(row);
  }

 private:
  // The position of a query among the keys.
  i64 position(u64 query) const { return offset_ + i64(query); }
  u64 clamped(i64 key) const { return key <= 0 ? 0 : min(static_cast<u64>(key), at_.keys); }

  void begin_tile(Step& s) const {
    Tile& t = s.tile;
    const u64 in_group = t.head % group_;
    t.heads =
        shape_.units > 1 ? min(shape_.heads, at_.q_heads - t.head) : min(shape_.heads, group_ - in_group);
    t.units = shape_.units > 1 ? t.heads / group_ : 1;
    t.queries = min(shape_.queries, at_.queries - t.query);
    const i64 last = position(t.query + t.queries - 1), reach = i64(at_.window);
    u64 first = 0, end = at_.keys;
    if (reach > 0) {
      first = clamped(position(t.query) - reach + 1);
      end = clamped(last + reach);
    }
    if (at_.causal != 0) end = clamped(last + 1);
    if (first >= end) {  // none sees a key: a block of which all are masked
      first = 0;
      end = min<u64>(kBlock, at_.keys);
    }
    t.end_key = end;
    s.block = t.first_block = first / kBlock;
    t.end_block = ceil_div(end, kBlock);
  }

  const assay_attention_attributes& at_;
  const Shape shape_;
  const u64 group_;
  const i64 offset_;
};

}  // namespace attention
