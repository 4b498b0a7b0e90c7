// Attention: Y = softmax(scale * Q K^T) V for each head, the scores never leaving the core (algorithm=fused).
//
//   Q [B, Hq, Sq, D], K [B, Hkv, Skv, D], V [B, Hkv, Skv, Dv], Y [B, Hq, Sq, Dv]; with layout=bshd the middle
//   dimensions change places. Hq is a multiple of Hkv: neighbouring query heads share a kv head.
//
// Types: f32, f16, bf16, e4m3, e5m2 or s8, one for all three; Y has that type, or bf16 where it has 8 bits,
// or what out_dtype says: f32, f16 or bf16. D and Dv are at most 256 and may differ. Queries are the last Sq
// of Skv positions: query i stands at Skv - Sq + i, which may be negative. causal=1: it sees no key after its
// position. window=W: none that is W or more before it, nor, where not causal, W or more after it. kv_lengths
// [B] of s32: of item b only the first kv_lengths[b] keys count, 0 to Skv of them (what lies outside is taken
// for the nearest); Skv in the above is then that length. The input mask is broadcast from [1|B, 1|Hq, 1|Sq,
// Skv]: of the type of Q or f32 it is added to the scaled scores; as u8 it takes away the keys where it is 0.
// block_table [B, n] of s32: K and V are pages of a cache, [pages, Hkv, page, D] and [pages, Hkv, page, Dv],
// and keys i * page to i * page + page - 1 of item b lie in page block_table[b][i]; Skv is n * page.
// weights=u8, of s8 operands: the exponentials are multiplied as u8, in blocks of 512 keys, twice as fast.
// algorithm=unfused, to compare with: scores of all heads to HBM in f32, the weights of whole rows to HBM,
// and the weights times V; floats without mask, kv_lengths and block_table. softcap=c: scores become c *
// tanh(scale * x / c), before a mask is added. What it does to the bit: docs/numerics.md, "Attention".
#pragma once

#include <cstdint>

#include "ops/attention/attention_args.h"
#include "ops/operator.hpp"

namespace assay::ops {

const Operator& attention_operator();

struct AttentionForm {
  DType type = DType::f32, out = DType::f32;
  std::uint64_t batch = 1, q_heads = 1, kv_heads = 1, queries = 1, keys = 1, depth = 1, value_depth = 1;
  bool sequence_first = false;  // layout bshd
  bool causal = false;
  std::uint64_t window = 0;  // 0: none
  float scale = 1, softcap = 0, value_scale = 1;
  assay_attention_mask mask = ASSAY_ATTENTION_NO_MASK;
  DType mask_type = DType::f32;
  assay_attention_strides mask_strides{};  // elements
  std::optional<std::size_t> mask_input, lengths_input, table_input;
  std::uint64_t page = 0;  // keys of a page; 0: K and V are not paged

  // Keys [first, end) that a query sees by its position, where all keys count.
  struct Range {
    std::uint64_t first, end;
    std::uint64_t count() const { return end - first; }
  };
  Range visible(std::uint64_t query) const;
  std::uint64_t results() const { return batch * q_heads * queries * value_depth; }
  std::uint64_t visible_scores() const;  // of one head

  bool byte_weights = false;
  bool unfused = false;  // scores and weights of whole rows pass through HBM
  // What the exponentials are multiplied as: s8 values are, exactly, bf16.
  DType weight_type() const {
    if (type != DType::s8) return type;
    return byte_weights ? DType::u8 : DType::bf16;
  }
  // fp32 factors of the contract: x = tanh(inner * x), x = fma(outer, x, mask), t = factor * x.
  float inner() const;
  float factor() const;
};

// Throws as Operator::infer does.
AttentionForm attention_form(const Problem& problem);

}  // namespace assay::ops
