// Gather: the list comes to SPM in pieces, rows by it through a few buffers there. Rows longer than a buffer
// are gathered in strips of columns.
//
// Tensors: Y, data, indices. Words: indices, bytes of a row, rows.
#include "ops/device/kernel.hpp"

namespace {

using namespace device;

enum : u32 { kRowsFilled, kRowsFreed, kListThere, kSemaphores };

constexpr u32 kBuffers = 4;

class Gatherer {
 public:
  explicit Gatherer(const assay_args& args)
      : y_(args.tensors[0].address),
        data_(args.tensors[1].address),
        indices_(args.tensors[2].address),
        count_(args.attributes[0]),
        row_(args.attributes[1]),
        limit_(static_cast<u32>(args.attributes[2])) {
    list_ = (machine().spm_bytes / 4) & ~63u;  // the list at the start of SPM, buffers behind it
    slot_ = ((machine().spm_bytes - list_) / kBuffers) & ~63u;
    strip_ = min<u64>(row_, slot_);
    rows_ = max<u64>(1, slot_ / strip_);
  }

  u32 run() {
    if (machine().semaphores < kSemaphores) return ASSAY_STATUS_NO_SEMAPHORES;
    if (slot_ == 0 || list_ == 0) return ASSAY_STATUS_NO_CAPACITY;
    const u64 most = list_ / 4;
    for (u64 first = 0; first < count_; first += most) {
      const u64 indices = min(most, count_ - first);
      if (first > 0) settle();  // the rows by the list before it
      dma_in({indices_ + first * 4, 0, static_cast<u32>(indices * 4), 1, 0, 0});
      settle();
      for (u64 at = 0; at < indices; at += rows_) take(first + at, at, min(rows_, indices - at));
    }
    filled_.drain();
    assay_fence_ai(1u << kDmaIn | 1u << kDmaOut);
    return 0;
  }

 private:
  // Until the loads so far are there: transfers of one queue overlap.
  static void settle() {
    assay_sem_signal(kDmaIn, kListThere);
    assay_sem_wait(kDmaIn, kListThere);
  }

  // Y's rows from `row` on, by the list's indices from `at` on.
  void take(u64 row, u64 at, u64 rows) {
    for (u64 column = 0; column < row_; column += strip_) {
      const u32 bytes = static_cast<u32>(min(strip_, row_ - column)), n = static_cast<u32>(rows);
      const u32 buffer = static_cast<u32>(list_ + next_ * slot_);
      next_ = next_ + 1 == kBuffers ? 0 : next_ + 1;
      filled_.produce_begin();
      dma_gather(
          {{data_ + column, buffer, bytes, 1, 0, 0}, n, row_, bytes, static_cast<u32>(at * 4), limit_});
      filled_.produce_end();
      filled_.consume_begin();
      dma_out({y_ + row * row_ + column, buffer, bytes, n, row_, bytes});
      filled_.consume_end();
    }
  }

  const u64 y_, data_, indices_, count_, row_;
  const u32 limit_;
  u64 list_, slot_, strip_, rows_;
  u64 next_ = 0;
  Exchange<kDmaIn, kDmaOut, kRowsFilled, kRowsFreed> filled_{kBuffers};
};

}  // namespace

extern "C" uint32_t assay_kernel(const assay_args* args) {
  if (!known(*args) || args->tensor_count != 3 || args->attribute_count != 3) return ASSAY_STATUS_BAD_ARGS;
  return Gatherer(*args).run();
}
