// Under nvcc: memory accesses, and the PTX instructions that CUDA C++ has no name for. The host shim has its
// own of each (golden/cuda/shim/platform.hpp).
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace assay::golden::cuda::kernels {

template <typename T>
__device__ __forceinline__ T load_global(const T* from) {
  return *from;
}
template <typename T>
__device__ __forceinline__ void store_global(T* to, T value) {
  *to = value;
}
template <typename T>
__device__ __forceinline__ T load_shared(const void* from) {
  return *static_cast<const T*>(from);
}
template <typename T>
__device__ __forceinline__ void store_shared(void* to, T value) {
  *static_cast<T*>(to) = value;
}

__device__ __forceinline__ unsigned char* shared_memory() {
  extern __shared__ uint4 assay_shared_memory[];  // uint4: aligned to 16 bytes
  return reinterpret_cast<unsigned char*>(assay_shared_memory);
}

// Of all threads of the block.
__device__ __forceinline__ void barrier() { __syncthreads(); }

// The value of the lane whose number differs in these bits.
__device__ __forceinline__ float shuffle_xor(float value, int lanes) {
  return __shfl_xor_sync(0xFFFFFFFFU, value, lanes);
}

// 16 bytes of shared memory: the first `bytes` from global memory, the rest zeros. Both addresses aligned
// to 16.
__device__ __forceinline__ void copy_async(void* to, const void* from, int bytes) {
  const auto shared = static_cast<std::uint32_t>(__cvta_generic_to_shared(to));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(shared), "l"(from), "r"(bytes)
               : "memory");
}
__device__ __forceinline__ void commit_copies() { asm volatile("cp.async.commit_group;\n" ::: "memory"); }
// Until at most so many of this thread's groups are still on their way.
template <int kPending>
__device__ __forceinline__ void wait_copies() {
  asm volatile("cp.async.wait_group %0;\n" ::"n"(kPending) : "memory");
}

// d = a * b + d for one warp: A of 16 rows and B of 8 columns, 32 bytes along k each. Which lane holds what:
// PTX ISA, "Matrix fragments for mma.m16n8k16" (2-byte elements) and "for mma.m16n8k32" (1-byte elements).
#define ASSAY_MMA(NAME, INSTRUCTION, TYPE, CONSTRAINT)                                                      \
  __device__ __forceinline__ void NAME(TYPE(&d)[4], const std::uint32_t(&a)[4],                             \
                                       const std::uint32_t(&b)[2]) {                                        \
    asm volatile("mma.sync.aligned." INSTRUCTION " {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\n" \
                 : "+" CONSTRAINT(d[0]), "+" CONSTRAINT(d[1]), "+" CONSTRAINT(d[2]), "+" CONSTRAINT(d[3])   \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));                       \
  }

ASSAY_MMA(mma_f16, "m16n8k16.row.col.f32.f16.f16.f32", float, "f")
ASSAY_MMA(mma_bf16, "m16n8k16.row.col.f32.bf16.bf16.f32", float, "f")
ASSAY_MMA(mma_s8_s8, "m16n8k32.row.col.s32.s8.s8.s32", std::int32_t, "r")
ASSAY_MMA(mma_s8_u8, "m16n8k32.row.col.s32.s8.u8.s32", std::int32_t, "r")
ASSAY_MMA(mma_u8_s8, "m16n8k32.row.col.s32.u8.s8.s32", std::int32_t, "r")
ASSAY_MMA(mma_u8_u8, "m16n8k32.row.col.s32.u8.u8.s32", std::int32_t, "r")
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 890
ASSAY_MMA(mma_e4m3, "m16n8k32.row.col.f32.e4m3.e4m3.f32", float, "f")
ASSAY_MMA(mma_e5m2, "m16n8k32.row.col.f32.e5m2.e5m2.f32", float, "f")
#else  // no such instruction before compute capability 8.9: the device layer refuses before it launches
__device__ inline void mma_e4m3(float (&)[4], const std::uint32_t (&)[4], const std::uint32_t (&)[2]) {
  __trap();
}
__device__ inline void mma_e5m2(float (&)[4], const std::uint32_t (&)[4], const std::uint32_t (&)[2]) {
  __trap();
}
#endif
#undef ASSAY_MMA

template <typename... Parameters, typename... Arguments>
void start(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared, cudaStream_t stream,
           Arguments... arguments) {
  kernel<<<grid, block, shared, stream>>>(arguments...);
}

}  // namespace assay::golden::cuda::kernels
