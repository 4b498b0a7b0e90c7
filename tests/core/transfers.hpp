// Random DMA transfers in small memories, and the list of all their bytes, one at a time.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "core/dma/transfer.hpp"

namespace assay::test {

constexpr std::uint64_t kHbmBytes = 4096;

inline Machine small_machine() {
  Machine machine;
  machine.spm = {8, 4, 16};
  machine.acc = {4, 4, 16};
  return machine;
}

struct MovedByte {
  std::uint64_t hbm;    // offset
  std::uint64_t local;  // offset in its memory
};

// Calls visit(i) for every index of a 4-D loop nest, dimension 1 fastest.
template <typename Visit>
void for_all(const std::array<std::uint64_t, 4>& extent, Visit visit) {
  const std::uint64_t total = extent[0] * extent[1] * extent[2] * extent[3];
  for (std::uint64_t n = 0; n < total; ++n) {
    std::array<std::uint64_t, 4> i{};
    std::uint64_t rest = n;
    for (std::size_t d = 0; d < 4; ++d) {
      i[d] = rest % extent[d];
      rest /= extent[d];
    }
    visit(i);
  }
}

// The valid bytes in the order of the transfer.
inline std::vector<MovedByte> moved_bytes(const core::Transfer& t) {
  std::vector<MovedByte> bytes;
  for_all(t.count, [&](const std::array<std::uint64_t, 4>& i) {
    for (std::uint64_t b = 0; b < t.run_bytes; ++b) {
      std::uint64_t far = t.hbm_offset + b, near = t.local.offset() + t.run_pad_before + b;
      for (std::size_t d = 0; d < 4; ++d) {
        const std::uint64_t step =
            d == 3 && !t.index.empty() ? static_cast<std::uint64_t>(t.index[i[d]]) : i[d];
        far += step * static_cast<std::uint64_t>(t.hbm_stride[d]);
        near += (i[d] + t.pad_before[d]) * static_cast<std::uint64_t>(t.local_stride[d]);
      }
      bytes.push_back({far, near});
    }
  });
  return bytes;
}

// A command that check() accepts (with the memories above): any strides, padding if `padded`. Some of the
// transfers gather, by lists with repetitions.
class RandomTransfers {
 public:
  explicit RandomTransfers(std::uint64_t seed) : random_(seed) {}

  core::Transfer next(bool to_hbm, bool padded, const memory::LocalMemory& local,
                      const memory::HbmStorage& hbm) {
    const isa::DmaCommand c = next_command(to_hbm, padded, local, hbm);
    core::Transfer t = core::make_transfer(c, to_hbm);
    for (int tries = to_hbm || below(2) != 0 ? 0 : 20; tries > 0; --tries) {
      t.index.clear();
      for (std::uint64_t i = 0; i < t.count[3]; ++i) t.index.push_back(static_cast<std::int32_t>(below(5)));
      if (core::check(t, local, hbm).empty()) return t;
    }
    t.index.clear();
    return t;
  }
  isa::DmaCommand next_command(bool to_hbm, bool padded, const memory::LocalMemory& local,
                               const memory::HbmStorage& hbm) {
    for (;;) {
      isa::DmaCommand c = command(padded);
      c.instruction = to_hbm ? isa::Instruction::dma_out : isa::Instruction::dma_in;
      if (core::check(core::make_transfer(c, to_hbm), local, hbm).empty()) return c;
    }
  }

  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

 private:
  std::int64_t stride(std::int64_t natural) {
    switch (below(4)) {
      case 0: return natural;
      case 1: return -natural;
      case 2: return static_cast<std::int64_t>(below(300));
      default: return static_cast<std::int64_t>(below(600)) - 300;
    }
  }

  isa::DmaCommand command(bool padded) {
    isa::DmaCommand c{};
    const std::uint32_t pattern = padded ? 1u << below(3) : 0;
    c.fill_bytes = static_cast<decltype(c.fill_bytes)>(pattern);
    c.fill = static_cast<std::uint32_t>(random_());
    c.hbm_addr = isa::HbmAddr(ASSAY_HBM_BASE + below(kHbmBytes));
    c.local_addr =
        isa::LocalAddr(static_cast<std::uint32_t>(below(4096)) | (below(2) != 0 ? ASSAY_LOCAL_ACC : 0));
    c.run_bytes = static_cast<std::uint32_t>(1 + below(20)) * std::max(pattern, 1u);
    const auto extent = [&] { return static_cast<std::uint32_t>(1 + below(below(2) != 0 ? 4 : 2)); };
    const auto pad = [&] { return static_cast<std::uint16_t>(padded && below(3) == 0 ? below(4) : 0); };
    c.count1 = extent();
    c.count2 = extent();
    c.count3 = extent();
    c.count4 = extent();
    c.pad_before0 = pad(), c.pad_after0 = pad();
    c.pad_before1 = pad(), c.pad_after1 = pad();
    c.pad_before2 = pad(), c.pad_after2 = pad();
    c.pad_before3 = pad(), c.pad_after3 = pad();
    c.pad_before4 = pad(), c.pad_after4 = pad();
    c.hbm_stride1 = stride(c.run_bytes);
    c.hbm_stride2 = stride(c.hbm_stride1 * c.count1);
    c.hbm_stride3 = stride(c.hbm_stride2 * c.count2);
    c.hbm_stride4 = stride(c.hbm_stride3 * c.count3);
    c.local_stride1 =
        static_cast<std::int32_t>(stride(c.run_bytes + (c.pad_before0 + c.pad_after0) * pattern));
    c.local_stride2 =
        static_cast<std::int32_t>(stride(c.local_stride1 * (c.count1 + c.pad_before1 + c.pad_after1)));
    c.local_stride3 =
        static_cast<std::int32_t>(stride(c.local_stride2 * (c.count2 + c.pad_before2 + c.pad_after2)));
    c.local_stride4 =
        static_cast<std::int32_t>(stride(c.local_stride3 * (c.count3 + c.pad_before3 + c.pad_after3)));
    return c;
  }

  std::mt19937_64 random_;
};

}  // namespace assay::test
