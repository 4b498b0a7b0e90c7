// Matrix products and convolutions: one kernel, y[row][col] = sum over k of a[row][k] * b[col][k].
//
// A block of 128 threads makes a tile of 64 x 64. Along k it takes 64 bytes at a time, whatever the element:
// the tiles of A and B come by asynchronous copies of 16 bytes into one of two stages of shared memory while
// the other is multiplied. What lies beyond a matrix enters as zeros, so that sizes need not be multiples of
// anything; lines in memory start at multiples of 16 bytes.
//
// A source gives A's chunks: Rows a matrix in memory, Im2col the unfolded input of a convolution, which
// nowhere exists (implicit GEMM). A tile multiplies: MmaTile on Tensor Cores, FmaTile on CUDA cores.
#pragma once

#include <cstdint>

#include "golden/cuda/kernels/elements.cuh"

namespace assay::golden::cuda::kernels {

constexpr int kTile = 64, kLine = 64, kChunk = 16;  // rows and columns; bytes along k
constexpr int kPitch = kLine + kChunk;              // a row in shared memory: no bank conflicts between rows
constexpr int kMultiplyThreads = 128;
constexpr int kStage = 2 * kTile * kPitch;
constexpr int kMultiplyShared = 2 * kStage;

// 16 bytes along k: the first `bytes` lie at `from`, the rest are zeros.
struct Chunk {
  const unsigned char* from;
  int bytes;
};

// Matrices of `count` lines of `line` bytes each.
struct Rows {
  const unsigned char* data;
  std::int64_t pitch, matrix;  // bytes from line to line, from matrix to matrix
  int count, line;

  __device__ Chunk chunk(int number, int row, int at) const {
    if (row >= count || at >= line) return {data, 0};
    return {data + number * matrix + row * pitch + at, line - at < kChunk ? line - at : kChunk};
  }
};

// x as [batch][d][h][w][group][channel bytes], a multiple of 16; a row is an output position, k is (tap,
// channel).
struct Im2col {
  struct Axis {
    int in, out, kernel, stride, dilation, pad;
  };
  const unsigned char* data;
  int positions, groups, channels;  // channels: bytes of one group
  Axis axes[3];

  __device__ Chunk chunk(int group, int row, int at) const {
    const Chunk border{data, 0};
    if (row >= positions) return border;
    int position = row, tap = at / channels;
    std::int64_t offset = group * channels + at % channels;
    std::int64_t stride = static_cast<std::int64_t>(groups) * channels;
    for (int d = 2; d >= 0; --d) {
      const Axis& axis = axes[d];
      const int i = position % axis.out * axis.stride + tap % axis.kernel * axis.dilation - axis.pad;
      if (i < 0 || i >= axis.in) return border;
      offset += i * stride;
      stride *= axis.in;
      position /= axis.out;
      tap /= axis.kernel;
    }
    if (tap > 0) return border;  // beyond the last tap
    return {data + offset + position * stride, kChunk};
  }
};

template <typename Sum>
struct Result {
  Sum* data;
  std::int64_t pitch, matrix;  // elements from row to row, from matrix to matrix
  int rows, cols;
};

// Products of one warp's fragments into its sums: chained in the Tensor Core, or what it made of one
// instruction's products added by one rounded addition, so that its truncated additions do not pile up over k
// (error_of_sums, golden/cuda/operands.cpp). Of integers either is exact.
#define ASSAY_MMA_KIND(NAME, INSTRUCTION, SUM)                                                            \
  template <bool kChained>                                                                                \
  struct NAME {                                                                                           \
    using Sum = SUM;                                                                                      \
    __device__ static void add(Sum (&sum)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) { \
      if (kChained) return INSTRUCTION(sum, a, b);                                                        \
      Sum products[4] = {};                                                                               \
      INSTRUCTION(products, a, b);                                                                        \
      for (int i = 0; i < 4; ++i) sum[i] += products[i];                                                  \
    }                                                                                                     \
  };
ASSAY_MMA_KIND(MmaF16, mma_f16, float)
ASSAY_MMA_KIND(MmaBf16, mma_bf16, float)
ASSAY_MMA_KIND(MmaE4m3, mma_e4m3, float)
ASSAY_MMA_KIND(MmaE5m2, mma_e5m2, float)
ASSAY_MMA_KIND(MmaS8S8, mma_s8_s8, std::int32_t)
ASSAY_MMA_KIND(MmaS8U8, mma_s8_u8, std::int32_t)
ASSAY_MMA_KIND(MmaU8S8, mma_u8_s8, std::int32_t)
ASSAY_MMA_KIND(MmaU8U8, mma_u8_u8, std::int32_t)
#undef ASSAY_MMA_KIND

// 2 x 2 warps, each 32 x 32 as 2 x 4 fragments of 16 x 8. In bytes, elements of one and two bytes lie alike.
template <typename Kind>
struct MmaTile {
  using Sum = typename Kind::Sum;

  __device__ void multiply(const unsigned char* a, const unsigned char* b) {
    for (int k = 4 * (lane() % 4); k < kLine; k += 32) {
      std::uint32_t left[2][4], right[4][2];
      for (int i = 0; i < 2; ++i)
        for (int r = 0; r < 4; ++r)
          left[i][r] = load_shared<std::uint32_t>(
              a + (first_row() + 16 * i + lane() / 4 + r % 2 * 8) * kPitch + k + r / 2 * 16);
      for (int j = 0; j < 4; ++j)
        for (int r = 0; r < 2; ++r)
          right[j][r] =
              load_shared<std::uint32_t>(b + (first_col() + 8 * j + lane() / 4) * kPitch + k + r * 16);
      for (int i = 0; i < 2; ++i)
        for (int j = 0; j < 4; ++j) Kind::add(sums[i][j], left[i], right[j]);
    }
  }

  // action(row, column, sum) for each sum that this thread holds.
  template <typename Action>
  __device__ void each(Action action) const {
    for (int i = 0; i < 2; ++i)
      for (int j = 0; j < 4; ++j)
        for (int c = 0; c < 4; ++c)
          action(first_row() + 16 * i + lane() / 4 + c / 2 * 8, first_col() + 8 * j + lane() % 4 * 2 + c % 2,
                 sums[i][j][c]);
  }

  __device__ static int lane() { return threadIdx.x % 32; }
  __device__ static int first_row() { return threadIdx.x / 64 * 32; }
  __device__ static int first_col() { return threadIdx.x / 32 % 2 * 32; }

  Sum sums[2][4][4] = {};
};

// A thread holds 8 x 4 sums, rows 8 and columns 16 apart, each one chain of fused multiply-adds in ascending
// k. The bound allows products and sums that round apart as well; fmaf says which it is, and both compilers
// contract nothing.
template <typename A, typename B>
struct FmaTile {
  using Sum = float;

  __device__ void multiply(const unsigned char* a, const unsigned char* b) {
    for (int k = 0; k < kLine / static_cast<int>(sizeof(A)); ++k) {
      float left[8], right[4];
      for (int i = 0; i < 8; ++i)
        left[i] = to_float(load_shared<A>(a + (row() + 8 * i) * kPitch + k * sizeof(A)));
      for (int j = 0; j < 4; ++j)
        right[j] = to_float(load_shared<B>(b + (col() + 16 * j) * kPitch + k * sizeof(B)));
      for (int i = 0; i < 8; ++i)
        for (int j = 0; j < 4; ++j) sums[i][j] = fmaf(left[i], right[j], sums[i][j]);
    }
  }

  template <typename Action>
  __device__ void each(Action action) const {
    for (int i = 0; i < 8; ++i)
      for (int j = 0; j < 4; ++j) action(row() + 8 * i, col() + 16 * j, sums[i][j]);
  }

  __device__ static int row() { return threadIdx.x / 16; }
  __device__ static int col() { return threadIdx.x % 16; }

  float sums[8][4] = {};
};

// Starts the copies of both operands' lines [at, at + kLine).
template <typename Source>
__device__ void stage(const Source& a, const Rows& b, int number, int row, int col, int at,
                      unsigned char* shared) {
  constexpr int kChunks = kLine / kChunk;
  for (int i = threadIdx.x; i < kTile * kChunks; i += kMultiplyThreads) {
    const int line = i / kChunks, byte = i % kChunks * kChunk;
    const Chunk left = a.chunk(number, row + line, at + byte);
    const Chunk right = b.chunk(number, col + line, at + byte);
    copy_async(shared + line * kPitch + byte, left.from, left.bytes);
    copy_async(shared + (kTile + line) * kPitch + byte, right.from, right.bytes);
  }
  commit_copies();
}

// Grid: tiles of rows, tiles of columns, matrices (groups). A and B have the same length along k.
template <typename Tile, typename Source>
__global__ void __launch_bounds__(kMultiplyThreads)
    multiply(const Source a, const Rows b, const Result<typename Tile::Sum> y) {
  unsigned char* shared = shared_memory();
  const int row = blockIdx.x * kTile, col = blockIdx.y * kTile, number = blockIdx.z;
  Tile tile;
  stage(a, b, number, row, col, 0, shared);
  for (int at = 0, now = 0; at < b.line; at += kLine, now = kStage - now) {
    stage(a, b, number, row, col, at + kLine, shared + kStage - now);  // beyond the end: zeros
    wait_copies<1>();
    barrier();  // every thread's copies are there
    tile.multiply(shared + now, shared + now + kTile * kPitch);
    barrier();  // before the next but one overwrites them
  }
  tile.each([&](int i, int j, typename Tile::Sum sum) {
    if (row + i < y.rows && col + j < y.cols)
      store_global(y.data + number * y.matrix + (row + i) * y.pitch + col + j, sum);
  });
}

}  // namespace assay::golden::cuda::kernels
