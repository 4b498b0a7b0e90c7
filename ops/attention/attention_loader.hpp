// Brings K and V through a ring of slots, chunk by chunk in the order of their use: K of a step, then, where
// the array forms scores ahead of their use, V of an earlier one.
#pragma once

#include "ops/attention/attention_steps.hpp"

namespace attention {

// Its semaphores: a slot is filled, a slot is free again.
template <u32 filled, u32 freed, u32 table_loaded>
class Loader {
 public:
  Loader(const assay_args& args, const assay_attention_attributes& at, const Plan& plan, const Walk& walk)
      : plan_(plan),
        walk_(walk),
        keys_(args.tensors[1], at.k, plan.k_pitch, walk.first()),
        values_(args.tensors[2], at.v, plan.v_pitch, keys_.step),
        ahead_(min(kAhead, plan.slots)),
        free_(plan.slots),
        slot_at_(plan.slots_at) {
    if (at.table != 0) load_table(args.tensors[at.table], at.page, args.tensors[1].dims[0]);
  }

  // Orders what is used up to `ahead_` chunks from now on; then the next use may be ordered.
  void before_use() {
    const u64 wanted = used_++ + ahead_;
    while (ordered_ < wanted && !values_.step.done) order();
  }
  void drain() {
    for (; free_ < plan_.slots; ++free_) assay_sem_wait(ASSAY_ENGINE_dma_in, freed);
  }

 private:
  static constexpr u64 kAhead = 4;  // what dma_in's queue holds without holding up the host

  // K or V, and how far it has come.
  struct Source {
    Source(const assay_tensor& t, const assay_attention_strides& s, u32 to_pitch, const Step& first)
        : tensor(t.address),
          stride(s),
          pitch(to_pitch),
          run(static_cast<u32>(t.dims[3]) * device::element_bytes(t.dtype)),
          step(first) {
      seek();
    }
    void seek() {
      from = tensor + step.tile.batch * stride.batch + step.tile.unit * stride.head + step.key() * stride.row;
    }
    u64 first_key() const { return step.key() + key; }

    const u64 tensor;
    const assay_attention_strides stride;
    const u32 pitch, run;  // bytes between rows in SPM; of a row
    Step step;             // whose chunks come next
    u64 key = 0;           // of the next chunk in its block
    u64 from = 0;          // its place in HBM
  };

  void order() {
    const bool value = value_turn_ || keys_.step.done;
    Source& x = value ? values_ : keys_;
    if (free_ > 0) --free_;
    else assay_sem_wait(ASSAY_ENGINE_dma_in, freed);
    const u64 count = min(plan_.chunk, x.step.columns - x.key);
    transfer(x, count);
    assay_sem_signal(ASSAY_ENGINE_dma_in, filled);
    ++ordered_;
    x.key += count;
    x.from += count * x.stride.row;
    if (x.key < x.step.columns) return;
    x.key = 0;
    walk_.advance(x.step);
    if (x.step.begins()) x.seek();
    value_turn_ = !value && x.step.index > plan_.lead;
  }

  void transfer(const Source& x, u64 count) {
    if (page_ > 0) transfer_pages(x, count);
    else transfer_rows(x, x.from, count);
    slot_at_ += plan_.slot_size;
    if (++slot_ < plan_.slots) return;
    slot_ = 0;
    slot_at_ = plan_.slots_at;
  }

  void transfer_rows(const Source& x, u64 from, u64 rows) const {
    device::configure_dma_in_planes({{0, 0, x.run, static_cast<u32>(rows), x.stride.row, x.pitch},
                                     static_cast<u32>(x.step.tile.units),
                                     x.stride.head,
                                     plan_.slot_unit});
    assay_dma_in(from, slot_at_);
  }

  // Whole pages by the block table, or part of one. The last one comes whole, which its slot has room for.
  void transfer_pages(const Source& x, u64 count) const {
    const u64 key = x.first_key(), inside = key & (page_ - 1), rows = min(page_, plan_.chunk);
    const u64 entry = x.step.tile.batch * entries_ + (key >> page_log2_), pages = ceil_div(count, rows);
    assay_cfg2_dma_in_dim4_hbm(
        x.stride.batch,
        assay_pack_dma_dim4_local(static_cast<u32>(pages), static_cast<int32_t>(rows * x.pitch)));
    assay_cfg_dma_in_gather(
        assay_pack_dma_gather(plan_.table_at + static_cast<u32>(entry) * 4, static_cast<u32>(pages_), 1));
    transfer_rows(x, x.tensor + x.step.tile.unit * x.stride.head + inside * x.stride.row, rows);
    assay_cfg_dma_in_dim4_local(1);
    assay_cfg_dma_in_gather(0);
  }

  // Gathers read it when they start: it must have come.
  void load_table(const assay_tensor& table, u64 page, u64 pages) {
    page_ = page;
    page_log2_ = device::log2(static_cast<u32>(page));
    pages_ = pages;
    entries_ = table.dims[1];
    device::dma_in({table.address, plan_.table_at, static_cast<u32>(entries_) * 4,
                    static_cast<u32>(table.dims[0]), entries_ * 4, static_cast<u32>(entries_) * 4});
    assay_sem_signal(ASSAY_ENGINE_dma_in, table_loaded);
    assay_sem_wait(ASSAY_ENGINE_dma_in, table_loaded);
  }

  const Plan& plan_;
  const Walk& walk_;
  Source keys_, values_;
  bool value_turn_ = false;
  u64 ordered_ = 0, used_ = 0;
  const u64 ahead_;
  u64 free_, slot_ = 0;
  u32 slot_at_;
  u64 page_ = 0, page_log2_ = 0, pages_ = 0, entries_ = 0;  // page_ 0: K and V are not paged
};

}  // namespace attention
