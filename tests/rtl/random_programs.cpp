#include "random_programs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/dtype.hpp"
#include "core/mxu/mxu.hpp"
#include "core/mxu/mxu_feed.hpp"
#include "core/mxu/mxu_kinds.hpp"

namespace assay::test {
namespace {

constexpr std::uint32_t kSpmKib = 64, kAccKib = 32;
constexpr std::uint32_t kLineWords = 64;  // the grid in ACC: lines of this many words
constexpr std::uint32_t kLines = kAccKib * 1024 / 4 / kLineWords;

class Generator {
 public:
  Generator(std::mt19937_64& random, const Machine& machine, Columns columns)
      : random_(random), machine_(machine), columns_(columns) {}

  void fill(rtl::Memories& memories);
  void append(Program& program);  // a command, or an mxu.load with what follows it

 private:
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }
  bool one_in(std::uint32_t n) { return below(n) == 0; }
  std::uint32_t length(std::uint32_t array);
  std::uint32_t stride(std::uint32_t bytes, std::uint32_t element);
  isa::MxuCommand command();
  void choose_types(isa::MxuCommand& c);
  void choose_dequantisation(isa::MxuCommand& c);
  void place_a(isa::MxuCommand& c, std::uint32_t whole_k);
  void place_b(isa::MxuCommand& c, std::uint32_t whole_k, std::uint32_t whole_n);
  void place_result(isa::MxuCommand& c);
  std::uint64_t arrival();

  std::mt19937_64& random_;
  const Machine& machine_;
  Columns columns_;
  std::uint64_t arrival_ = 0;
};

// Random bits, and programs of moderate values, zeros or subnormals, so that chains do not all end in NaN.
void Generator::fill(rtl::Memories& memories) {
  memories.spm.resize(std::size_t{kSpmKib} * 1024);
  memories.acc.resize(std::size_t{kAccKib} * 1024);
  const std::uint32_t kind = below(4);
  for (std::size_t i = 0; i < memories.spm.size(); i += 2) {
    auto bits = static_cast<std::uint16_t>(random_());
    if (kind >= 1 && !one_in(200))
      bits = static_cast<std::uint16_t>((bits & 0x8FFF) | (kind == 3 && one_in(2) ? 0 : 0x3000));
    if (one_in(20)) bits = static_cast<std::uint16_t>(bits & 0x8003);
    if (one_in(20)) bits = one_in(2) ? 0x8000 : 0x8080;  // -0: of 16 bits, of fp8
    std::memcpy(&memories.spm[i], &bits, 2);
  }
  for (std::size_t i = 0; i < memories.spm.size(); i += 4)
    if (one_in(30)) std::memcpy(&memories.spm[i], "\0\0\0\x80", 4);  // -0 of f32
  for (std::size_t i = 0; i < memories.acc.size(); i += 4) {
    auto bits = static_cast<std::uint32_t>(random_());
    if (kind >= 1 && !one_in(50)) bits = (bits & 0x8FFFFFFF) | 0x30000000;
    std::memcpy(&memories.acc[i], &bits, 4);
  }
}

// Of the whole problem: smaller than the array, as large, or larger.
std::uint32_t Generator::length(std::uint32_t array) {
  switch (below(3)) {
    case 0: return 1 + below(array - 1);
    case 1: return array;
    default: return array + 1 + below(2 * array);
  }
}

// Dense, with a gap, or a multiple of a row of banks so that the lines crowd into one of them.
std::uint32_t Generator::stride(std::uint32_t bytes, std::uint32_t element) {
  const std::uint32_t banks = machine_.spm.banks * machine_.spm.bank_bytes;
  switch (below(3)) {
    case 0: return bytes;
    case 1: return bytes + below(12) * element;
    default: return (bytes + banks - 1) / banks * banks;
  }
}

void Generator::place_a(isa::MxuCommand& c, std::uint32_t whole_k) {
  const auto element = static_cast<std::uint32_t>(size_of(c.dtype));
  const std::uint32_t line = c.a_k_major ? c.m : whole_k, lines = c.a_k_major ? whole_k : c.m;
  c.a_stride = stride(line * element, element);
  const std::uint32_t bytes = (lines - 1) * c.a_stride + line * element;
  c.a_addr = isa::LocalAddr::spm(below((kSpmKib * 512 - bytes) / element) * element);
  c.outer_a_step = c.k * (c.a_k_major ? c.a_stride : element);
}

void Generator::place_b(isa::MxuCommand& c, std::uint32_t whole_k, std::uint32_t whole_n) {
  const DType type = core::stationary_type(c);
  const auto bytes_of = [&](std::uint32_t count) {
    return static_cast<std::uint32_t>(storage_bytes(type, count));
  };
  const std::uint32_t element = bytes_of(1);
  const std::uint32_t line = bytes_of(c.b_n_major ? whole_k : whole_n),
                      lines = c.b_n_major ? whole_n : whole_k;
  c.b_stride = stride(line, element);
  const std::uint32_t bytes = (lines - 1) * c.b_stride + line;
  c.b_addr = isa::LocalAddr::spm(kSpmKib * 512 + below((kSpmKib * 512 - bytes) / element) * element);
  c.outer_b_step = c.b_n_major ? bytes_of(c.k) : c.k * c.b_stride;
  c.inner_b_step = c.b_n_major ? c.n * c.b_stride : bytes_of(c.n);
}

// The lines of neighbouring commands often overlap. On the grid, tiles begin at multiples of the array's
// columns.
void Generator::place_result(isa::MxuCommand& c) {
  const std::uint32_t cols = machine_.mxu.cols, grid = kLineWords / cols;
  c.acc_stride = kLineWords * 4;
  const bool apart = c.outer > 1 && one_in(3);
  const std::uint32_t line_step = apart ? c.m : 0, lines = c.m + line_step * (c.outer - 1);
  const std::uint32_t line = one_in(3) ? below(kLines - lines) : below(4);
  const std::uint32_t column = below(std::min<std::uint32_t>(3, grid - c.inner + 1));
  const std::uint32_t shift = columns_ == Columns::Anywhere && column + c.inner < grid ? below(cols) : 0;
  c.acc_addr = isa::LocalAddr::acc((line * kLineWords + column * cols + shift) * 4);
  c.inner_acc_step = cols * 4;
  c.outer_acc_step = line_step * c.acc_stride;
  if (c.inner > 1 && c.n_last == 0 && one_in(4)) {  // backwards over the columns
    c.acc_addr = isa::LocalAddr::acc(
        static_cast<std::uint32_t>(c.acc_addr.offset() + (c.inner - 1) * c.inner_acc_step));
    c.b_addr =
        isa::LocalAddr::spm(static_cast<std::uint32_t>(c.b_addr.offset() + (c.inner - 1) * c.inner_b_step));
    c.inner_acc_step = -c.inner_acc_step;
    c.inner_b_step = -c.inner_b_step;
  }
}

// Groups of any length; scales and zero points anywhere in SPM.
void Generator::choose_dequantisation(isa::MxuCommand& c) {
  using isa::StationaryFormat;
  constexpr StationaryFormat kFormats[] = {StationaryFormat::s4, StationaryFormat::u4, StationaryFormat::s8,
                                           StationaryFormat::u8};
  constexpr DType kScales[] = {DType::f32, DType::f16, DType::bf16};
  c.b_format = kFormats[below(4)];
  c.scale_dtype = kScales[below(3)];
  c.group = 1 + below(10);
  c.zeros = one_in(2);
  if (!c.zeros) c.b_zero = c.b_format == StationaryFormat::s4 || c.b_format == StationaryFormat::s8 ? -3 : 8;
  const auto anywhere = [&] { return isa::LocalAddr::spm(2048 + below(kSpmKib * 1024 - 4096)); };
  const auto step = [&] { return static_cast<std::int64_t>(below(33)) - 16; };
  c.scale_addr = anywhere();
  c.zero_addr = anywhere();
  c.scale_group_stride = step(), c.scale_col_stride = step();
  c.inner_scale_step = step(), c.outer_scale_step = step();
  c.zero_group_stride = step(), c.zero_col_stride = step();
  c.inner_zero_step = step(), c.outer_zero_step = step();
}

// A, and B where it may be of another type; zero points of integers; whether -0 is skipped.
void Generator::choose_types(isa::MxuCommand& c) {
  using isa::StationaryFormat;
  constexpr DType kTypes[] = {DType::bf16, DType::f16, DType::f32,  DType::s8,
                              DType::s8,   DType::u8,  DType::e4m3, DType::e5m2};
  c.dtype = kTypes[below(8)];
  const bool fp8 = c.dtype == DType::e4m3 || c.dtype == DType::e5m2, integer = !is_float(c.dtype);
  if (fp8 && one_in(2)) c.b_format = one_in(2) ? StationaryFormat::e4m3 : StationaryFormat::e5m2;
  if (integer && one_in(2)) c.b_format = one_in(2) ? StationaryFormat::s8 : StationaryFormat::u8;
  const auto zero = [&](bool is_signed) {
    return static_cast<std::int64_t>(below(256)) - (is_signed ? 128 : 0);
  };
  const bool b_signed =
      c.b_format == StationaryFormat::s8 || (c.b_format == StationaryFormat::same && c.dtype == DType::s8);
  if (integer && one_in(2)) c.a_zero = zero(c.dtype == DType::s8);
  if (integer && one_in(2)) c.b_zero = zero(b_signed);
  c.skip_minus_zero = !integer && one_in(3);
  if (c.instruction == isa::Instruction::mxu_ws && (c.dtype == DType::bf16 || c.dtype == DType::f16) &&
      one_in(2))
    choose_dequantisation(c);
}

isa::MxuCommand Generator::command() {
  const std::uint32_t rows = machine_.mxu.rows, cols = machine_.mxu.cols;
  isa::MxuCommand c{};
  const bool os = one_in(2);
  c.instruction = os ? isa::Instruction::mxu_os : isa::Instruction::mxu_ws;
  choose_types(c);
  c.a_k_major = one_in(2);
  c.b_n_major = one_in(2);
  c.accumulate = one_in(2);
  const std::uint32_t tile_k = rows * machine_.mxu.rate(c.dtype).chain;
  const std::uint32_t whole_n = length(cols), whole_k = length(tile_k);
  c.m = os ? std::min(length(rows), rows) : length(rows);
  c.n = std::min(whole_n, cols);
  c.k = os && one_in(2) ? 1 + below(whole_k) : std::min(whole_k, os ? 3 * tile_k : tile_k);
  c.inner = (whole_n + c.n - 1) / c.n;
  c.outer = std::min<std::uint32_t>((whole_k + c.k - 1) / c.k, 6);
  if (whole_n % c.n != 0) c.n_last = whole_n % c.n;
  if (c.outer * c.k > whole_k) c.k_last = whole_k - (c.outer - 1) * c.k;
  place_a(c, std::max(whole_k, c.outer * c.k));
  place_b(c, std::max(whole_k, c.outer * c.k), whole_n);
  place_result(c);
  return c;
}

// Now and then a pause: a command may find the array busy, draining or idle.
std::uint64_t Generator::arrival() {
  if (one_in(3)) arrival_ += below(one_in(4) ? 200 : 12);
  return arrival_;
}

void Generator::append(Program& program) {
  isa::MxuCommand c = command();
  const bool ws = c.instruction == isa::Instruction::mxu_ws;
  if (ws ? one_in(3) : one_in(12)) {
    isa::MxuCommand load = c;
    load.instruction = isa::Instruction::mxu_load;
    load.k = !ws ? 1 + below(machine_.mxu.rows) : c.outer == 1 && c.k_last != 0 ? c.k_last : c.k;
    load.n = c.inner == 1 && c.n_last != 0 ? c.n_last : c.n;
    if (!ws) load.b_addr = isa::LocalAddr::spm(0);
    load.k_last = load.n_last = 0;
    load.inner = load.outer = 1;
    c.resident = ws && !one_in(6);
    if (one_in(6)) program.issues.push_back({load, arrival()});  // overwritten by the next one
    program.issues.push_back({load, arrival()});
  }
  program.issues.push_back({c, arrival()});
}

std::string size_class(const isa::MxuCommand& c, const Machine& machine) {
  const std::uint32_t rows = machine.mxu.rows, cols = machine.mxu.cols;
  const std::uint32_t tile_k = rows * machine.mxu.rate(c.dtype).chain;
  if (c.inner > 1 || c.outer > 1 || c.m > rows || c.k > tile_k) return "larger than the array";
  return c.n == cols && (c.k == tile_k || c.m == rows) ? "the array's size" : "smaller than the array";
}

class Comparison {
 public:
  Comparison(const Machine& machine, const Program& program, What what, Coverage& coverage)
      : machine_(machine),
        program_(program),
        what_(what),
        coverage_(coverage),
        local_(machine, true),
        mxu_(machine, local_) {
    std::memcpy(local_.at(isa::LocalAddr::spm(0)), program.memories.spm.data(), program.memories.spm.size());
    std::memcpy(local_.at(isa::LocalAddr::acc(0)), program.memories.acc.data(), program.memories.acc.size());
  }

  std::optional<std::string> command(std::size_t i, const rtl::Observed& rtl);
  std::optional<std::string> memories(const rtl::Memories& rtl) const;

 private:
  std::optional<std::string> cycles(std::size_t i, const core::CommandTimes& times,
                                    const rtl::Observed& rtl) const;
  std::optional<std::string> bits(std::size_t i, const rtl::Observed& rtl) const;
  void count(const isa::MxuCommand& c, const rtl::Observed& rtl);

  const Machine& machine_;
  const Program& program_;
  What what_;
  Coverage& coverage_;
  memory::LocalMemory local_;
  core::Mxu mxu_;
  Cycle ready_, accept_;
  std::uint64_t previous_end_ = 0, stall_acc_ = 0, stall_bank_ = 0;
};

std::optional<std::string> Comparison::command(std::size_t i, const rtl::Observed& rtl) {
  const isa::MxuCommand& c = program_.issues[i].command;
  ready_ = std::max(Cycle(program_.issues[i].arrival), accept_);
  mxu_.ledger().mark(ready_, core::Owner::idle);
  const core::CommandTimes times = c.instruction == isa::Instruction::mxu_load
                                       ? mxu_.load(c, ready_)
                                       : mxu_.compute(c, c.instruction == isa::Instruction::mxu_os, ready_);
  accept_ = times.next_accept;
  count(c, rtl);
  if (what_ == What::BitsAndCycles)
    if (auto difference = cycles(i, times, rtl)) return difference;
  return bits(i, rtl);
}

std::optional<std::string> Comparison::cycles(std::size_t i, const core::CommandTimes& times,
                                              const rtl::Observed& rtl) const {
  const bool load = program_.issues[i].command.instruction == isa::Instruction::mxu_load;
  const auto differs = [&](const char* what, std::uint64_t core,
                           std::uint64_t seen) -> std::optional<std::string> {
    if (core == seen) return std::nullopt;
    return fmt::format("command {}: {} in cycle {}, in RTL {}", i, what, core, seen);
  };
  if (auto d = differs("taken", ready_.count(), rtl.taken)) return d;
  if (auto d = differs("starts", times.start.count(), rtl.start)) return d;
  if (!load)
    if (auto d = differs("stream ends", mxu_.stream_free().count(), rtl.stream_end)) return d;
  return differs("ends", times.end.count(), rtl.end);
}

std::optional<std::string> Comparison::bits(std::size_t i, const rtl::Observed& rtl) const {
  for (const auto& [word, value] : rtl.written) {
    std::uint32_t core = 0;
    std::memcpy(&core, local_.at(isa::LocalAddr::acc(word * 4)), 4);
    if (core != value)
      return fmt::format("command {}: ACC word {} is {:08X}, in RTL {:08X}", i, word, core, value);
  }
  return std::nullopt;
}

std::optional<std::string> Comparison::memories(const rtl::Memories& rtl) const {
  const bool same = std::memcmp(local_.at(isa::LocalAddr::acc(0)), rtl.acc.data(), rtl.acc.size()) == 0;
  return same ? std::nullopt : std::optional<std::string>("ACC differs where no command of the RTL wrote");
}

void Comparison::count(const isa::MxuCommand& c, const rtl::Observed& rtl) {
  ++coverage_["commands"];
  const bool load = c.instruction == isa::Instruction::mxu_load,
             os = c.instruction == isa::Instruction::mxu_os;
  const char* flow = load ? "mxu.load" : os ? "mxu.os" : "mxu.ws";
  if (load) ++coverage_[fmt::format("{} {}", flow, to_string(c.dtype))];
  else ++coverage_[fmt::format("{} {} {}", flow, to_string(c.dtype), size_class(c, machine_))];
  const auto feature = [&](bool has, const char* what) {
    coverage_[fmt::format("{}: {}", flow, what)] += has;
  };
  feature(c.b_n_major, "B transposed");
  if (!is_float(c.dtype)) {
    feature(c.a_zero != 0, "a zero point of A");
    feature(c.b_zero != 0, "a zero point of B");
  }
  feature(c.b_format != isa::StationaryFormat::same, "B of a type of its own");
  if (!os) feature(c.group != 0, "B dequantised");
  feature(rtl.start < previous_end_, "begins before the one before it ends");
  previous_end_ = std::max(previous_end_, rtl.end);
  if (load) return;
  const std::uint64_t acc = mxu_.ledger().of(core::Owner::stall_acc).count();
  const std::uint64_t bank = mxu_.ledger().of(core::Owner::stall_bank).count();
  feature(c.a_k_major, "A transposed");
  feature(c.accumulate, "accumulates");
  feature(c.skip_minus_zero, "skips -0");
  feature(bank != stall_bank_, "stalls for SPM banks");
  feature(acc != stall_acc_, "waits for ACC or for a drain");
  if (!os) feature(c.resident, "resident");
  if (machine_.mxu.rate(c.dtype).chain == 2) feature(c.k % 2 != 0, "an odd k at double rate");
  stall_acc_ = acc;
  stall_bank_ = bank;
}

}  // namespace

Machine machine_of(rtl::Array array, std::uint32_t banks, std::uint32_t bank_bytes) {
  const rtl::ArraySize size = rtl::size_of(array);
  Machine m;
  m.spm = {kSpmKib, banks, bank_bytes};
  m.acc = {kAccKib, 16, 16};
  m.mxu.rows = size.rows;
  m.mxu.cols = size.cols;
  m.mxu.load_rows_per_cycle = size.load_rows;
  m.mxu.pe_latency = 1;
  for (const DType type : {DType::bf16, DType::f16, DType::e4m3, DType::e5m2})
    m.mxu.rates[static_cast<std::size_t>(type)] = {1, 1};
  m.mxu.rates[static_cast<std::size_t>(DType::f32)] = {1, 4};
  for (const DType type : {DType::s8, DType::u8})
    m.mxu.rates[static_cast<std::size_t>(type)] = {size.s8_chain, 1};
  return m;
}

rtl::BankModel banks_of(const Machine& machine) {
  return [&machine](const rtl::Access& access) {
    const DType type = access.bits == 4    ? DType::s4
                       : access.bits == 8  ? DType::s8
                       : access.bits == 16 ? DType::bf16
                                           : DType::f32;
    return core::feed_cycles(machine.spm,
                             {access.contiguous_across, access.across, access.steps, type, access.stride});
  };
}

Program random_program(std::mt19937_64& random, const Machine& machine, std::size_t commands,
                       Columns columns) {
  Program program;
  Generator generator(random, machine, columns);
  generator.fill(program.memories);
  while (program.issues.size() < commands) generator.append(program);
  return program;
}

std::optional<std::string> compare(const Machine& machine, rtl::MxuModel& rtl, const Program& program,
                                   Coverage& coverage, What what) {
  rtl::Memories memories = program.memories;
  const std::vector<rtl::Observed> observed = rtl.run(program.issues, memories);
  Comparison comparison(machine, program, what, coverage);
  for (std::size_t i = 0; i < observed.size(); ++i)
    if (auto difference = comparison.command(i, observed[i])) return difference;
  return comparison.memories(memories);
}

}  // namespace assay::test
