#include "testgen/program/random_command.hpp"

#include <algorithm>
#include <array>

#include "isa/abi.h"
#include "isa/table.hpp"

namespace assay::testgen::program {
namespace {

using isa::Engine;
using isa::Instruction;

isa::LocalAddr local(Space space, std::uint64_t offset) {
  const auto at = static_cast<std::uint32_t>(offset);
  return space == Space::acc ? isa::LocalAddr::acc(at) : isa::LocalAddr::spm(at);
}

template <typename C>
Launch launch_of(const C& command) {
  return {command.instruction, isa::pack(isa::Command(command))};
}

}  // namespace

Engine RandomCommand::any_engine() {
  const std::uint32_t draw = random_.below(20);
  return draw < 5 ? Engine::dma_in : draw < 8 ? Engine::dma_out : draw < 14 ? Engine::mxu : Engine::vxu;
}

// A legal value: ends of the range, codes, small numbers, any at all.
std::uint64_t RandomCommand::field_value(const isa::Field& f) {
  if (!f.codes.empty()) return f.codes[random_.below(static_cast<std::uint32_t>(f.codes.size()))].value;
  const std::uint64_t any = random_.next();
  if (f.kind == isa::FieldKind::Flag) return any & 1;
  const bool is_signed = f.kind == isa::FieldKind::Int;
  std::int64_t value = 0;
  switch (random_.below(5)) {
    case 0: value = f.min; break;
    case 1: return (f.max / f.align * f.align) & f.ones();
    case 2: value = static_cast<std::int64_t>(any % 16) - (is_signed ? 8 : 0); break;
    case 3: value = static_cast<std::int64_t>(any >> 40) - (is_signed ? 1 << 23 : 0); break;
    default: value = isa::sign_extend(any & f.ones(), f.width); break;
  }
  if (!is_signed) {
    const std::uint64_t u = static_cast<std::uint64_t>(value) & f.ones();
    const auto low = static_cast<std::uint64_t>(f.min);
    return (std::min(std::max(u, low), f.max) + f.align - 1) / f.align * f.align <= f.max
               ? (std::min(std::max(u, low), f.max) + f.align - 1) / f.align * f.align
               : low;
  }
  value = std::max(value, f.min);
  if (value > 0 && static_cast<std::uint64_t>(value) > f.max) value = static_cast<std::int64_t>(f.max);
  value -= value % static_cast<std::int64_t>(f.align);
  return static_cast<std::uint64_t>(value) & f.ones();
}

// Every field of every register as the table allows it, or as it is after a reset.
isa::RawCommand RandomCommand::noise(Instruction instruction) {
  const isa::InstructionInfo& in = isa::info(instruction);
  isa::RawCommand raw;
  raw.registers = isa::reset_registers(*in.engine);
  const auto registers = isa::registers_of(*in.engine);
  const std::uint32_t one_in = one_of<std::uint32_t>({2, 6, 1000});
  for (std::size_t r = 0; r < registers.size(); ++r)
    for (const isa::Field& field : registers[r].fields) {
      const bool out_of_range = isa::problem_with(field, field.extract(raw.registers[r])).has_value();
      if (out_of_range || chance(one_in))
        raw.registers[r] = field.insert(raw.registers[r], field_value(field));
    }
  return raw;
}

std::uint32_t RandomCommand::extent_up_to(std::uint32_t most) {
  if (most <= 1) return 1;
  switch (random_.below(6)) {
    case 0: return 1;
    case 1: return most;
    case 2: return std::max(1U, most - 1);
    default: return 1 + random_.below(std::min(most, 24U));
  }
}

// Lines that do not overlap: side by side, some way apart, or all in one bank.
std::int64_t RandomCommand::line_stride(Space space, std::uint64_t line, std::uint64_t element,
                                        std::uint64_t lines) {
  const Machine::LocalMemory& memory = space == Space::acc ? machine_.acc : machine_.spm;
  const std::uint64_t sweep = memory.bytes_per_cycle();
  const auto whole = [&](std::uint64_t bytes) {
    return static_cast<std::int64_t>((bytes + element - 1) / element * element);
  };
  if (chance(5)) {
    const std::uint64_t storm = (line + sweep - 1) / sweep * sweep;
    if (storm * lines <= 2048 && storm % element == 0) return static_cast<std::int64_t>(storm);
  }
  return chance(2) ? whole(line) : whole(line + element * random_.below(9));
}

// ----------------------------------------------------------------------------------------------- DMA

std::optional<Launch> RandomCommand::dma(bool out) {
  isa::DmaCommand c = std::get<isa::DmaCommand>(
      isa::generated::unpack(out ? Instruction::dma_out : Instruction::dma_in,
                             noise(out ? Instruction::dma_out : Instruction::dma_in)));
  const Space near = chance(3) ? Space::acc : Space::spm;
  c.gather = false;
  c.run_bytes = chance(4) ? 4 * extent_up_to(64) : extent_up_to(96);
  std::array<std::uint32_t, 4> count{1, 1, 1, 1};
  std::uint64_t room = (near == Space::acc ? 900 : 1800) / c.run_bytes;
  for (std::uint32_t& n : count)
    if (room > 1 && chance(2)) {
      n = 1 + random_.below(static_cast<std::uint32_t>(std::min<std::uint64_t>(room, 6)));
      room /= n;
    }
  // Padding, of dma.in alone.
  std::array<std::uint32_t, 5> before{}, after{};
  const bool padded = !out && chance(3);
  if (padded) {
    c.fill_bytes = one_of<std::uint32_t>({1, 2, 4});
    c.run_bytes = (c.run_bytes + c.fill_bytes - 1) / c.fill_bytes * c.fill_bytes;
    for (std::size_t d = 0; d < 5; ++d) {
      if (chance(3)) before[d] = random_.below(3);
      if (chance(3)) after[d] = random_.below(3);
    }
  }
  const std::uint64_t pattern = padded ? c.fill_bytes : 1;
  const std::uint64_t local_run = c.run_bytes + (before[0] + after[0]) * pattern;
  // Each side's loops in an order of its own: the written side nested, so that no byte is written twice.
  std::array<std::int64_t, 4> hbm{c.hbm_stride1, c.hbm_stride2, c.hbm_stride3, c.hbm_stride4};
  std::array<std::int64_t, 4> local_strides{c.local_stride1, c.local_stride2, c.local_stride3,
                                            c.local_stride4};
  const auto strides = [&](std::array<std::int64_t, 4>& list, const std::array<std::uint64_t, 4>& extents,
                           std::uint64_t run, bool written) {
    std::array<std::size_t, 4> order{0, 1, 2, 3};
    for (std::size_t d = 3; d > 0; --d)
      if (chance(3)) std::swap(order[d], order[random_.below(static_cast<std::uint32_t>(d + 1))]);
    Extent e{0, static_cast<std::int64_t>(run)};
    for (const std::size_t d : order) {
      if (extents[d] == 1) continue;
      std::int64_t step = static_cast<std::int64_t>(e.size() + (chance(2) ? 0 : random_.below(24)));
      if (!written && chance(4)) step = random_.below(16);
      if (chance(5)) step = -step;
      list[d] = step;
      e.loop(extents[d], step);
    }
    return e;
  };
  std::array<std::uint64_t, 4> valid{}, extents{};
  for (std::size_t d = 0; d < 4; ++d) {
    valid[d] = count[d];
    extents[d] = count[d] + before[d + 1] + after[d + 1];
  }
  const Extent far_extent = strides(hbm, valid, c.run_bytes, out);
  const Extent near_extent = strides(local_strides, extents, local_run, !out);
  const DType type = one_of({DType::f32, DType::bf16, DType::u8, DType::f16});
  const auto far = arenas_.place(Space::hbm, far_extent, 1, type, out);
  const auto at = arenas_.place(near, near_extent, chance(2) ? 4 : 1, type, !out);
  if (!far || !at) return std::nullopt;
  c.hbm_addr = isa::HbmAddr(ASSAY_HBM_BASE + *far);
  c.local_addr = local(near, *at);
  std::tie(c.count1, c.count2, c.count3, c.count4) = std::tie(count[0], count[1], count[2], count[3]);
  std::tie(c.hbm_stride1, c.hbm_stride2, c.hbm_stride3, c.hbm_stride4) =
      std::tie(hbm[0], hbm[1], hbm[2], hbm[3]);
  std::tie(c.local_stride1, c.local_stride2, c.local_stride3, c.local_stride4) =
      std::tie(local_strides[0], local_strides[1], local_strides[2], local_strides[3]);
  std::tie(c.pad_before0, c.pad_before1, c.pad_before2, c.pad_before3, c.pad_before4) =
      std::tie(before[0], before[1], before[2], before[3], before[4]);
  std::tie(c.pad_after0, c.pad_after1, c.pad_after2, c.pad_after3, c.pad_after4) =
      std::tie(after[0], after[1], after[2], after[3], after[4]);
  return launch_of(c);
}

// Dimension 4 by the list of counts.
std::optional<Launch> RandomCommand::gather() {
  auto plain = dma(false);
  if (!plain) return std::nullopt;
  isa::DmaCommand c = std::get<isa::DmaCommand>(isa::generated::unpack(Instruction::dma_in, plain->raw));
  const Chunk& list = arenas_.counts();
  const std::uint32_t entries = static_cast<std::uint32_t>(list.bytes / 4);
  c.pad_before4 = c.pad_after4 = 0;
  Extent near{0, static_cast<std::int64_t>(c.run_bytes +
                                           (c.pad_before0 + c.pad_after0) * std::max(1U, c.fill_bytes))};
  near.loop(c.count1 + c.pad_before1 + c.pad_after1, c.local_stride1);
  near.loop(c.count2 + c.pad_before2 + c.pad_after2, c.local_stride2);
  near.loop(c.count3 + c.pad_before3 + c.pad_after3, c.local_stride3);
  const Space space = c.local_addr.is_acc() ? Space::acc : Space::spm;
  c.count4 = std::max<std::uint32_t>(
      1, std::min<std::uint32_t>(1 + random_.below(9), static_cast<std::uint32_t>(900 / near.size())));
  c.local_stride4 = static_cast<std::int64_t>(near.size() + random_.below(8));
  if (c.count4 > 1) near.loop(c.count4, c.local_stride4);
  Extent far{0, c.run_bytes};
  far.loop(c.count1, c.hbm_stride1);
  far.loop(c.count2, c.hbm_stride2);
  far.loop(c.count3, c.hbm_stride3);
  c.hbm_stride4 = static_cast<std::int64_t>(random_.below(300)) - 40;
  far.loop(std::max<std::uint64_t>(list.value, 1), c.hbm_stride4);
  c.gather = true;
  c.index_limit = chance(3) ? 0x7FFFFFFF : static_cast<std::uint32_t>(list.value);
  const std::uint32_t first = chance(4) ? entries - c.count4 : random_.below(entries - c.count4 + 1);
  c.index_addr = local(Space::spm, list.offset + 4 * first);
  const auto at = arenas_.place(space, near, 1, DType::u8, true);
  const auto from = arenas_.place(Space::hbm, far, 1, DType::u8, false);
  if (!at || !from) return std::nullopt;
  c.local_addr = local(space, *at);
  c.hbm_addr = isa::HbmAddr(ASSAY_HBM_BASE + *from);
  return launch_of(c);
}

// ----------------------------------------------------------------------------------------------- MXU

namespace {

DType stationary_type(const isa::MxuCommand& c) {
  switch (c.b_format) {
    case isa::StationaryFormat::same: break;
    case isa::StationaryFormat::s8: return DType::s8;
    case isa::StationaryFormat::u8: return DType::u8;
    case isa::StationaryFormat::e4m3: return DType::e4m3;
    case isa::StationaryFormat::e5m2: return DType::e5m2;
    case isa::StationaryFormat::s4: return DType::s4;
    case isa::StationaryFormat::u4: return DType::u4;
  }
  return c.dtype;
}

// Zero points that an integer type holds.
std::pair<int, int> range_of(DType type) {
  switch (type) {
    case DType::s8: return {-128, 127};
    case DType::u8: return {0, 255};
    case DType::s4: return {-8, 7};
    case DType::u4: return {0, 15};
    default: return {0, 0};
  }
}

// Where the digits of `count` indices from `first` on lead.
Extent reach(std::uint64_t first, std::uint64_t count, std::uint32_t count0, std::int64_t stride0,
             std::uint32_t count1, std::int64_t stride1, std::uint32_t count2, std::int64_t stride2,
             std::int64_t last) {
  std::optional<Extent> all;
  for (std::uint64_t index = first; index < first + count; ++index) {
    std::uint64_t rest = index;
    std::int64_t at = static_cast<std::int64_t>(rest % count0) * stride0;
    rest /= count0;
    at += static_cast<std::int64_t>(rest % count1) * stride1;
    rest /= count1;
    at +=
        static_cast<std::int64_t>(rest % count2) * stride2 + static_cast<std::int64_t>(rest / count2) * last;
    if (!all) all = Extent{at, at};
    all->low = std::min(all->low, at);
    all->high = std::max(all->high, at);
  }
  return *all;
}

}  // namespace

void RandomCommand::mxu_types(isa::MxuCommand& c) {
  do c.dtype = one_of({DType::f32, DType::f16, DType::bf16, DType::s8, DType::u8, DType::e4m3, DType::e5m2});
  while (machine_.mxu.rate(c.dtype).chain == 0);
  const bool half = c.dtype == DType::f16 || c.dtype == DType::bf16,
             fp8 = c.dtype == DType::e4m3 || c.dtype == DType::e5m2;
  using S = isa::StationaryFormat;
  c.b_format = S::same;
  c.group = 0;
  c.b_zero = c.a_zero = 0;
  const auto supported = [&](DType type) { return machine_.mxu.rate(type).chain != 0; };
  if (fp8 && chance(2) && supported(DType::e4m3) && supported(DType::e5m2))
    c.b_format = one_of({S::e4m3, S::e5m2});
  if (!is_float(c.dtype) && chance(2) && supported(DType::s8) && supported(DType::u8))
    c.b_format = one_of({S::s8, S::u8});
  if (half && c.instruction != Instruction::mxu_os && chance(2)) {
    c.b_format = one_of({S::s4, S::u4, S::s8, S::u8});
    c.group = 1 + random_.below(20);
    c.scale_dtype = one_of({DType::f32, DType::f16, DType::bf16});
    c.zeros = random_.coin();
  }
  const auto zero = [&](DType type) {
    const auto [low, high] = range_of(type);
    return std::int64_t{chance(4) ? low : chance(4) ? high : random_.between(low, high)};
  };
  if (!is_float(c.dtype) && chance(2)) c.a_zero = zero(c.dtype);
  const bool zeros_in_memory = c.group != 0 && c.zeros;
  if (!is_float(stationary_type(c)) && !zeros_in_memory && chance(2)) c.b_zero = zero(stationary_type(c));
  c.skip_minus_zero = is_float(c.dtype) && chance(3);
}

void RandomCommand::mxu_sizes(isa::MxuCommand& c) {
  const std::uint32_t rows = machine_.mxu.rows, tile_k = rows * machine_.mxu.rate(c.dtype).chain;
  const bool large = arenas_.largest(Space::spm) > 40000 && chance(6);
  const std::uint32_t most = large ? 128 : 20;
  const bool os = c.instruction == Instruction::mxu_os;
  c.m = extent_up_to(std::min(os ? rows : most, most));
  c.n = extent_up_to(std::min(machine_.mxu.cols, most));
  c.k = extent_up_to(std::min(os ? 48U : tile_k, large ? 256U : 40U));
  c.inner = chance(3) ? 1 + random_.below(3) : 1;
  c.outer = chance(3) ? 1 + random_.below(3) : 1;
  c.n_last = chance(3) ? random_.below(c.n + 1) : 0;
  c.k_last = chance(3) ? random_.below(c.k + 1) : 0;
}

bool RandomCommand::mxu_a(isa::MxuCommand& c) {
  if (c.a_pattern) return mxu_pattern_a(c);
  const std::uint64_t element = size_of(c.dtype), lines = c.a_k_major ? c.k : c.m,
                      line = (c.a_k_major ? c.m : c.k) * element;
  c.a_stride = static_cast<std::uint32_t>(line_stride(Space::spm, line, element, lines));
  if (chance(8)) c.a_stride = static_cast<std::uint32_t>(element * random_.below(3));
  Extent e{0, static_cast<std::int64_t>(line)};
  e.loop(lines, c.a_stride);
  const auto width = static_cast<std::int64_t>(element);
  if (c.inner > 1) c.inner_a_step = width * random_.between(-20, 40);
  if (c.outer > 1) c.outer_a_step = width * random_.between(-20, 40);
  e.loop(c.inner, c.inner_a_step);
  e.loop(c.outer, c.outer_a_step);
  const auto at = arenas_.place(Space::spm, e, element, c.dtype, false);
  if (at) c.a_addr = local(Space::spm, *at);
  return at.has_value();
}

bool RandomCommand::mxu_pattern_a(isa::MxuCommand& c) {
  c.a_inner_rows = chance(2);
  c.a_outer_rows = !c.a_inner_rows && chance(2);
  c.a_outer_k = chance(2);
  c.a_inner_k = !c.a_outer_k && c.k_last == 0 && chance(2);
  const auto width = static_cast<std::int64_t>(size_of(c.dtype));
  const auto stride = [&] { return width * random_.between(chance(4) ? -12 : 0, 24); };
  c.a_row_count0 = 1 + random_.below(6);
  c.a_row_count1 = 1 + random_.below(4);
  c.a_k_count0 = 1 + random_.below(9);
  c.a_k_count1 = 1 + random_.below(4);
  c.a_k_count2 = 1 + random_.below(3);
  c.a_row_stride0 = stride();
  c.a_row_stride1 = stride();
  c.a_row_stride2 = stride();
  c.a_k_stride0 = chance(2) ? width : stride();
  c.a_k_stride1 = stride();
  c.a_k_stride2 = stride();
  c.a_k_stride3 = stride();
  c.a_first_row = random_.below(7);
  c.a_first_k = random_.below(7);
  const std::uint64_t rows = c.m * std::uint64_t{c.a_inner_rows ? c.inner : c.a_outer_rows ? c.outer : 1U};
  const std::uint64_t products = c.k * std::uint64_t{c.a_inner_k ? c.inner : c.a_outer_k ? c.outer : 1U};
  Extent e = reach(c.a_first_row, rows, c.a_row_count0, c.a_row_stride0, c.a_row_count1, c.a_row_stride1, 1,
                   0, c.a_row_stride2);
  const Extent along = reach(c.a_first_k, products, c.a_k_count0, c.a_k_stride0, c.a_k_count1, c.a_k_stride1,
                             c.a_k_count2, c.a_k_stride2, c.a_k_stride3);
  e.low += along.low;
  e.high += along.high + width;
  const auto at = arenas_.place(Space::spm, e, static_cast<std::uint64_t>(width), c.dtype, false);
  if (at) c.a_addr = local(Space::spm, *at);
  return at.has_value();
}

bool RandomCommand::mxu_b(isa::MxuCommand& c) {
  if (c.b_pattern) return mxu_pattern_b(c);
  const DType type = stationary_type(c);
  const std::uint64_t element = bits_of(type) < 8 ? 1 : size_of(type), lines = c.b_n_major ? c.n : c.k;
  const std::uint64_t line = storage_bytes(type, c.b_n_major ? c.k : c.n);
  c.b_stride = static_cast<std::uint32_t>(line_stride(Space::spm, line, element, lines));
  Extent e{0, static_cast<std::int64_t>(line)};
  e.loop(lines, c.b_stride);
  const auto width = static_cast<std::int64_t>(element);
  if (c.inner > 1) c.inner_b_step = width * random_.between(-20, 40);
  if (c.outer > 1) c.outer_b_step = width * random_.between(-20, 40);
  e.loop(c.inner, c.inner_b_step);
  e.loop(c.outer, c.outer_b_step);
  const auto at = arenas_.place(Space::spm, e, element, type, false);
  if (at) c.b_addr = local(Space::spm, *at);
  return at && (c.group == 0 || mxu_tables(c));
}

bool RandomCommand::mxu_pattern_b(isa::MxuCommand& c) {
  c.b_inner_cols = chance(2);
  c.b_outer_cols = !c.b_inner_cols && c.n_last == 0 && chance(2);
  c.b_outer_k = chance(2);
  c.b_inner_k = !c.b_outer_k && c.k_last == 0 && chance(2);
  const DType type = stationary_type(c);
  const auto width = static_cast<std::int64_t>(size_of(type));
  const auto stride = [&] { return width * random_.between(chance(4) ? -12 : 0, 24); };
  c.b_col_count0 = 1 + random_.below(6);
  c.b_col_count1 = 1 + random_.below(4);
  c.b_k_count0 = 1 + random_.below(9);
  c.b_k_count1 = 1 + random_.below(4);
  c.b_k_count2 = 1 + random_.below(3);
  c.b_col_stride0 = stride();
  c.b_col_stride1 = stride();
  c.b_col_stride2 = stride();
  c.b_k_stride0 = chance(2) ? width : stride();
  c.b_k_stride1 = stride();
  c.b_k_stride2 = stride();
  c.b_k_stride3 = stride();
  c.b_first_col = random_.below(7);
  c.b_first_k = random_.below(7);
  const std::uint64_t cols = c.n * std::uint64_t{c.b_inner_cols ? c.inner : c.b_outer_cols ? c.outer : 1U};
  const std::uint64_t products = c.k * std::uint64_t{c.b_inner_k ? c.inner : c.b_outer_k ? c.outer : 1U};
  Extent e = reach(c.b_first_col, cols, c.b_col_count0, c.b_col_stride0, c.b_col_count1, c.b_col_stride1, 1,
                   0, c.b_col_stride2);
  const Extent along = reach(c.b_first_k, products, c.b_k_count0, c.b_k_stride0, c.b_k_count1, c.b_k_stride1,
                             c.b_k_count2, c.b_k_stride2, c.b_k_stride3);
  e.low += along.low;
  e.high += along.high + width;
  const auto at = arenas_.place(Space::spm, e, static_cast<std::uint64_t>(width), type, false);
  if (at) c.b_addr = local(Space::spm, *at);
  return at.has_value();
}

// Scales and zero points.
bool RandomCommand::mxu_tables(isa::MxuCommand& c) {
  const std::uint64_t groups = (c.k + c.group - 1) / c.group;
  const auto table = [&](DType type, std::int64_t& group_stride, std::int64_t& col_stride,
                         std::int64_t& inner_step, std::int64_t& outer_step) {
    const auto width = static_cast<std::int64_t>(size_of(type));
    col_stride = width * (chance(4) ? random_.between(-1, 3) : 1);
    group_stride = width * (chance(3) ? random_.between(-2, 5) : static_cast<std::int64_t>(c.n));
    if (c.inner > 1) inner_step = width * random_.between(-4, 20);
    if (c.outer > 1) outer_step = width * random_.between(-4, 20);
    Extent e{0, width};
    e.loop(c.n, col_stride);
    e.loop(groups, group_stride);
    e.loop(c.inner, inner_step);
    e.loop(c.outer, outer_step);
    return arenas_.place(Space::spm, e, static_cast<std::uint64_t>(width), type, false);
  };
  const auto scales =
      table(c.scale_dtype, c.scale_group_stride, c.scale_col_stride, c.inner_scale_step, c.outer_scale_step);
  if (!scales) return false;
  c.scale_addr = local(Space::spm, *scales);
  if (!c.zeros) return true;
  const auto zeros =
      table(DType::u8, c.zero_group_stride, c.zero_col_stride, c.inner_zero_step, c.outer_zero_step);
  if (zeros) c.zero_addr = local(Space::spm, *zeros);
  return zeros.has_value();
}

bool RandomCommand::mxu_result(isa::MxuCommand& c) {
  const std::uint32_t row = c.n * 4;
  const bool side_by_side = c.inner > 1 && chance(2);
  const std::uint32_t width = side_by_side ? row * c.inner : row;
  c.acc_stride = static_cast<std::uint32_t>(line_stride(Space::acc, width, 4, c.m));
  Extent e{0, row};
  e.loop(c.m, c.acc_stride);
  const auto span = static_cast<std::int64_t>(e.size());
  // A tile is come back to whole, or not at all.
  if (c.inner > 1)
    c.inner_acc_step = side_by_side ? row : chance(3) && c.n_last == 0 ? 0 : span + 4 * random_.below(5);
  else if (c.inner_acc_step % 4 != 0) c.inner_acc_step = 0;
  e.loop(c.inner, c.inner_acc_step);
  if (c.outer > 1)
    c.outer_acc_step = chance(2) ? 0 : static_cast<std::int64_t>(e.size()) + 4 * random_.below(5);
  e.loop(c.outer, c.outer_acc_step);
  if (c.outer > 1 && c.outer_acc_step != 0 && chance(4)) c.outer_acc_step = -c.outer_acc_step;
  if (c.outer_acc_step < 0) {
    e.low = static_cast<std::int64_t>(c.outer - 1) * c.outer_acc_step;
    e.high += e.low;
  }
  const auto at = arenas_.place(Space::acc, e, 4, is_float(c.dtype) ? DType::f32 : DType::s32, true);
  if (at) c.acc_addr = local(Space::acc, *at);
  return at.has_value();
}

std::vector<Launch> RandomCommand::mxu() {
  const bool with_load = chance(4);
  const Instruction instruction =
      with_load ? Instruction::mxu_ws : one_of({Instruction::mxu_ws, Instruction::mxu_os});
  for (int attempt = 0; attempt < 20; ++attempt) {
    auto c = std::get<isa::MxuCommand>(isa::generated::unpack(instruction, noise(instruction)));
    mxu_types(c);
    mxu_sizes(c);
    c.a_pattern = chance(4);
    c.b_pattern = c.group == 0 && chance(5);
    c.resident = with_load || (instruction == Instruction::mxu_os && random_.coin());
    c.a_k_major = chance(3);
    c.b_n_major = chance(3);
    c.accumulate = chance(2);
    if (c.b_pattern && with_load) c.inner = c.outer = 1;
    if (with_load && c.inner == 1) c.n_last = 0;
    if (with_load && c.outer == 1) c.k_last = 0;
    if (!mxu_a(c) || !mxu_b(c) || !mxu_result(c)) continue;
    std::vector<Launch> launches;
    if (with_load) {
      isa::MxuCommand load = c;
      load.instruction = Instruction::mxu_load;
      load.m = 1 + random_.below(9);
      launches.push_back(launch_of(load));
    } else if (chance(12) && !c.b_pattern && c.k <= machine_.mxu.rows) {  // a load that nothing uses
      isa::MxuCommand load = c;
      load.instruction = Instruction::mxu_load;
      launches.push_back(launch_of(load));
    }
    launches.push_back(launch_of(c));
    return launches;
  }
  return {};
}

// ----------------------------------------------------------------------------------------------- VXU

namespace {
bool integer_pass(const isa::VxuCommand& c) {
  return !is_float(c.out_dtype) && !is_float(c.x_dtype) && c.operation != isa::VectorOperation::requantise;
}
}  // namespace

// The types that an operand may have; summed: x and bias of a requantisation.
DType RandomCommand::vxu_type(const isa::VxuCommand& c, bool summed) {
  if (summed && c.operation == isa::VectorOperation::requantise)
    return one_of({DType::s32, DType::s8, DType::u8});
  if (integer_pass(c)) return one_of({DType::s32, DType::s8, DType::u8});
  return one_of({DType::f32, DType::f16, DType::bf16, DType::s8, DType::u8, DType::e4m3, DType::e5m2});
}

void RandomCommand::vxu_operation(isa::VxuCommand& c) {
  using Op = isa::VectorOperation;
  using F = isa::VectorFunction;
  using S = isa::OperandSource;
  c.operation = one_of({Op::multiply_add, Op::multiply_add, Op::multiply_add, Op::divide, Op::maximum,
                        Op::minimum, Op::add_add, Op::requantise});
  const bool integers = c.operation != Op::requantise && chance(4);
  const auto integer = [&] { return one_of({DType::s32, DType::s8, DType::u8}); };
  c.out_dtype = integers || chance(4)
                    ? integer()
                    : one_of({DType::f32, DType::f16, DType::bf16, DType::e4m3, DType::e5m2});
  if (integers || c.operation == Op::requantise) c.x_dtype = integer();
  else if (is_float(c.out_dtype))
    c.x_dtype = one_of(
        {DType::f32, DType::f32, DType::f16, DType::bf16, DType::s8, DType::u8, DType::e4m3, DType::e5m2});
  else c.x_dtype = one_of({DType::f32, DType::f16, DType::bf16, DType::e4m3, DType::e5m2});
  const S given = chance(2) ? S::immediate : S::memory, other = chance(2) ? S::immediate : S::memory;
  c.scale_source = given;
  c.bias_source = other;
  if (c.operation == Op::divide) c.bias_source = S::none;
  if (c.operation == Op::maximum || c.operation == Op::minimum) c.scale_source = S::none;
  if (c.operation == Op::multiply_add || c.operation == Op::requantise) {
    if (chance(3)) c.scale_source = S::none;
    if (chance(3)) c.bias_source = S::none;
  }
  c.scale_dtype = vxu_type(c, false);
  c.bias_dtype = vxu_type(c, true);
  const auto functions = [&] {
    for (const isa::Field& f : isa::registers_of(Engine::vxu)[0].fields)
      if (f.name == "function") return static_cast<F>(field_value(f));
    return F::identity;
  };
  c.function = integer_pass(c) ? one_of({F::identity, F::relu, F::clip}) : functions();
  if (chance(3)) c.function = F::identity;
  const auto immediate = [&](bool integer_bits) -> std::uint32_t {
    if (integer_bits)
      return chance(2) ? random_.below(300) - 150 : static_cast<std::uint32_t>(random_.next());
    return one_of<std::uint32_t>({0x3F800000, 0xBF000000, 0x40490FDB, 0x00000000, 0x80000000, 0x7F800000,
                                  0x7FC12345, 0x00000001, 0x3DCCCCCD,
                                  static_cast<std::uint32_t>(random_.next())});
  };
  const bool bias_is_integer = integer_pass(c) || c.operation == Op::requantise;
  if (c.scale_source == S::immediate) c.scale_imm = immediate(integer_pass(c));
  if (c.bias_source == S::immediate) c.bias_imm = immediate(bias_is_integer);
  if (c.function == F::clip) {
    c.clip_lo = immediate(integer_pass(c));
    c.clip_hi = immediate(integer_pass(c));
  }
  c.x_zero = !is_float(c.x_dtype) && chance(2) ? one_of<std::int64_t>({1, -128, 255, 32767, -32768, -3}) : 0;
  c.out_zero = !is_float(c.out_dtype) && !integer_pass(c) && chance(2)
                   ? one_of<std::int64_t>({1, -128, 128, 32767, -32768})
                   : 0;
  c.reduction = isa::Reduction::none;
  if (!integer_pass(c) && chance(3)) c.reduction = one_of({isa::Reduction::sum, isa::Reduction::max});
  c.reduce_only = c.reduction != isa::Reduction::none && chance(3);
  c.reduce_accumulate = random_.coin();
}

std::optional<RandomCommand::Rows> RandomCommand::vxu_operand(DType type, std::uint32_t rows,
                                                              std::uint32_t cols, bool may_broadcast) {
  Rows r;
  r.space = chance(3) ? Space::acc : Space::spm;
  const std::uint64_t element = size_of(type);
  r.col_stride = may_broadcast && chance(4) ? 0 : static_cast<std::int64_t>(element);
  const std::uint64_t line = r.col_stride == 0 ? element : element * cols;
  r.row_stride = line_stride(r.space, line, element, rows);
  if (may_broadcast && chance(4)) r.row_stride = 0;
  if (chance(8)) r.row_stride = -r.row_stride;
  r.extent = {0, static_cast<std::int64_t>(line)};
  r.extent.loop(rows, r.row_stride);
  const auto at = arenas_.place(r.space, r.extent, element, type, false);
  if (!at) return std::nullopt;
  r.offset = *at;
  return r;
}

namespace {
template <typename R>
bool apart(const R& a, const R& b) {
  if (a.space != b.space) return true;
  const auto low = [](const R& r) { return static_cast<std::int64_t>(r.offset) + r.extent.low; };
  const auto high = [](const R& r) { return static_cast<std::int64_t>(r.offset) + r.extent.high; };
  return high(a) <= low(b) || high(b) <= low(a);
}
}  // namespace

bool RandomCommand::vxu_reduction(isa::VxuCommand& c, const std::vector<Rows>& reads,
                                  std::vector<Rows>& written) {
  if (c.reduction == isa::Reduction::none) return true;
  const std::uint64_t line = c.reduction == isa::Reduction::sum ? 256 : 4;
  for (int attempt = 0; attempt < 8; ++attempt) {
    Rows r;
    r.space = Space::acc;
    c.reduce_row_stride = static_cast<std::uint32_t>(line_stride(Space::acc, line, 4, c.rows));
    r.extent = {0, static_cast<std::int64_t>(line)};
    r.extent.loop(c.rows, c.reduce_row_stride);
    const auto at = arenas_.place(Space::acc, r.extent, 4, DType::f32, true);
    if (!at) return false;
    r.offset = *at;
    if (!std::all_of(reads.begin(), reads.end(), [&](const Rows& o) { return apart(r, o); })) continue;
    c.reduce_addr = local(Space::acc, *at);
    written.push_back(r);
    return true;
  }
  return false;
}

bool RandomCommand::vxu_output(isa::VxuCommand& c, const std::vector<Rows>& others) {
  if (c.reduce_only) return true;
  const std::uint64_t element = size_of(c.out_dtype), line = element * c.cols;
  const Rows& x = others.front();
  // In place: each element is read before it is written.
  const bool in_place =
      chance(6) && c.out_dtype == c.x_dtype && x.col_stride != 0 &&
      x.row_stride >= static_cast<std::int64_t>(line) &&
      std::all_of(others.begin() + 1, others.end(), [&](const Rows& o) { return apart(x, o); });
  if (in_place) {
    c.out_addr = c.x_addr;
    c.out_row_stride = x.row_stride;
    return true;
  }
  for (int attempt = 0; attempt < 8; ++attempt) {
    Rows r;
    r.space = chance(3) ? Space::acc : Space::spm;
    c.out_row_stride = line_stride(r.space, line, element, c.rows) * (chance(8) ? -1 : 1);
    r.extent = {0, static_cast<std::int64_t>(line)};
    r.extent.loop(c.rows, c.out_row_stride);
    const auto at = arenas_.place(r.space, r.extent, element, c.out_dtype, true);
    if (!at) return false;
    r.offset = *at;
    if (!std::all_of(others.begin(), others.end(), [&](const Rows& o) { return apart(r, o); })) continue;
    c.out_addr = local(r.space, *at);
    return true;
  }
  return false;
}

std::optional<Launch> RandomCommand::vxu() {
  auto c =
      std::get<isa::VxuCommand>(isa::generated::unpack(Instruction::vxu_pass, noise(Instruction::vxu_pass)));
  vxu_operation(c);
  c.rows = chance(3) ? 1 : 1 + random_.below(c.reduction == isa::Reduction::sum ? 6 : 14);
  c.cols = chance(5) ? 60 + random_.below(90) : extent_up_to(40);
  std::vector<Rows> reads;
  const auto read = [&](DType type, isa::LocalAddr& address, std::int64_t& row_stride,
                        std::int64_t& col_stride) {
    const auto r = vxu_operand(type, c.rows, c.cols, true);
    if (!r) return false;
    reads.push_back(*r);
    address = local(r->space, r->offset);
    row_stride = r->row_stride;
    col_stride = r->col_stride;
    return true;
  };
  if (!read(c.x_dtype, c.x_addr, c.x_row_stride, c.x_col_stride)) return std::nullopt;
  if (c.scale_source == isa::OperandSource::memory &&
      !read(c.scale_dtype, c.scale_addr, c.scale_row_stride, c.scale_col_stride))
    return std::nullopt;
  if (c.bias_source == isa::OperandSource::memory &&
      !read(c.bias_dtype, c.bias_addr, c.bias_row_stride, c.bias_col_stride))
    return std::nullopt;
  c.mask_by_range = chance(4);
  if (c.mask_by_range) {
    c.mask_lo = chance(6) ? INT32_MIN : random_.between(-4, static_cast<int>(c.cols));
    c.mask_hi = chance(6) ? INT32_MAX : random_.between(-2, static_cast<int>(c.cols) + 4);
  }
  c.mask_by_bytes = chance(5);
  if (c.mask_by_bytes) {
    const auto r = vxu_operand(DType::u8, c.rows, c.cols, false);
    if (!r) return std::nullopt;
    reads.push_back(*r);
    c.mask_addr = local(r->space, r->offset);
    c.mask_row_stride = r->row_stride;
  }
  std::vector<Rows> written;
  if (!vxu_reduction(c, reads, written)) return std::nullopt;
  std::vector<Rows> others = reads;
  others.insert(others.end(), written.begin(), written.end());
  if (!vxu_output(c, others)) return std::nullopt;
  return launch_of(c);
}

// --------------------------------------------------------------------------------------------- launches

std::vector<Launch> RandomCommand::draw(Engine engine) {
  for (int attempt = 0; attempt < 20; ++attempt) {
    std::optional<Launch> launch;
    switch (engine) {
      case Engine::dma_in: launch = chance(5) ? gather() : dma(false); break;
      case Engine::dma_out: launch = dma(true); break;
      case Engine::vxu: launch = vxu(); break;
      case Engine::mxu: return mxu();
    }
    if (launch) return {*launch};
  }
  return {};
}

Launch RandomCommand::illegal(Engine engine) {
  if (chance(3)) {
    const std::uint64_t queue = random_.below(4), last = machine_.sync.semaphores;
    switch (random_.below(4)) {
      case 0: return {Instruction::fence_ai, {chance(2) ? 0U : 16U + random_.below(1000), 0, {}}};
      case 1: return {Instruction::sem_signal, {queue, last + random_.below(100), {}}};
      case 2: return {Instruction::sem_wait, {queue, last + (std::uint64_t{1} << random_.below(60)), {}}};
      default:
        return {random_.coin() ? Instruction::sem_signal : Instruction::sem_wait,
                {4 + (random_.next() >> 3), 0, {}}};
    }
  }
  const std::vector<Launch> legal = draw(engine);
  if (legal.empty()) return {Instruction::fence_ai, {}};
  for (int attempt = 0; attempt < 1000; ++attempt) {
    Launch launch = legal.back();
    const isa::InstructionInfo& in = isa::info(launch.instruction);
    const auto registers = isa::registers_of(*in.engine);
    const std::uint32_t r = random_.below(static_cast<std::uint32_t>(registers.size() + 2));
    if (r < registers.size()) {
      const auto& fields = registers[r].fields;
      const isa::Field& f = fields[random_.below(static_cast<std::uint32_t>(fields.size()))];
      std::uint64_t& word = launch.raw.registers[r];
      const std::uint64_t bits =
          one_of<std::uint64_t>({0, f.max + 1, f.ones(), random_.next(), f.max + f.align, 1});
      word = chance(3) ? word ^ std::uint64_t{1} << random_.below(64) : f.insert(word, bits);
    } else {
      (r == registers.size() ? launch.raw.rs1 : launch.raw.rs2) ^=
          std::uint64_t{1} << (random_.coin() ? random_.below(64) : random_.below(2));
    }
    if (isa::check(launch.instruction, launch.raw)) return launch;
  }
  return {Instruction::fence_ai, {}};
}

Launch RandomCommand::impossible() {
  const auto engine = static_cast<Engine>(random_.below(4));
  std::vector<Launch> drawn;
  while (drawn.empty()) drawn = draw(engine);
  Launch launch = drawn.back();
  const isa::Command command = isa::generated::unpack(launch.instruction, launch.raw);
  if (auto dma = std::get_if<isa::DmaCommand>(&command)) {
    isa::DmaCommand c = *dma;
    c.gather = false;  // a gather need not use index 0
    switch (random_.below(6)) {
      case 0:
        c.hbm_addr = isa::HbmAddr(ASSAY_HBM_BASE + machine_.hbm.bytes().count() - c.run_bytes + 1);
        break;
      case 1: c.hbm_addr = isa::HbmAddr(ASSAY_HBM_BASE - 1); break;
      case 2: c.local_addr = local(Space::spm, machine_.spm.bytes().count() - c.run_bytes + 1); break;
      case 3: c.local_addr = local(Space::acc, machine_.acc.bytes().count()); break;
      case 4:
        c.gather = true;
        c.index_limit = 0;
        c.index_addr = local(chance(2) ? Space::spm : Space::acc,
                             chance(2) ? arenas_.counts().offset : machine_.spm.bytes().count());
        break;
      default: c.pad_before1 = 1; c.fill_bytes = 0;
    }
    return launch_of(c);
  }
  if (auto mxu = std::get_if<isa::MxuCommand>(&command)) {
    isa::MxuCommand c = *mxu;
    const std::uint32_t tile_k = machine_.mxu.rows * machine_.mxu.rate(c.dtype).chain;
    switch (random_.below(8)) {
      case 0: c.n = machine_.mxu.cols + 1; break;
      case 1:
        (c.instruction == Instruction::mxu_os ? c.m : c.k) =
            c.instruction == Instruction::mxu_os ? machine_.mxu.rows + 1 : tile_k + 1;
        break;
      case 2: c.a_addr = local(Space::acc, 0); break;
      case 3: c.b_addr = local(Space::spm, machine_.spm.bytes().count()); break;
      case 4: c.acc_addr = local(Space::spm, 0); break;
      case 5: c.k_last = c.k + 1; break;
      case 6: c.n_last = c.n + 1; break;
      default:
        c.resident = true;
        c.instruction = Instruction::mxu_ws;
        c.b_pattern = true;
        c.b_inner_k = c.b_outer_k = true;
    }
    return launch_of(c);
  }
  isa::VxuCommand c = std::get<isa::VxuCommand>(command);
  switch (random_.below(6)) {
    case 0: c.x_addr = local(Space::spm, machine_.spm.bytes().count() - 0); break;
    case 1: c.out_addr = local(Space::acc, machine_.acc.bytes().count()), c.reduce_only = false; break;
    case 2: c.operation = isa::VectorOperation::divide, c.bias_source = isa::OperandSource::immediate; break;
    case 3: c.x_col_stride = 3 * static_cast<std::int64_t>(size_of(c.x_dtype)); break;
    case 4: c.reduction = isa::Reduction::none, c.reduce_only = true; break;
    default: c.mask_by_bytes = true, c.mask_addr = local(Space::acc, machine_.acc.bytes().count());
  }
  return launch_of(c);
}

}  // namespace assay::testgen::program
