#include <fmt/format.h>

#include <array>
#include <optional>

#include "golden/machine/commands.hpp"
#include "isa/abi.h"

namespace assay::golden::machine {
namespace {

constexpr std::size_t kDims = 4;
using Index = std::array<std::int64_t, kDims>;

// Sums and products of any 64-bit strides, exactly.
__extension__ using Wide = __int128;

struct Shape {
  Index count, hbm_stride, local_stride, before, after;
  std::int64_t run, run_before, run_after;  // bytes
};

Shape shape_of(const isa::DmaCommand& c) {
  const std::int64_t pattern = c.fill_bytes == 0 ? 1 : c.fill_bytes;
  return {{c.count1, c.count2, c.count3, c.count4},
          {c.hbm_stride1, c.hbm_stride2, c.hbm_stride3, c.hbm_stride4},
          {c.local_stride1, c.local_stride2, c.local_stride3, c.local_stride4},
          {c.pad_before1, c.pad_before2, c.pad_before3, c.pad_before4},
          {c.pad_after1, c.pad_after2, c.pad_after3, c.pad_after4},
          c.run_bytes,
          std::int64_t{c.pad_before0} * pattern,
          std::int64_t{c.pad_after0} * pattern};
}

bool padded(const isa::DmaCommand& c) {
  return (c.pad_before0 | c.pad_after0 | c.pad_before1 | c.pad_after1 | c.pad_before2 | c.pad_after2 |
          c.pad_before3 | c.pad_after3 | c.pad_before4 | c.pad_after4) != 0;
}

// Whether every run `low` .. `low + bytes - 1` of a loop nest lies in [0, capacity). `reaches`: the first and
// last step of each loop, times its stride.
struct Reach {
  Wide low = 0, high = 0;
  void loop(Wide first, Wide last, Wide stride) {
    const Wide a = first * stride, b = last * stride;
    low += a < b ? a : b;
    high += a < b ? b : a;
  }
  bool inside(Wide bytes, std::uint64_t capacity) const { return low >= 0 && high + bytes <= Wide(capacity); }
};

std::string read_indices(const isa::DmaCommand& c, Memories& memories, std::vector<std::int32_t>& index) {
  if (!c.gather) return {};
  if (c.instruction == isa::Instruction::dma_out) return "dma.out does not gather";
  const Place list = place_of(c.index_addr);
  if (list.space != Space::spm) return "the index list lies outside SPM";
  if (!memories.contains(list, std::uint64_t{c.count4} * 4)) return "the index list reaches beyond SPM";
  for (std::uint64_t i = 0; i < c.count4; ++i) {
    const auto value = static_cast<std::int32_t>(memories.load(list + static_cast<std::int64_t>(i * 4), 4));
    if (value < 0 || static_cast<std::uint32_t>(value) >= c.index_limit)
      return fmt::format("index {} of the list is {}, its limit {}", i, value, c.index_limit);
    index.push_back(value);
  }
  return {};
}

std::string refuse(const isa::DmaCommand& c, const Shape& s, const std::vector<std::int32_t>& index,
                   const Memories& memories) {
  const bool pads = padded(c);
  if (pads && c.instruction == isa::Instruction::dma_out) return "dma.out pads nothing";
  if (pads && c.fill_bytes == 0) return "padding without fill_bytes";
  if (pads && c.run_bytes % c.fill_bytes != 0) return "run_bytes is no multiple of fill_bytes";
  Reach hbm, local;
  hbm.low = hbm.high = Wide(c.hbm_addr.raw()) - Wide(ASSAY_HBM_BASE);
  local.low = local.high = c.local_addr.offset();
  double bytes = static_cast<double>(s.run_before + s.run + s.run_after);
  for (std::size_t d = 0; d < kDims; ++d) {
    const std::int64_t extent = s.before[d] + s.count[d] + s.after[d];
    bytes *= static_cast<double>(extent);
    local.loop(0, extent - 1, s.local_stride[d]);
    if (d < 3 || !c.gather) {
      hbm.loop(0, s.count[d] - 1, s.hbm_stride[d]);
      continue;
    }
    std::int64_t first = index.at(0), last = index.at(0);
    for (const std::int32_t i : index) {
      first = i < first ? i : first;
      last = i > last ? i : last;
    }
    hbm.loop(first, last, s.hbm_stride[d]);
  }
  if (bytes > 4294967296.0) return "more than 2^32 bytes";
  if (!hbm.inside(s.run, memories.of(Space::hbm).capacity())) return "it reaches beyond HBM";
  const Space space = place_of(c.local_addr).space;
  if (!local.inside(s.run_before + s.run + s.run_after, memories.of(space).capacity()))
    return fmt::format("it reaches beyond {}", to_string(space));
  return {};
}

// One run of the local side. `step` counts padding too.
void move_run(const isa::DmaCommand& c, const Shape& s, const std::vector<std::int32_t>& index,
              const Index& step, Memories& memories) {
  Place near = place_of(c.local_addr);
  Place far{Space::hbm, static_cast<std::int64_t>(c.hbm_addr.raw() - ASSAY_HBM_BASE)};
  bool valid = true;
  for (std::size_t d = 0; d < kDims; ++d) {
    near = near + step[d] * s.local_stride[d];
    const std::int64_t at = step[d] - s.before[d];
    valid = valid && at >= 0 && at < s.count[d];
    if (!valid) continue;  // padding: it is nowhere in HBM, and strides of one entry may be anything
    const bool listed = d == 3 && c.gather;
    far = far + (listed ? std::int64_t{index[static_cast<std::size_t>(at)]} : at) * s.hbm_stride[d];
  }
  std::vector<std::uint8_t> data(static_cast<std::size_t>(s.run));
  if (c.instruction == isa::Instruction::dma_out) {
    memories.read(near, data.data(), data.size());
    memories.write(far, data.data(), data.size());
    return;
  }
  std::vector<std::uint8_t> run(static_cast<std::size_t>(s.run_before + s.run + s.run_after));
  for (std::size_t i = 0; i < run.size() && c.fill_bytes != 0; ++i)
    run[i] = static_cast<std::uint8_t>(c.fill >> (8 * (i % c.fill_bytes)));
  if (valid) {
    memories.read(far, data.data(), data.size());
    for (std::size_t i = 0; i < data.size(); ++i) run[static_cast<std::size_t>(s.run_before) + i] = data[i];
  }
  memories.write(near, run.data(), run.size());
}

}  // namespace

std::string transfer(const isa::DmaCommand& c, Memories& memories) {
  std::vector<std::int32_t> index;
  if (std::string problem = read_indices(c, memories, index); !problem.empty()) return problem;
  const Shape s = shape_of(c);
  if (std::string problem = refuse(c, s, index, memories); !problem.empty()) return problem;
  Index step{};
  const auto extent = [&](std::size_t d) { return s.before[d] + s.count[d] + s.after[d]; };
  for (step[3] = 0; step[3] < extent(3); ++step[3])
    for (step[2] = 0; step[2] < extent(2); ++step[2])
      for (step[1] = 0; step[1] < extent(1); ++step[1])
        for (step[0] = 0; step[0] < extent(0); ++step[0]) move_run(c, s, index, step, memories);
  return {};
}

}  // namespace assay::golden::machine
