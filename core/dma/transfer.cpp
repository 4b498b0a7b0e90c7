#include "core/dma/transfer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

namespace assay::core {
namespace {

// The lowest and highest address of any run, from the first one's: a stride is any 64-bit number.
struct Span {
  explicit Span(std::int64_t first) : low(first), high(first) {}
  std::int64_t low, high;
  bool overflows = false;
  void add(std::uint64_t count, std::int64_t stride) { add(0, static_cast<std::int64_t>(count - 1), stride); }
  // Steps first .. last, not below 0.
  void add(std::int64_t first, std::int64_t last, std::int64_t stride) {
    std::int64_t from = 0, to = 0;
    overflows = __builtin_mul_overflow(first, stride, &from) || overflows;
    overflows = __builtin_mul_overflow(last, stride, &to) || overflows;
    overflows = __builtin_add_overflow(low, std::min(from, to), &low) || overflows;
    overflows = __builtin_add_overflow(high, std::max(from, to), &high) || overflows;
  }
};

constexpr double kMaxBytes = 4294967296.0;  // on the local side, padding included

template <typename Visit>
void for_each_index(const std::array<std::uint64_t, kDmaDims>& count, Visit visit) {
  std::array<std::uint64_t, kDmaDims> i{};
  for (i[3] = 0; i[3] < count[3]; ++i[3])
    for (i[2] = 0; i[2] < count[2]; ++i[2])
      for (i[1] = 0; i[1] < count[1]; ++i[1])
        for (i[0] = 0; i[0] < count[0]; ++i[0]) visit(i);
}

std::int64_t offset_of(const std::array<std::uint64_t, kDmaDims>& i,
                       const std::array<std::int64_t, kDmaDims>& stride) {
  std::int64_t offset = 0;
  for (std::size_t d = 0; d < kDmaDims; ++d) offset += static_cast<std::int64_t>(i[d]) * stride[d];
  return offset;
}

// The local extents with padding, and where the valid part starts.
std::array<std::uint64_t, kDmaDims> padded_count(const Transfer& t) {
  std::array<std::uint64_t, kDmaDims> count{};
  for (std::size_t d = 0; d < kDmaDims; ++d) count[d] = t.pad_before[d] + t.count[d] + t.pad_after[d];
  return count;
}

std::uint64_t padded_run(const Transfer& t) { return t.run_pad_before + t.run_bytes + t.run_pad_after; }

// The local runs, padding included.
Span local_reach(const Transfer& t) {
  Span reach(0);
  const auto extents = padded_count(t);
  for (std::size_t d = 0; d < kDmaDims; ++d) reach.add(extents[d], t.local_stride[d]);
  return reach;
}

std::int64_t valid_start(const Transfer& t) {
  return offset_of(t.pad_before, t.local_stride) + static_cast<std::int64_t>(t.run_pad_before);
}

// Runs that lie one behind the other in HBM: those of the first `dims` dimensions.
struct Stretch {
  std::size_t dims = 0;
  std::uint64_t bytes = 0;
};
Stretch stretch_of(const Transfer& t) {
  Stretch s{0, t.run_bytes};
  const std::size_t most = t.index.empty() ? kDmaDims : kDmaDims - 1;  // a gather's steps lie anywhere
  for (; s.dims < most; ++s.dims) {
    const std::uint64_t count = t.count[s.dims];
    if (count == 0 || (count > 1 && t.hbm_stride[s.dims] != static_cast<std::int64_t>(s.bytes))) break;
    s.bytes *= count;
  }
  return s.bytes == t.run_bytes ? Stretch{0, t.run_bytes} : s;
}

void fill_padding(const Transfer& t, std::byte* local) {
  const std::uint64_t run = padded_run(t);
  std::vector<std::byte> pattern(run);
  for (std::uint64_t i = 0; i < run; ++i)
    pattern[i] = static_cast<std::byte>(t.fill >> (8 * (i % t.fill_bytes)));
  for_each_index(padded_count(t), [&](const auto& i) {
    std::memcpy(local + offset_of(i, t.local_stride), pattern.data(), run);
  });
}

}  // namespace

bool Transfer::padded() const {
  std::uint64_t sum = run_pad_before + run_pad_after;
  for (std::size_t d = 0; d < kDmaDims; ++d) sum += pad_before[d] + pad_after[d];
  return sum > 0;
}

std::uint64_t Transfer::hbm_offset_of(const std::array<std::uint64_t, kDmaDims>& step) const {
  if (index.empty()) return hbm_offset + static_cast<std::uint64_t>(offset_of(step, hbm_stride));
  auto placed = step;
  placed[3] = static_cast<std::uint64_t>(index[step[3]]);
  return hbm_offset + static_cast<std::uint64_t>(offset_of(placed, hbm_stride));
}

std::vector<std::int32_t> read_index(const isa::DmaCommand& c, const memory::LocalMemory& local) {
  std::vector<std::int32_t> index(c.count4, 0);
  if (local.has_values()) std::memcpy(index.data(), local.at(c.index_addr), index.size() * sizeof index[0]);
  return index;
}

std::string check_gather(const isa::DmaCommand& c, const memory::LocalMemory& local) {
  if (!c.gather) return {};
  if (c.instruction == isa::Instruction::dma_out) return "dma.out does not gather";
  if (c.index_addr.is_acc()) return "the index list lies in ACC; a gather reads it from SPM";
  if (std::string problem = local.check({c.index_addr, 1, std::uint64_t{c.count4} * 4, 0}); !problem.empty())
    return "the index list: " + problem;
  const std::vector<std::int32_t> index = read_index(c, local);
  for (std::size_t i = 0; i < index.size(); ++i)
    if (index[i] < 0 || static_cast<std::uint32_t>(index[i]) >= c.index_limit)
      return fmt::format("index {} of its list is {}, not in 0..{}", i, index[i],
                         std::int64_t{c.index_limit} - 1);
  return {};
}

Transfer make_transfer(const isa::DmaCommand& c, bool to_hbm, std::vector<std::int32_t> index) {
  Transfer t;
  t.index = std::move(index);
  t.to_hbm = to_hbm;
  t.hbm_offset = c.hbm_addr.raw() - ASSAY_HBM_BASE;  // wraps below it, and then lies outside
  t.local = c.local_addr;
  t.run_bytes = c.run_bytes;
  t.count = {c.count1, c.count2, c.count3, c.count4};
  t.hbm_stride = {c.hbm_stride1, c.hbm_stride2, c.hbm_stride3, c.hbm_stride4};
  t.local_stride = {c.local_stride1, c.local_stride2, c.local_stride3, c.local_stride4};
  t.pad_before = {c.pad_before1, c.pad_before2, c.pad_before3, c.pad_before4};
  t.pad_after = {c.pad_after1, c.pad_after2, c.pad_after3, c.pad_after4};
  const std::uint64_t pattern =
      std::max<std::uint64_t>(c.fill_bytes, 1);  // padding of no bytes is refused later
  t.run_pad_before = c.pad_before0 * pattern;
  t.run_pad_after = c.pad_after0 * pattern;
  t.fill = c.fill;
  t.fill_bytes = c.fill_bytes;
  return t;
}

std::string check(const Transfer& t, const memory::LocalMemory& local, const memory::HbmStorage& hbm) {
  if (t.padded() && t.to_hbm) return "dma.out has no padding";
  if (t.padded() && t.fill_bytes != 1 && t.fill_bytes != 2 && t.fill_bytes != 4)
    return fmt::format("fill_bytes is {}; padding needs 1, 2 or 4", t.fill_bytes);
  if (t.padded() && t.run_bytes % t.fill_bytes != 0)
    return fmt::format("run_bytes = {} is no multiple of fill_bytes = {}", t.run_bytes, t.fill_bytes);
  const auto extents = padded_count(t);
  const std::uint64_t run = padded_run(t);
  double total = static_cast<double>(run);
  for (const std::uint64_t extent : extents) total *= static_cast<double>(extent);
  if (total > kMaxBytes) return fmt::format("{:g} bytes; a transfer moves at most {:g}", total, kMaxBytes);
  Span far(static_cast<std::int64_t>(t.hbm_offset));
  for (std::size_t d = 0; d < kDmaDims; ++d) {
    if (d < 3 || t.index.empty()) {
      far.add(t.count[d], t.hbm_stride[d]);
      continue;
    }
    const auto [first, last] = std::minmax_element(t.index.begin(), t.index.end());
    far.add(*first, *last, t.hbm_stride[d]);
  }
  if (far.overflows) return "the HBM strides reach beyond 64-bit addresses";
  if (far.low < 0 || !hbm.contains(static_cast<std::uint64_t>(far.high), t.run_bytes))
    return fmt::format("bytes {:#x}..{:#x} lie outside HBM", far.low,
                       static_cast<std::int64_t>(static_cast<std::uint64_t>(far.high) + t.run_bytes - 1));
  const Span near = local_reach(t);
  const std::string low_end = local.check({t.local, 2, run, near.low});
  return low_end.empty() ? local.check({t.local, 2, run, near.high}) : low_end;
}

namespace {

constexpr std::uint64_t kShortRun = 256;  // bytes: these are moved a stretch of HBM at a time

// Copies the local runs of one stretch of HBM, dimensions 0 .. dims - 1, from or to `stretch`.
void copy_runs(const Transfer& t, std::size_t dims, std::byte* near, std::byte* stretch) {
  std::array<std::uint64_t, kDmaDims> i{};
  const std::uint64_t inner = t.count[0];
  const std::int64_t step = t.local_stride[0];
  for (;;) {
    std::byte* place = near + offset_of(i, t.local_stride);
    const auto copy = [&](auto bytes) {
      for (std::uint64_t r = 0; r < inner; ++r, place += step, stretch += bytes) {
        if (t.to_hbm) std::memcpy(stretch, place, bytes);
        else std::memcpy(place, stretch, bytes);
      }
    };
    switch (t.run_bytes) {  // single elements, of a transposition, come in their thousands
      case 1: copy(std::integral_constant<std::size_t, 1>{}); break;
      case 2: copy(std::integral_constant<std::size_t, 2>{}); break;
      case 4: copy(std::integral_constant<std::size_t, 4>{}); break;
      default: copy(static_cast<std::size_t>(t.run_bytes)); break;
    }
    std::size_t d = 1;
    while (d < dims && ++i[d] == t.count[d]) i[d++] = 0;
    if (d >= dims) return;
  }
}

}  // namespace

void move_values(const Transfer& t, memory::LocalMemory& local, memory::HbmStorage& hbm) {
  const Span reach = local_reach(t);
  local.writable({t.local, 2, padded_run(t), reach.low});
  std::byte* near = local.writable({t.local, 2, padded_run(t), reach.high});
  if (t.padded()) fill_padding(t, near);
  near += valid_start(t);
  const Stretch stretch = t.run_bytes < kShortRun ? stretch_of(t) : Stretch{0, t.run_bytes};
  std::vector<std::byte> buffer(stretch.dims > 0 ? stretch.bytes : 0);
  auto outer = t.count;
  std::fill_n(outer.begin(), stretch.dims, 1);
  for_each_index(outer, [&](const auto& i) {
    const std::uint64_t far = t.hbm_offset_of(i);
    std::byte* place = near + offset_of(i, t.local_stride);
    std::byte* values = stretch.dims > 0 ? buffer.data() : place;
    if (!t.to_hbm) hbm.read(far, values, stretch.bytes);
    if (stretch.dims > 0) copy_runs(t, stretch.dims, place, values);
    if (t.to_hbm) hbm.write(far, values, stretch.bytes);
  });
}

bool covers(const Transfer& t, std::uint64_t offset, isa::LocalAddr& local) {
  bool found = false;
  for_each_index(t.count, [&](const auto& i) {
    const std::uint64_t far = t.hbm_offset_of(i);
    if (offset < far || offset - far >= t.run_bytes) return;
    found = true;
    const std::int64_t delta =
        valid_start(t) + offset_of(i, t.local_stride) + static_cast<std::int64_t>(offset - far);
    local = isa::LocalAddr(t.local.raw() + static_cast<std::uint32_t>(delta));
  });
  return found;
}

RequestWalk::RequestWalk(const Transfer& transfer, std::uint32_t granule)
    : transfer_(transfer), granule_(granule) {
  const Stretch stretch = stretch_of(transfer);
  joined_ = stretch.dims;
  run_bytes_ = stretch.bytes;
}

// Takes the next run into pending_.
bool RequestWalk::next_run() {
  if (!more_runs_) return false;
  pending_ = transfer_.hbm_offset_of(index_);
  has_pending_ = true;
  std::size_t d = joined_;
  while (d < kDmaDims && ++index_[d] == transfer_.count[d]) index_[d++] = 0;
  more_runs_ = d < kDmaDims;
  return true;
}

bool RequestWalk::next(Request& request) {
  if (at_ == end_) {
    if (!has_pending_ && !next_run()) return false;
    at_ = pending_;
    end_ = at_ + run_bytes_;
    has_pending_ = false;
  }
  // Join runs that continue where this one ends, as long as the request can still grow.
  const std::uint64_t boundary = (at_ / granule_ + 1) * granule_.number();
  while (end_ < boundary && (has_pending_ || next_run()) && pending_ == end_) {
    end_ += run_bytes_;
    has_pending_ = false;
  }
  const std::uint64_t stop = std::min(end_, boundary);
  request = {at_, static_cast<std::uint32_t>(stop - at_)};
  at_ = stop;
  return true;
}

}  // namespace assay::core
