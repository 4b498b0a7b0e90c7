// Kernels over rows of a dense matrix, a block a row: sum, maximum, softmax, LayerNorm. And GELU, element by
// element.
#pragma once

#include <cstdint>

#include "golden/cuda/kernels/elements.cuh"

namespace assay::golden::cuda::kernels {

constexpr int kRowThreads = 256;
constexpr int kRowShared = kRowThreads / 32 * sizeof(float);

struct Sum {
  __device__ float operator()(float a, float b) const { return a + b; }
};
struct Maximum {  // of two, a NaN wins
  __device__ float operator()(float a, float b) const { return a > b || a != a ? a : b; }
};

// Of the whole block, the same bits in every thread: lanes by butterflies, then warps in ascending order. At
// most kRowThreads threads.
template <typename Op>
__device__ float reduce_block(float value, Op op) {
  auto* partials = reinterpret_cast<float*>(shared_memory());
  for (int lanes = 16; lanes > 0; lanes /= 2) value = op(value, shuffle_xor(value, lanes));
  barrier();  // the reduction before has been read
  if (threadIdx.x % 32 == 0) store_shared(partials + threadIdx.x / 32, value);
  barrier();
  value = load_shared<float>(partials);
  for (unsigned warp = 1; warp < blockDim.x / 32; ++warp)
    value = op(value, load_shared<float>(partials + warp));
  return value;
}

// Of f(element) over a row; `start` where a thread has no element.
template <typename T, typename Op, typename F>
__device__ float reduce_row(const T* row, int length, float start, Op op, F f) {
  float value = start;
  for (int j = threadIdx.x; j < length; j += kRowThreads)
    value = op(value, f(to_float(load_global(row + j))));
  return reduce_block(value, op);
}

struct Itself {
  __device__ float operator()(float x) const { return x; }
};

template <typename T>
__global__ void __launch_bounds__(kRowThreads) sum_rows(const T* x, float* y, int length) {
  const float sum = reduce_row(x + std::int64_t{blockIdx.x} * length, length, 0, Sum(), Itself());
  if (threadIdx.x == 0) store_global(y + blockIdx.x, sum);
}

template <typename T>
__global__ void __launch_bounds__(kRowThreads) maximum_of_rows(const T* x, float* y, int length) {
  const float start = -static_cast<float>(INFINITY);
  const float greatest =
      reduce_row(x + std::int64_t{blockIdx.x} * length, length, start, Maximum(), Itself());
  if (threadIdx.x == 0) store_global(y + blockIdx.x, greatest);
}

template <typename T>
__global__ void __launch_bounds__(kRowThreads) softmax(const T* x, float* y, int length) {
  const T* row = x + std::int64_t{blockIdx.x} * length;
  const float start = -static_cast<float>(INFINITY);
  const float greatest = reduce_row(row, length, start, Maximum(), Itself());
  const auto power = [&](float element) { return expf(element - greatest); };
  const float sum = reduce_row(row, length, 0, Sum(), power);
  for (int j = threadIdx.x; j < length; j += kRowThreads)
    store_global(y + std::int64_t{blockIdx.x} * length + j, power(to_float(load_global(row + j))) / sum);
}

// (x - mean) / sqrt(variance + epsilon) * gamma + beta; the variance in a second pass over x - mean.
template <typename T>
__global__ void __launch_bounds__(kRowThreads)
    layer_norm(const T* x, const float* gamma, const float* beta, float epsilon, float* y, int length) {
  const T* row = x + std::int64_t{blockIdx.x} * length;
  const auto n = static_cast<float>(length);
  const float mean = reduce_row(row, length, 0, Sum(), Itself()) / n;
  const auto square = [&](float element) { return (element - mean) * (element - mean); };
  const float variance = reduce_row(row, length, 0, Sum(), square) / n;
  const float scale = 1 / sqrtf(variance + epsilon);
  for (int j = threadIdx.x; j < length; j += kRowThreads) {
    const float normal = (to_float(load_global(row + j)) - mean) * scale;
    store_global(y + std::int64_t{blockIdx.x} * length + j,
                 fmaf(normal, load_global(gamma + j), load_global(beta + j)));
  }
}

// x (1 + erf(x / sqrt 2)) / 2 by way of erfc, which keeps its relative precision where x is far below 0.
template <typename T>
__global__ void __launch_bounds__(kRowThreads) gelu(const T* x, float* y, std::int64_t count) {
  const std::int64_t i = std::int64_t{blockIdx.x} * kRowThreads + threadIdx.x;
  if (i >= count) return;
  const float value = to_float(load_global(x + i));
  store_global(y + i, 0.5F * value * erfcf(value * -0.70710678F));
}

}  // namespace assay::golden::cuda::kernels
