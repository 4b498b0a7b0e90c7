// Zero points, and the factors of requantisation: (a_scale * b_scale) / y_scale, one or one for each column
// of Y, made by the vector unit at the end of SPM.
#pragma once

#include "ops/device/vector.hpp"
#include "ops/gemm/gemm_plan.hpp"

namespace gemm {

inline const assay_tensor* optional(const assay_args& args, u64 role) {
  const auto& at = *reinterpret_cast<const assay_gemm_attributes*>(args.attributes);
  const u64 index = at.special >> (8 * role) & 0xFF;
  return index == 0 ? nullptr : &args.tensors[index];
}

inline bool requantises(const assay_gemm_attributes& at) {
  return (at.special >> (8 * ASSAY_GEMM_Y_SCALE) & 0xFF) != 0;
}

// Read from HBM by the host.
inline int32_t zero_point(const assay_tensor* t) {
  if (t == nullptr) return 0;
  if (t->dtype == ASSAY_DTYPE_s8) return *reinterpret_cast<const volatile int8_t*>(t->address);
  return *reinterpret_cast<const volatile uint8_t*>(t->address);
}

struct Scales {
  u32 at = 0;    // f32 each
  u32 each = 0;  // bytes from a column's factor to the next one's; 0: one for all

  static u64 bytes(const assay_gemm_attributes& problem) { return align_up(problem.n * 4, 16) + 32; }

  void open(const assay_args& args, const assay_gemm_attributes& problem) {
    const assay_tensor *a = optional(args, ASSAY_GEMM_A_SCALE), *b = optional(args, ASSAY_GEMM_B_SCALE),
                       *y = optional(args, ASSAY_GEMM_Y_SCALE);
    const u32 from = static_cast<u32>(machine().spm_bytes - bytes(problem));
    at = from + 32;
    u64 count = 1;
    for (u64 d = 0; d < b->rank; ++d) count *= b->dims[d];
    each = count == 1 ? 0 : 4;
    dma_in({a->address, from, 4, 1, 0, 0});
    dma_in({y->address, from + 16, 4, 1, 0, 0});
    dma_in({b->address, at, static_cast<u32>(4 * count), 1, 0, 0});
    assay_sem_signal(kDmaIn, kScalesFilled);
    assay_sem_wait(kVxu, kScalesFilled);
    const Place factors = f32_at(at, 0);
    VectorPass{1, static_cast<u32>(count), factors}.scaled(f32_at(from, 0, 0)).to(factors);
    VectorPass{1, static_cast<u32>(count), factors}
        .scaled(f32_at(from + 16, 0, 0))
        .by(ASSAY_VECTOR_OPERATION_divide)
        .to(factors);
  }
};

}  // namespace gemm
