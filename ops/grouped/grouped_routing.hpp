// Which rows each expert takes: the ids of a chunk, read by the host, as a list for each expert.
//
// The vector unit makes bytes of the ids, so that the host, which waits for each word that it reads from SPM,
// reads eight at a time; more than 253 experts do without. One pass over them links the rows of each expert,
// last one first. An expert's list for the gather is written when its turn comes, while the array works on
// others.
#pragma once

#include "ops/device/kernel.hpp"
#include "ops/device/vector.hpp"
#include "ops/grouped/grouped_plan.hpp"

namespace grouped {

using u16 = uint16_t;

// Semaphores and engines.
enum : u32 {
  kSlabFilled,
  kSlabFreed,
  kBiasFilled,
  kBiasFreed,
  kAccFilled,
  kAccFreed,
  kStageFilled,
  kStageFreed,
  kIdsFilled,
  kValuesFilled,
  kValuesFreed,
  kSemaphores
};

class Routing {
 public:
  Routing(const assay_tensor& ids, const assay_grouped_attributes& at)
      : ids_(ids.address),
        slots_(at.slots),
        experts_(at.experts),
        own_rows_(at.own_rows != 0),
        bytes_(at.experts <= 253),
        per_slot_((u64{1} << 32) / at.slots + 1) {}

  // The ids of a chunk's tokens, at the start of SPM. An id that is none is a fault of a gather, which names
  // it.
  void read(u64 token, u64 tokens) {
    const u64 count = tokens * slots_;
    limit_ = static_cast<u32>(own_rows_ ? count : tokens);
    clear_heads();
    made_ = placed_ = 0;
    dma_in({ids_ + token * slots_ * 4, 0, static_cast<u32>(count * 4), 1, 0, 0});
    if (bytes_) {
      pack(count);
      link_bytes(count);
      if (heads_[experts_] != kEnd) refuse(heads_[experts_]);
      if (heads_[kTooLow] != kEnd) refuse(heads_[kTooLow]);
      heads_[experts_] = heads_[kNoExpert];
    } else {
      assay_fence_ai(1u << kDmaIn);
      link_words(count);
    }
    dropped_ = place_rows(experts_);
  }

  // Slots without an expert: the first of rows().
  u64 dropped() const { return dropped_; }

  // How many rows the expert takes. Its list follows those of the experts before it, which have been asked
  // for.
  u64 list(u64 expert) {
    if (expert < made_) return counts_[expert];
    ++made_;
    const u64 first = placed_, count = place_rows(expert);
    counts_[expert] = static_cast<u16>(count);
    if (count > 0) write_list(first, count);
    return count;
  }

  // Rows of the chunk in the order of the experts; the list of rows of X in SPM is in that order too.
  const u16* rows() const { return rows_; }
  u32 limit() const { return limit_; }

 private:
  static constexpr u16 kEnd = 0xFFFF;
  static constexpr u64 kNoExpert = 255, kTooLow = 254;  // -1 and -2 as bytes

  static u64 bytes_at(u64 count) { return align_up(count * 4, 64); }

  // Four at a time.
  void clear_heads() {
    const u64 count = max(experts_ + 1, u64{256});
    for (u64 e = 0; e < count; e += 4) __builtin_memset(&heads_[e], 0xFF, 8);
  }

  // Ids beyond -2 and E become these. Behind the ids, a byte each.
  void pack(u64 count) const {
    assay_sem_signal(kDmaIn, kIdsFilled);
    assay_sem_wait(kVxu, kIdsFilled);
    assay_cfg_vxu_clip(u64{0xFFFFFFFE} | experts_ << 32);
    VectorPass{1, static_cast<u32>(count), {0, 0, 4, ASSAY_DTYPE_s32}}
        .apply(ASSAY_VECTOR_FUNCTION_clip)
        .to({static_cast<u32>(bytes_at(count)), 0, 1, ASSAY_DTYPE_u8});
    assay_fence_ai(1u << kDmaIn | 1u << kVxu);
  }

  void link(u64 row, u64 expert) {
    next_[row] = heads_[expert];
    heads_[expert] = static_cast<u16>(row);
  }

  // link() of byte i of a word; the host takes eight cycles for it.
  template <u32 i>
  [[gnu::always_inline]] void link_byte(u64 row, u64 word) {
    const u64 twice = i == 0 ? word << 1 : word >> (i == 0 ? 0 : 8 * i - 1);
    u16& head = *reinterpret_cast<u16*>(reinterpret_cast<char*>(heads_) + (twice & 0x1FE));
    next_[row + i] = head;
    head = static_cast<u16>(row + i);
  }

  void link_bytes(u64 count) {
    const u64 at = ASSAY_SPM_BASE + bytes_at(count);
    u64 row = count;
    while ((row & 7) != 0) {
      --row;
      link(row, *reinterpret_cast<const volatile uint8_t*>(at + row));
    }
    while (row > 0) {
      row -= 8;
      const u64 word = *reinterpret_cast<const volatile u64*>(at + row);
      link_byte<7>(row, word), link_byte<6>(row, word), link_byte<5>(row, word), link_byte<4>(row, word);
      link_byte<3>(row, word), link_byte<2>(row, word), link_byte<1>(row, word), link_byte<0>(row, word);
    }
  }

  void link_words(u64 count) {
    for (u64 row = count; row-- > 0;) {
      const int32_t id = *reinterpret_cast<const volatile int32_t*>(ASSAY_SPM_BASE + row * 4);
      if (id < -1 || id >= static_cast<int64_t>(experts_)) refuse(row);
      link(row, id < 0 ? experts_ : static_cast<u64>(id));
    }
  }

  [[noreturn]] void refuse(u64 row) const {
    dma_gather({{ids_, 0, 1, 1, 0, 0}, 1, 1, 1, static_cast<u32>(row * 4), static_cast<u32>(experts_)});
    assay_fence_ai(1u << kDmaIn);
    halt(ASSAY_STATUS_BAD_ARGS);
  }

  u64 place_rows(u64 expert) {
    const u64 first = placed_;
    for (u16 row = heads_[expert]; row != kEnd; row = next_[row]) rows_[placed_++] = row;
    return placed_ - first;
  }

  u64 source(u64 place) const {
    const u64 row = rows_[place];
    return own_rows_ ? row : row * per_slot_ >> 32;
  }

  // Two at a time, where they share a word.
  void write_list(u64 first, u64 count) const {
    u64 at = first;
    const u64 end = first + count;
    if ((at & 1) != 0) write_one(at++);
    for (; at + 1 < end; at += 2)
      *reinterpret_cast<volatile u64*>(ASSAY_SPM_BASE + at * 4) = source(at) | source(at + 1) << 32;
    if (at < end) write_one(at);
    asm volatile("fence" ::: "memory");
  }
  void write_one(u64 at) const {
    *reinterpret_cast<volatile u32*>(ASSAY_SPM_BASE + at * 4) = static_cast<u32>(source(at));
  }

  const u64 ids_, slots_, experts_;
  const bool own_rows_, bytes_;
  const u64 per_slot_;  // 2^32 / slots, rounded up
  u32 limit_ = 0;
  u64 made_ = 0, placed_ = 0, dropped_ = 0;
  alignas(8) u16 heads_[ASSAY_GROUPED_MOST_EXPERTS + 4];
  u16 counts_[ASSAY_GROUPED_MOST_EXPERTS];
  u16 next_[kMostRows], rows_[kMostRows];
};

}  // namespace grouped
