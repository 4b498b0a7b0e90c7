// What kernels share: the machine description, the argument block, plain 2-D transfers, semaphores.
// Freestanding C++17 for the simulated host; every call is a handful of instructions.
#pragma once

#include "isa/abi.h"
#include "isa/generated/assay_intrinsics.h"

namespace device {

using u32 = uint32_t;
using u64 = uint64_t;

inline const assay_machine& machine() { return *reinterpret_cast<const assay_machine*>(ASSAY_MACHINE_BASE); }

constexpr u64 ceil_div(u64 a, u64 b) { return (a + b - 1) / b; }

// floor(log2 a): the exponent of its conversion to floating point, which rounds nothing.
inline u32 log2(u32 a) {
  const double value = a;
  u64 bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return static_cast<u32>(bits >> 52) - 1023;
}

// A divisor used often: array sizes mostly are powers of two, and a division costs twenty shifts.
class Divisor {
 public:
  constexpr Divisor() = default;
  explicit Divisor(u32 value) : value_(value), shift_((value & (value - 1)) == 0 ? log2(value) : kNone) {}
  u64 value() const { return value_; }
  u64 floor(u64 a) const { return shift_ != kNone ? a >> shift_ : a / value_; }
  u64 ceil(u64 a) const { return floor(a + value_ - 1); }
  u64 round_up(u64 a) const { return ceil(a) * value_; }

 private:
  static constexpr u64 kNone = 64;
  u64 value_ = 1, shift_ = 0;
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

template <typename T>
constexpr void swap(T& a, T& b) {
  const T other = a;
  a = b;
  b = other;
}

constexpr u32 acc(u32 offset) { return offset | ASSAY_LOCAL_ACC; }

// By the dtype's code, four bits each: f32, f16, bf16, s8, u8, s32, e4m3, e5m2 from the lowest up; s4 and u4,
// which share bytes: 0. Not for the host's own types.
constexpr u32 element_bytes(u32 dtype) { return u64{0x11411224} >> (4 * dtype) & 15; }
static_assert(element_bytes(ASSAY_DTYPE_f32) == 4 && element_bytes(ASSAY_DTYPE_f16) == 2 &&
              element_bytes(ASSAY_DTYPE_bf16) == 2 && element_bytes(ASSAY_DTYPE_s8) == 1 &&
              element_bytes(ASSAY_DTYPE_u8) == 1 && element_bytes(ASSAY_DTYPE_s32) == 4 &&
              element_bytes(ASSAY_DTYPE_e4m3) == 1 && element_bytes(ASSAY_DTYPE_e5m2) == 1 &&
              element_bytes(ASSAY_DTYPE_u4) == 0);

// The code of `kinds.b_format` for a stationary operand of that type, f32, f16, bf16 and s32 as `same`.
constexpr u32 stationary_format(u32 dtype) { return u64{0x6543021000} >> (4 * dtype) & 15; }
static_assert(stationary_format(ASSAY_DTYPE_s8) == ASSAY_STATIONARY_FORMAT_s8 &&
              stationary_format(ASSAY_DTYPE_u8) == ASSAY_STATIONARY_FORMAT_u8 &&
              stationary_format(ASSAY_DTYPE_e4m3) == ASSAY_STATIONARY_FORMAT_e4m3 &&
              stationary_format(ASSAY_DTYPE_e5m2) == ASSAY_STATIONARY_FORMAT_e5m2 &&
              stationary_format(ASSAY_DTYPE_s4) == ASSAY_STATIONARY_FORMAT_s4 &&
              stationary_format(ASSAY_DTYPE_u4) == ASSAY_STATIONARY_FORMAT_u4);

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

// `count` blocks, the i-th at index[i] * hbm_step behind block.hbm; the list of s32 in SPM, each index in 0
// .. limit - 1. It must be there before the launch: transfers of one queue overlap.
struct Gather {
  Block block;
  u32 count;
  u64 hbm_step;
  u32 local_step;
  u32 index_at, limit;
};

inline void dma_gather(const Gather& g) {
  assay_cfg2_dma_in_dim4_hbm(g.hbm_step,
                             assay_pack_dma_dim4_local(g.count, static_cast<int32_t>(g.local_step)));
  assay_cfg_dma_in_gather(assay_pack_dma_gather(g.index_at, g.limit, 1));
  dma_in(g.block);
  assay_cfg_dma_in_dim4_local(1);
  assay_cfg_dma_in_gather(0);
}

inline void dma_out(const Block& b) {
  assay_cfg2_dma_out_run(assay_pack_dma_run(b.run_bytes, 0), b.hbm_stride);
  assay_cfg_dma_out_dim1_local(assay_pack_dma_dim1_local(b.rows, static_cast<int32_t>(b.local_stride)));
  assay_dma_out(b.hbm, b.local);
}

// Three dimensions: `planes` blocks.
struct Planes {
  Block block;
  u32 planes;
  u64 hbm_plane_stride;
  u32 local_plane_stride;
};

// The registers alone, for several launches; reset_dma_in_planes() then ends it.
inline void configure_dma_in_planes(const Planes& p) {
  const Block& b = p.block;
  assay_cfg2_dma_in_run(assay_pack_dma_run(b.run_bytes, 0), b.hbm_stride);
  assay_cfg2_dma_in_dim1_local(assay_pack_dma_dim1_local(b.rows, static_cast<int32_t>(b.local_stride)),
                               p.hbm_plane_stride);
  assay_cfg_dma_in_dim2_local(
      assay_pack_dma_dim2_local(p.planes, static_cast<int32_t>(p.local_plane_stride)));
}
inline void reset_dma_in_planes() { assay_cfg_dma_in_dim2_local(1); }

inline void dma_in_planes(const Planes& p) {
  configure_dma_in_planes(p);
  assay_dma_in(p.block.hbm, p.block.local);
  reset_dma_in_planes();
}

// A matrix of `rows` x `cols` elements whose columns lie in HBM as lines, its rows in SPM or ACC.
struct TransposedBlock {
  u64 hbm;
  u32 local;
  u32 element, rows, cols;
  u64 hbm_col_stride;
  u32 local_row_stride;
};

// Dimension 2 stays set: what follows in this queue is transposed too.
inline void dma_out_transposed(const TransposedBlock& b) {
  assay_cfg2_dma_out_run(assay_pack_dma_run(b.element, 0), b.element);
  assay_cfg2_dma_out_dim1_local(assay_pack_dma_dim1_local(b.rows, static_cast<int32_t>(b.local_row_stride)),
                                b.hbm_col_stride);
  assay_cfg_dma_out_dim2_local(assay_pack_dma_dim2_local(b.cols, static_cast<int32_t>(b.element)));
  assay_dma_out(b.hbm, b.local);
}

inline void dma_in_transposed(const TransposedBlock& b) {
  assay_cfg2_dma_in_run(assay_pack_dma_run(b.element, 0), b.element);
  assay_cfg2_dma_in_dim1_local(assay_pack_dma_dim1_local(b.rows, static_cast<int32_t>(b.local_row_stride)),
                               b.hbm_col_stride);
  assay_cfg_dma_in_dim2_local(assay_pack_dma_dim2_local(b.cols, static_cast<int32_t>(b.element)));
  assay_dma_in(b.hbm, b.local);
  reset_dma_in_planes();
}

// The end of a kernel, as if assay_kernel had returned `status`, but at once: nothing is restored.
[[noreturn]] inline void halt(u32 status) {
  *reinterpret_cast<volatile u64*>(ASSAY_HALT_BASE) = u64{status} << 32 | ASSAY_HALT_DONE;
  for (;;) {}
}

// A pool of `tokens` buffers handed from a producing engine to a consuming one and back: the consumer
// waits for `filled`, the producer for `freed` once every token is out. drain() takes every token back, so
// that no signal outlives the kernel.
template <u32 producer, u32 consumer, u32 filled, u32 freed>
class Exchange {
 public:
  constexpr explicit Exchange(u32 tokens) : tokens_(tokens), free_(tokens) {}
  // More buffers, known of later than the first ones.
  void add(u32 tokens) {
    tokens_ += tokens;
    free_ += tokens;
  }
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
