// What kernels share: the machine description, the argument block, plain 2-D transfers, semaphores.
// Freestanding C++17 for the simulated host; every call is a handful of instructions.
#pragma once

#include "isa/abi.h"
#include "isa/generated/assay_intrinsics.h"

namespace device {

using u32 = uint32_t;
using u64 = uint64_t;

inline const volatile assay_machine& machine() {
  return *reinterpret_cast<const volatile assay_machine*>(ASSAY_MACHINE_BASE);
}

constexpr u64 ceil_div(u64 a, u64 b) { return (a + b - 1) / b; }

// A divisor used often: array sizes mostly are powers of two, and a division costs twenty shifts.
class Divisor {
 public:
  constexpr Divisor() = default;
  explicit Divisor(u32 value) : value_(value), power_of_two_((value & (value - 1)) == 0) {
    for (u32 rest = value; rest > 1; rest >>= 1) ++shift_;
  }
  u32 value() const { return value_; }
  u64 floor(u64 a) const { return power_of_two_ ? a >> shift_ : a / value_; }
  u64 ceil(u64 a) const { return floor(a + value_ - 1); }
  u64 round_up(u64 a) const { return ceil(a) * value_; }

 private:
  u32 value_ = 1, shift_ = 0;
  bool power_of_two_ = true;
};

constexpr u64 align_up(u64 a, u64 power_of_two) { return (a + power_of_two - 1) & ~(power_of_two - 1); }
template <typename T>
constexpr T min(T a, T b) {
  return a < b ? a : b;
}
template <typename T>
constexpr T max(T a, T b) {
  return a > b ? a : b;
}

constexpr u32 acc(u32 offset) { return offset | ASSAY_LOCAL_ACC; }

inline u32 element_bytes(u32 dtype) {
  switch (dtype) {
    case ASSAY_DTYPE_f32:
    case ASSAY_DTYPE_s32: return 4;
    case ASSAY_DTYPE_f16:
    case ASSAY_DTYPE_bf16: return 2;
    default: return 1;
  }
}

// `rows` runs of `run_bytes`, a stride apart on each side.
struct Block {
  u64 hbm;
  u32 local;
  u32 run_bytes, rows;
  u64 hbm_stride;
  u32 local_stride;
};

inline void dma_in(const Block& b) {
  assay_cfg2_dma_in_run(assay_pack_dma_run(b.run_bytes, 0), b.hbm_stride);
  assay_cfg_dma_in_dim1_local(assay_pack_dma_dim1_local(b.rows, static_cast<int32_t>(b.local_stride)));
  assay_dma_in(b.hbm, b.local);
}

inline void dma_out(const Block& b) {
  assay_cfg2_dma_out_run(assay_pack_dma_run(b.run_bytes, 0), b.hbm_stride);
  assay_cfg_dma_out_dim1_local(assay_pack_dma_dim1_local(b.rows, static_cast<int32_t>(b.local_stride)));
  assay_dma_out(b.hbm, b.local);
}

// A pool of `tokens` buffers handed from a producing engine to a consuming one and back: the consumer
// waits for `filled`, the producer for `freed` once every token is out. drain() takes every token back, so
// that no signal outlives the kernel.
template <u32 producer, u32 consumer, u32 filled, u32 freed>
class Exchange {
 public:
  explicit Exchange(u32 tokens) : tokens_(tokens), free_(tokens) {}
  void produce_begin() {
    if (free_ > 0) --free_;
    else assay_sem_wait(producer, freed);
  }
  void produce_end() { assay_sem_signal(producer, filled); }
  void consume_begin() { assay_sem_wait(consumer, filled); }
  void consume_end() { assay_sem_signal(consumer, freed); }
  void drain() {
    for (; free_ < tokens_; ++free_) assay_sem_wait(producer, freed);
  }

 private:
  u32 tokens_;
  u32 free_;  // tokens that no one ever took
};

}  // namespace device
