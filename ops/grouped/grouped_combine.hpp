// The weighted sum over a token's slots: its values come back from the workspace, a pass for each slot adds
// them up in f32, the last one into a stage that leaves for Y. SPM: the chunk's routing weights, then blocks
// of values, then stages; the products are done with it.
#pragma once

#include "ops/grouped/grouped_routing.hpp"

namespace grouped {

class Combine {
 public:
  Combine(const assay_args& args, const assay_grouped_attributes& at)
      : values_(args.tensors[at.workspace]),
        weights_(args.tensors[at.weights]),
        y_(args.tensors[3]),
        at_(at),
        element_(element_bytes(y_.dtype)) {}

  // Blocks of as many columns, then tokens as an eighth of SPM holds. False where it holds none.
  bool plan(u64 chunk) {
    const assay_machine& m = machine();
    weights_bytes_ = align_up(chunk * at_.slots * 4, 64);
    const u64 room = m.spm_bytes - min<u64>(m.spm_bytes, weights_bytes_), word = m.spm_bank_bytes;
    const u64 each = (room / (kBlocks * 2)) & ~(word - 1u), column = 4 * at_.slots;
    cols_ = min(at_.n, each / column);
    if (cols_ == 0) return false;
    tokens_ = min(chunk, each / (cols_ * column));
    block_ = each;
    return true;
  }

  void run(u64 token, u64 tokens) {
    const u64 bytes = tokens * at_.slots * 4;
    dma_in({weights_.address + token * at_.slots * 4, 0, static_cast<u32>(bytes), 1, 0, 0});
    for (u64 first = 0; first < tokens; first += tokens_)
      for (u64 col = 0; col < at_.n; col += cols_)
        block(token, first, min(tokens_, tokens - first), col, min(cols_, at_.n - col));
    filled_.drain();
    stages_.drain();
    assay_fence_ai(1u << kDmaIn | 1u << kDmaOut | 1u << kVxu);
  }

 private:
  static constexpr u64 kBlocks = 3;

  void block(u64 token, u64 first, u64 tokens, u64 col, u64 cols) {
    const u64 line = at_.n * 4, from = values_.address + (token + first) * at_.slots * line + col * 4;
    const u32 at = static_cast<u32>(weights_bytes_ + next_ * block_),
              stage = at + static_cast<u32>(kBlocks * block_);
    const u32 pitch = static_cast<u32>(cols * 4), rows = static_cast<u32>(tokens), n = static_cast<u32>(cols);
    next_ = next_ + 1 == kBlocks ? 0 : next_ + 1;
    filled_.produce_begin();
    dma_in({from, at, pitch, static_cast<u32>(tokens * at_.slots), line, pitch});
    filled_.produce_end();
    filled_.consume_begin();
    stages_.produce_begin();
    const u32 slots = static_cast<u32>(at_.slots), out_pitch = static_cast<u32>(cols * element_);
    const Place sum = f32_at(at, slots * pitch);
    for (u32 j = 0; j < slots; ++j) {
      VectorPass pass{rows, n, f32_at(at + j * pitch, slots * pitch)};
      pass.scaled(f32_at(static_cast<u32>((first * at_.slots + j) * 4), slots * 4, 0));
      if (j == 0) pass.biased(0u);
      else pass.biased(sum);
      if (j + 1 == slots) pass.to({stage, out_pitch, static_cast<u32>(element_), y_.dtype});
      else pass.to(sum);
    }
    filled_.consume_end();
    stages_.produce_end();
    stages_.consume_begin();
    dma_out({y_.address + ((token + first) * at_.n + col) * element_, stage, out_pitch, rows,
             at_.n * element_, out_pitch});
    stages_.consume_end();
  }

  const assay_tensor &values_, &weights_, &y_;
  const assay_grouped_attributes& at_;
  const u64 element_;
  u64 weights_bytes_ = 0, cols_ = 0, tokens_ = 0, block_ = 0, next_ = 0;
  Exchange<kDmaIn, kVxu, kValuesFilled, kValuesFreed> filled_{kBlocks};
  Exchange<kVxu, kDmaOut, kStageFilled, kStageFreed> stages_{kBlocks};
};

}  // namespace grouped
