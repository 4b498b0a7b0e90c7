// What the goldens of attention share: where the elements of a problem lie, and which keys a query sees.
// Derived here from shapes and attributes, not from the kernel's form.
#pragma once

#include <cstddef>
#include <cstdint>

#include "golden/backend.hpp"
#include "ops/operator.hpp"

namespace assay::golden {

struct AttentionView {
  AttentionView(const ops::Problem& checked, const std::vector<Tensor>& inputs);

  // Linear indices of a row's first element. `head` counts query heads.
  std::size_t q_row(std::size_t b, std::size_t head, std::size_t i) const;
  std::size_t k_row(std::size_t b, std::size_t head, std::size_t j) const;
  std::size_t v_row(std::size_t b, std::size_t head, std::size_t j) const;
  std::size_t y_row(std::size_t b, std::size_t head, std::size_t i) const;
  std::size_t mask_at(std::size_t b, std::size_t head, std::size_t i, std::size_t j) const;

  // The keys [first, end) that a query sees by position and length; a mask of bytes may hide some of them.
  struct Keys {
    std::size_t first, end;
  };
  Keys seen_by(std::size_t b, std::size_t i) const;
  bool sees(std::size_t b, std::size_t i, std::size_t j) const {
    const Keys seen = seen_by(b, i);
    return j >= seen.first && j < seen.end;
  }
  // Keys of a batch item.
  std::int64_t length(std::size_t b) const { return lengths_[b]; }

  std::size_t batch, q_heads, kv_heads, queries, keys, depth, value_depth;
  bool causal = false, byte_weights = false;
  std::size_t block = 256;  // keys whose maximum is taken together
  std::int64_t window = 0;
  float scale = 0, softcap = 0, value_scale = 1;  // softcap 0: none
  bool added_mask = false, byte_mask = false;
  const Tensor* mask = nullptr;

 private:
  void read_lengths(const Tensor& lengths);
  void read_mask(const Tensor& given);
  void read_table(const Tensor& table);
  // Of K or V: pages are batch items.
  std::size_t kv_row(std::size_t b, std::size_t head, std::size_t j) const;
  std::size_t row(std::size_t b, std::size_t head, std::size_t i, std::size_t heads, std::size_t rows) const {
    return sequence_first_ ? (b * rows + i) * heads + head : (b * heads + head) * rows + i;
  }

  bool sequence_first_ = false;
  Shape mask_;                         // of rank 4
  std::size_t page_ = 0, pages_ = 0;   // 0: K and V are not paged
  std::vector<std::size_t> table_;     // keys / page entries for each batch item
  std::vector<std::int64_t> lengths_;  // of each batch item
};

// The operands as the goldens of floats and integers alike compute with them: exact in f32.
struct AttentionOperands {
  AttentionOperands(const AttentionView& view, const std::vector<Tensor>& inputs);

  DType type;
  std::vector<float> q, k, v, mask;  // mask: empty where there is none
};

}  // namespace assay::golden
