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
    seek(keys_);
    seek(values_);
  }

  // Orders what is used up to `ahead_` chunks from now on; then the next use may be ordered.
  void before_use() {
    const u64 wanted = used_++ + ahead_;
    while (ordered_ < wanted && !values_.step.done) order();
  }
  // Before another transfer of dma_in than K's and V's.
  void leave_pages() const {
    if (!paged_) return;
    assay_cfg_dma_in_dim4_local(1);
    assay_cfg_dma_in_gather(0);
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
          run(assay_pack_dma_run(static_cast<u32>(t.dims[3]) * device::element_bytes(t.dtype), 0)),
          step(first) {}
    u64 first_key() const { return step.key() + key; }

    const u64 tensor;
    const assay_attention_strides stride;
    const u32 pitch;  // bytes between rows in SPM
    const u64 run;    // registers of dma_in, those behind it for `count` keys
    u64 count = 0, rows = 0, units = 0, pages = 0, entries = 0;
    Step step;          // whose chunks come next
    u64 key = 0;        // of the next chunk in its block
    u64 from = 0;       // its place in HBM, or, where it is paged, in a page
    u64 page_from = 0;  // its head in a page
  };

  // To its step's first key.
  void seek(Source& x) const {
    const Tile& t = x.step.tile;
    const u64 head = x.tensor + t.unit * x.stride.head;
    x.page_from = head;
    x.count = 0;
    x.from = paged_ ? head : head + t.batch * x.stride.batch + x.step.key() * x.stride.row;
  }

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
    const bool whole_pages = rows_log2_ == page_log2_;
    if (paged_ && (whole_pages || (x.first_key() & ((u64{1} << page_log2_) - 1)) == 0)) x.from = x.page_from;
    if (x.key < x.step.columns) return;
    x.key = 0;
    walk_.advance(x.step);
    if (x.step.begins()) seek(x);
    value_turn_ = !value && x.step.index > plan_.lead;
  }

  void transfer(Source& x, u64 count) {
    if (count != x.count) prepare(x, count);
    if (paged_) {
      if (!table_ready_) assay_sem_wait(ASSAY_ENGINE_dma_in, table_loaded);
      table_ready_ = true;
      assay_cfg2_dma_in_dim4_hbm(x.stride.batch, x.pages);
      assay_cfg_dma_in_gather(x.entries + (x.first_key() >> page_log2_) * 4);
    }
    assay_cfg2_dma_in_run(x.run, x.stride.row);
    assay_cfg2_dma_in_dim1_local(x.rows, x.stride.head);
    assay_cfg_dma_in_dim2_local(x.units);
    assay_dma_in(x.from, slot_at_);
    slot_at_ += plan_.slot_size;
    if (++slot_ < plan_.slots) return;
    slot_ = 0;
    slot_at_ = plan_.slots_at;
  }

  // The registers for so many keys. Whole pages by the block table, or part of one; the last one comes whole,
  // which its slot has room for.
  [[gnu::noinline]] void prepare(Source& x, u64 count) const {
    x.count = count;
    const u64 rows = paged_ ? u64{1} << rows_log2_ : count;
    x.rows = assay_pack_dma_dim1_local(static_cast<u32>(rows), static_cast<int32_t>(x.pitch));
    x.units =
        assay_pack_dma_dim2_local(static_cast<u32>(x.step.tile.units), static_cast<int32_t>(plan_.slot_unit));
    x.pages = assay_pack_dma_dim4_local(static_cast<u32>((count + rows - 1) >> rows_log2_),
                                        static_cast<int32_t>(rows * x.pitch));
    x.entries =
        assay_pack_dma_gather(plan_.table_at + static_cast<u32>(x.step.tile.batch) * row_bytes_, pages_, 1);
  }

  // Gathers read it when they start: it must have come.
  void load_table(const assay_tensor& table, u64 page, u64 pages) {
    paged_ = true;
    page_log2_ = device::log2(static_cast<u32>(page));
    rows_log2_ = device::log2(static_cast<u32>(min(page, plan_.chunk)));
    pages_ = static_cast<u32>(pages);
    row_bytes_ = static_cast<u32>(table.dims[1]) * 4;
    device::dma_in(
        {table.address, plan_.table_at, row_bytes_, static_cast<u32>(table.dims[0]), row_bytes_, row_bytes_});
    assay_sem_signal(ASSAY_ENGINE_dma_in, table_loaded);
  }

  const Plan& plan_;
  const Walk& walk_;
  Source keys_, values_;
  bool value_turn_ = false;
  u64 ordered_ = 0, used_ = 0;
  const u64 ahead_;
  u64 free_, slot_ = 0;
  u32 slot_at_;
  bool paged_ = false, table_ready_ = false;
  u64 page_log2_ = 0, rows_log2_ = 0;  // keys of a page; rows of it in a transfer
  u32 pages_ = 0, row_bytes_ = 0;      // of the cache; of the table
};

}  // namespace attention
