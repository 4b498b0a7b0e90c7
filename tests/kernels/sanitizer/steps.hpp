// What the kernels of this folder are made of. Each is a small kernel with one fault: its first line names
// the finding, and the line that is to be blamed ends in `// <--`. Compiled with -DMENDED the fault is gone,
// and the sanitizer must find nothing.
//
// Tensors are f32[16x16]: A and B are inputs, Y the output; 1 KiB each.
#pragma once

#include "ops/device/device.hpp"

using namespace device;

#ifdef MENDED
#define FAULT(...)
#define MEND(...) __VA_ARGS__
#else
#define FAULT(...) __VA_ARGS__
#define MEND(...)
#endif

constexpr u32 kDmaIn = ASSAY_ENGINE_dma_in, kDmaOut = ASSAY_ENGINE_dma_out, kMxu = ASSAY_ENGINE_mxu,
              kVxu = ASSAY_ENGINE_vxu;
constexpr u32 kAll = 15;
constexpr u32 kSide = 16, kRow = kSide * 4, kTensor = kSide * kRow;

#define STEP inline __attribute__((always_inline))

// Rows of 16 f32, dense on both sides.
STEP void load(u64 hbm, u32 local, u32 rows = kSide) { dma_in({hbm, local, rows * kRow, 1, 0, 0}); }
STEP void store(u64 hbm, u32 local, u32 rows = kSide) { dma_out({hbm, local, rows * kRow, 1, 0, 0}); }

STEP void signal(u32 engine, u32 semaphore) { assay_sem_signal(engine, semaphore); }
STEP void wait(u32 engine, u32 semaphore) { assay_sem_wait(engine, semaphore); }
STEP void fence() { assay_fence_ai(kAll); }

// One 16 x 16 x 16 product, output stationary.
STEP void multiply(u32 a, u32 b, u32 result, bool accumulate = false, u32 a_stride = kRow) {
  assay_cfg2_mxu_format(assay_pack_mxu_format(ASSAY_DTYPE_f32, 0, 0, accumulate, 0),
                        assay_pack_mxu_size(kSide, kSide, kSide));
  assay_cfg2_mxu_strides(assay_pack_mxu_strides(a_stride, kRow), assay_pack_mxu_acc(kRow));
  assay_mxu_os(a, b, result);
}

// out = relu(x) over rows of 16 f32.
STEP void relu(u32 x, u32 out, u32 rows = kSide, u32 reduction = ASSAY_REDUCTION_none) {
  assay_cfg2_vxu_format(
      assay_pack_vxu_format(ASSAY_DTYPE_f32, ASSAY_DTYPE_f32, 0, ASSAY_DTYPE_f32, 0, 0,
                            ASSAY_VECTOR_FUNCTION_relu, reduction, ASSAY_VECTOR_OPERATION_multiply_add),
      assay_pack_vxu_size(rows, kSide));
  assay_cfg2_vxu_x_strides(assay_pack_vxu_x_strides(kRow, 4), assay_pack_vxu_out_strides(kRow, 0));
  assay_vxu_pass(x, out);
}

// A host access through its uncached windows.
STEP volatile u32& spm_word(u32 offset) { return *reinterpret_cast<volatile u32*>(ASSAY_SPM_BASE + offset); }
STEP volatile u32& hbm_word(u64 address) { return *reinterpret_cast<volatile u32*>(address); }

#define KERNEL                                                                            \
  static void kernel(u64 a, u64 b, u64 y);                                                \
  extern "C" uint32_t assay_kernel(const assay_args* args) {                              \
    kernel(args->tensors[0].address, args->tensors[1].address, args->tensors[2].address); \
    fence();                                                                              \
    return 0;                                                                             \
  }                                                                                       \
  static void kernel([[maybe_unused]] u64 a, [[maybe_unused]] u64 b, [[maybe_unused]] u64 y)
