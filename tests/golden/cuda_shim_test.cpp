// The host shim itself: what it calls a fault, its Tensor Core products against plain loops, element by
// element, and that the kernels' own conversions give every value of every format.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "golden/cuda/kernels/elements.cuh"
#include "golden/formats.hpp"

namespace assay::golden::cuda {
namespace {

using kernels::load_shared;
using kernels::store_shared;

// A block of 64 threads with 1 KiB of shared memory.
void run(const std::function<void()>& thread) { shim::run_grid({}, {64, 1, 1}, 1024, thread); }

std::string fault_of(const std::function<void()>& thread) {
  try {
    run(thread);
  } catch (const shim::Fault& fault) {
    return fault.what();
  }
  return "none";
}

float* shared(unsigned i) { return reinterpret_cast<float*>(shim::shared_memory()) + i; }

TEST(CudaShim, ABarrierOrdersThreads) {
  std::vector<float> seen(64);
  run([&] {
    store_shared(shared(threadIdx.x), static_cast<float>(threadIdx.x));
    shim::barrier();
    seen[threadIdx.x] = load_shared<float>(shared((threadIdx.x + 40) % 64));
  });
  for (std::size_t i = 0; i < 64; ++i) EXPECT_EQ(seen[i], static_cast<float>((i + 40) % 64));
}

TEST(CudaShim, FaultsOfSharedMemory) {
  const auto own = [] { return shared(threadIdx.x); };
  EXPECT_EQ(fault_of([&] { load_shared<float>(own()); }),
            "block (0, 0, 0) thread 0: shared memory at 0: read, but never written");
  EXPECT_EQ(fault_of([&] { store_shared(shared(256), 1.0F); }),
            "block (0, 0, 0) thread 0: 4 bytes at 1024 of 1024 bytes of shared memory");
  EXPECT_EQ(fault_of([&] {
              store_shared(own(), 1.0F);
              if (threadIdx.x == 5) load_shared<float>(shared(4));
            }),
            "block (0, 0, 0) thread 5: shared memory at 16: no barrier since thread 4 wrote it");
  EXPECT_EQ(fault_of([&] {
              store_shared(own(), 1.0F);
              shim::barrier();
              load_shared<float>(own());
              if (threadIdx.x == 5) store_shared(shared(4), 1.0F);
            }),
            "block (0, 0, 0) thread 5: shared memory at 16: no barrier since thread 4 read it");
}

TEST(CudaShim, FaultsOfBarriersAndWarps) {
  EXPECT_EQ(fault_of([] {
              if (threadIdx.x < 60) shim::barrier();
            }),
            "block (0, 0, 0): 60 of 64 threads at a barrier, 0 in a warp's operation, 4 at their end");
  EXPECT_EQ(fault_of([] {
              if (threadIdx.x != 3) kernels::shuffle_xor(1, 1);
            }),
            "block (0, 0, 0): 0 of 64 threads at a barrier, 31 in a warp's operation, 33 at their end");
}

TEST(CudaShim, FaultsOfGlobalMemory) {
  auto* buffer = static_cast<float*>(shim::allocate(10 * sizeof(float)));
  EXPECT_EQ(fault_of([&] { kernels::load_global(buffer + 9); }), "none");
  EXPECT_EQ(fault_of([&] { kernels::load_global(buffer + 10); }),
            "block (0, 0, 0) thread 0: a read of 4 bytes at 40 of a buffer of 40");
  EXPECT_EQ(fault_of([&] { kernels::store_global(buffer + 10, 1.0F); }),
            "block (0, 0, 0) thread 0: a write of 4 bytes at 40 of a buffer of 40");
  EXPECT_EQ(fault_of([&] { shim::copy_async(shim::shared_memory() + 16 * threadIdx.x, buffer + 8, 16); }),
            "block (0, 0, 0) thread 0: an asynchronous copy of 16 bytes at 32 of a buffer of 40");
  shim::release(buffer);
}

TEST(CudaShim, ACopyLandsWhenItIsWaitedFor) {
  auto* buffer = static_cast<unsigned char*>(shim::allocate(16 * 64));
  const auto copy = [&](int bytes) {
    shim::copy_async(shim::shared_memory() + 16 * threadIdx.x, buffer + 16 * threadIdx.x, bytes);
    shim::commit_copies();
  };
  EXPECT_EQ(fault_of([&] {
              copy(16);
              load_shared<float>(shared(4 * threadIdx.x));
            }),
            "block (0, 0, 0) thread 0: shared memory at 0: a copy to it is on its way");
  std::vector<std::uint32_t> words(64);
  run([&] {
    copy(6);
    kernels::wait_copies<0>();
    words[threadIdx.x] = load_shared<std::uint32_t>(shared(4 * threadIdx.x + 1));
  });
  for (const std::uint32_t word : words)
    EXPECT_EQ(word, 0x0000FFFFU);  // buffers begin as ones; the rest is zeros
  shim::release(buffer);
}

TEST(CudaShim, AFaultLeavesTheNextLaunchUnharmed) {
  EXPECT_NE(fault_of([] { load_shared<float>(shared(0)); }), "none");
  EXPECT_EQ(fault_of([] { shim::barrier(); }), "none");
}

// One instruction on integers: D = A B + C, the fragments filled by the tables of the PTX ISA in their own
// words.
template <typename Bits, typename Encode, typename Mma>
void expect_product(int depth, Encode encode, Mma mma) {
  const auto a = [](int row, int k) { return (row * 7 + k * 3) % 5 - 2; };
  const auto b = [](int k, int col) { return (k * 5 + col * 11) % 7 - 3; };
  const auto c = [](int row, int col) { return row * 8 + col; };
  shim::run_grid({}, {32, 1, 1}, 0, [&] {
    const int lane = static_cast<int>(threadIdx.x), group = lane >> 2, in_group = lane % 4;
    const int packed = 4 / static_cast<int>(sizeof(Bits));
    std::uint32_t left[4] = {}, right[2] = {};
    for (int i = 0; i < 4 * packed; ++i) {  // a_i
      const int word = i / packed, row = word % 2 == 0 ? group : group + 8;
      const int k = in_group * packed + i % packed + (word < 2 ? 0 : depth / 2);
      left[word] |= std::uint32_t{encode(a(row, k))} << (8 * static_cast<int>(sizeof(Bits)) * (i % packed));
    }
    for (int i = 0; i < 2 * packed; ++i) {  // b_i
      const int word = i / packed, k = in_group * packed + i % packed + word * depth / 2;
      right[word] |= std::uint32_t{encode(b(k, group))}
                     << (8 * static_cast<int>(sizeof(Bits)) * (i % packed));
    }
    const int rows[]{group, group, group + 8, group + 8};
    const int cols[]{2 * in_group, 2 * in_group + 1, 2 * in_group, 2 * in_group + 1};
    mma(
        left, right, [&](int i) { return c(rows[i], cols[i]); },
        [&](int i, double got) {
          double want = c(rows[i], cols[i]);
          for (int k = 0; k < depth; ++k) want += a(rows[i], k) * b(k, cols[i]);
          EXPECT_EQ(got, want) << "lane " << lane << " c" << i;
        });
  });
}

template <typename Sum>
auto through(void (*instruction)(Sum (&)[4], const std::uint32_t (&)[4], const std::uint32_t (&)[2])) {
  return [instruction](auto& a, auto& b, auto start, auto expect) {
    Sum d[4];
    for (int i = 0; i < 4; ++i) d[i] = static_cast<Sum>(start(i));
    instruction(d, a, b);
    for (int i = 0; i < 4; ++i) expect(i, static_cast<double>(d[i]));
  };
}

TEST(CudaShim, TensorCoreProducts) {
  const auto as = [](DType type) {
    return [type](int value) { return static_cast<std::uint32_t>(encode(type, value)); };
  };
  expect_product<std::uint16_t>(16, as(DType::f16), through(kernels::mma_f16));
  expect_product<std::uint16_t>(16, as(DType::bf16), through(kernels::mma_bf16));
  expect_product<std::uint8_t>(32, as(DType::e4m3), through(kernels::mma_e4m3));
  expect_product<std::uint8_t>(32, as(DType::e5m2), through(kernels::mma_e5m2));
  expect_product<std::uint8_t>(32, as(DType::s8), through(kernels::mma_s8_s8));
}

TEST(CudaShim, EveryElementHasItsValue) {
  const auto same = [](float got, double want) {
    return std::isnan(want) ? std::isnan(got) : double{got} == want;
  };
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    EXPECT_TRUE(same(kernels::to_float(kernels::F16{half}), decode(DType::f16, bits))) << bits;
    EXPECT_TRUE(same(kernels::to_float(kernels::Bf16{half}), decode(DType::bf16, bits))) << bits;
    if (bits > 255) continue;
    const auto byte = static_cast<std::uint8_t>(bits);
    EXPECT_TRUE(same(kernels::to_float(kernels::E4m3{byte}), decode(DType::e4m3, bits))) << bits;
    EXPECT_TRUE(same(kernels::to_float(kernels::E5m2{byte}), decode(DType::e5m2, bits))) << bits;
    EXPECT_TRUE(same(static_cast<float>(shim::decoded(bits, 4, 3, false)), decode(DType::e4m3, bits)))
        << bits;
    EXPECT_TRUE(same(static_cast<float>(shim::decoded(bits, 5, 2, true)), decode(DType::e5m2, bits))) << bits;
  }
}

}  // namespace
}  // namespace assay::golden::cuda
