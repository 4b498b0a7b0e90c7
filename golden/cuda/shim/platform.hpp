// What kernels and the device layer need of CUDA, on the host: the language's additions as macros and names,
// the functions of kernels/instructions.cuh, and as much of the runtime's API as golden/cuda/device.cu calls.
//
// mma() is written from the PTX ISA's tables of fragments, not from the kernels' loads, and adds as the
// numerical studies of Tensor Cores found them to: terms aligned to the greatest and truncated, not rounded.
#pragma once

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "golden/cuda/shim/machine.hpp"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define threadIdx (::assay::golden::cuda::shim::position().thread)
#define blockIdx (::assay::golden::cuda::shim::position().block)
#define blockDim (::assay::golden::cuda::shim::position().block_size)
#define gridDim (::assay::golden::cuda::shim::position().grid_size)

inline float __uint_as_float(std::uint32_t bits) {
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

namespace assay::golden::cuda::kernels {

template <typename T>
T load_global(const T* from) {
  shim::check_global(from, sizeof(T), alignof(T), "a read");
  return *from;
}
template <typename T>
void store_global(T* to, T value) {
  shim::check_global(to, sizeof(T), alignof(T), "a write");
  *to = value;
}
template <typename T>
T load_shared(const void* from) {
  shim::check_shared(from, sizeof(T), alignof(T), shim::Access::Read);
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}
template <typename T>
void store_shared(void* to, T value) {
  static_assert(sizeof(T) % 4 == 0, "the shim follows words");
  shim::check_shared(to, sizeof(T), alignof(T), shim::Access::Write);
  std::memcpy(to, &value, sizeof value);
}

using shim::barrier;
using shim::commit_copies;
using shim::copy_async;
using shim::shared_memory;
template <int kPending>
void wait_copies() {
  shim::wait_copies(kPending);
}

inline float shuffle_xor(float value, int lanes) {
  const unsigned char* all = shim::exchange(&value, sizeof value);
  std::memcpy(&value, all + ((threadIdx.x % 32) ^ static_cast<unsigned>(lanes)) * sizeof value, sizeof value);
  return value;
}

}  // namespace assay::golden::cuda::kernels

#include "golden/cuda/shim/mma.hpp"
#include "golden/cuda/shim/runtime.hpp"
