#include "core/vxu/vxu.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "core/command_fault.hpp"
#include "core/vxu/vector_pass.hpp"
#include "memory/bank_conflicts.hpp"

namespace assay::core {
namespace {

constexpr std::uint64_t kMaxElements = std::uint64_t{1} << 32;
constexpr const char* kScale = "scale";

using Op = isa::VectorOperation;

bool integer_pass(const isa::VxuCommand& c) {
  return core::integer_pass(c.operation, c.x_dtype, c.out_dtype);
}

bool has_integer_form(isa::VectorFunction f) {
  using F = isa::VectorFunction;
  return f == F::identity || f == F::relu || f == F::clip;
}

std::uint64_t reduction_bytes(const isa::VxuCommand& c) {
  return c.reduction == isa::Reduction::sum ? kSumStripes * 4 : 4;
}

memory::LocalBlock output_of(const isa::VxuCommand& c) {
  return {c.out_addr, c.rows, c.cols * size_of(c.out_dtype), c.out_row_stride};
}
memory::LocalBlock reduction_of(const isa::VxuCommand& c) {
  return {c.reduce_addr, c.rows, reduction_bytes(c), c.reduce_row_stride};
}

// Which of scale and bias an operation takes.
void check_operation(const isa::VxuCommand& c) {
  const bool scale = c.scale_source != isa::OperandSource::none;
  const bool bias = c.bias_source != isa::OperandSource::none;
  if (c.operation == Op::divide) require(scale && !bias, "divide takes a scale and no bias");
  if (c.operation == Op::maximum || c.operation == Op::minimum)
    require(bias && !scale, "maximum and minimum take a bias and no scale");
  if (c.operation == Op::add_add) require(scale && bias, "add_add takes a scale and a bias");
}

// An operand's values can be brought into the pass: any exact widening, and what is summed as integers.
void check_type(const isa::VxuCommand& c, const char* name, DType type, bool summed) {
  if (summed && c.operation == Op::requantise)
    require(!is_float(type), "{}: {} cannot be requantised", name, to_string(type));
  else
    require(integer_pass(c) ? !is_float(type) : type != DType::s32,
            "{}: {} cannot enter a pass whose output is {}", name, to_string(type), to_string(c.out_dtype));
}

void check_zeros(const isa::VxuCommand& c) {
  require(c.x_zero == 0 || !is_float(c.x_dtype), "x_zero = {}, but x is {}", c.x_zero, to_string(c.x_dtype));
  require(c.out_zero == 0 || !is_float(c.out_dtype), "out_zero = {}, but the output is {}", c.out_zero,
          to_string(c.out_dtype));
  require(c.out_zero == 0 || !integer_pass(c), "out_zero = {} in an integer pass", c.out_zero);
}

// Calls visit(address, element's bytes, row stride, column stride) for everything read element by element.
template <typename Visit>
void for_each_read(const isa::VxuCommand& c, Visit visit) {
  visit(c.x_addr, size_of(c.x_dtype), c.x_row_stride, c.x_col_stride);
  if (c.scale_source == isa::OperandSource::memory)
    visit(c.scale_addr, size_of(c.scale_dtype), c.scale_row_stride, c.scale_col_stride);
  if (c.bias_source == isa::OperandSource::memory)
    visit(c.bias_addr, size_of(c.bias_dtype), c.bias_row_stride, c.bias_col_stride);
  if (c.mask_by_bytes) visit(c.mask_addr, std::size_t{1}, c.mask_row_stride, 1);
}

}  // namespace

void Vxu::check(const isa::VxuCommand& c) const {
  require(std::uint64_t{c.rows} * c.cols <= kMaxElements, "{} x {} elements; a pass takes at most {}", c.rows,
          c.cols, kMaxElements);
  check_operation(c);
  check_zeros(c);
  require(!integer_pass(c) || has_integer_form(c.function), "{} needs a float pass; this one's output is {}",
          to_string(c.function), to_string(c.out_dtype));
  const auto block_inside = [&](const char* name, const memory::LocalBlock& block) {
    const std::string problem = local_.check(block);
    require(problem.empty(), "{}: {}", name, problem);
  };
  const auto inside = [&](const char* name, isa::LocalAddr base, std::int64_t row_stride,
                          std::uint64_t row_bytes) {
    block_inside(name, {base, c.rows, row_bytes, row_stride});
  };
  const auto operand = [&](const char* name, DType type, isa::LocalAddr base, std::int64_t rows,
                           std::int64_t cols) {
    check_type(c, name, type, name != kScale);
    const auto element = static_cast<std::int64_t>(size_of(type));
    require(cols == 0 || cols == element, "{}: column stride {} is neither 0 nor {}", name, cols, element);
    inside(name, base, rows, cols == 0 ? size_of(type) : c.cols * size_of(type));
  };
  operand("x", c.x_dtype, c.x_addr, c.x_row_stride, c.x_col_stride);
  if (c.scale_source == isa::OperandSource::memory)
    operand(kScale, c.scale_dtype, c.scale_addr, c.scale_row_stride, c.scale_col_stride);
  if (c.bias_source == isa::OperandSource::memory)
    operand("bias", c.bias_dtype, c.bias_addr, c.bias_row_stride, c.bias_col_stride);
  if (c.mask_by_bytes) inside("the mask", c.mask_addr, c.mask_row_stride, c.cols);
  require(!c.reduce_only || c.reduction != isa::Reduction::none, "reduce_only without a reduction");
  if (!c.reduce_only) block_inside("the output", output_of(c));
  if (c.reduction == isa::Reduction::none) return;
  require(!integer_pass(c), "a row reduction needs a float pass");
  require(c.reduce_addr.is_acc(), "the reduction's results must lie in ACC");
  block_inside("the reduction", reduction_of(c));
}

Vxu::Beats Vxu::beats(const isa::VxuCommand& c) const {
  const std::uint64_t lanes = machine_.vxu.lanes;
  const std::uint64_t rows_per_beat = std::max<std::uint64_t>(1, lanes / c.cols);
  const std::uint64_t operation =
      c.operation == isa::VectorOperation::divide ? machine_.vxu.divide_cycles_per_beat : 1;
  const std::uint64_t banks = bank_cycles(c, std::min<std::uint64_t>(rows_per_beat, c.rows));
  return {ceil_div(c.rows, rows_per_beat) * ceil_div(c.cols, lanes), operation, std::max(operation, banks)};
}

// What the slowest operand's banks need for a beat of `rows` rows.
std::uint64_t Vxu::bank_cycles(const isa::VxuCommand& c, std::uint64_t rows) const {
  const std::uint64_t cols = std::min<std::uint64_t>(machine_.vxu.lanes, c.cols);
  std::uint64_t slowest = 1;
  const auto pattern = [&](isa::LocalAddr base, std::uint64_t row_bytes, std::int64_t row_stride) {
    const Machine::LocalMemory& memory = base.is_acc() ? machine_.acc : machine_.spm;
    slowest = std::max(slowest, memory::conflict_cycles(memory, rows, row_bytes, row_stride).count());
  };
  for_each_read(
      c, [&](isa::LocalAddr base, std::size_t element, std::int64_t row_stride, std::int64_t col_stride) {
        pattern(base, (col_stride == 0 ? 1 : cols) * element, row_stride);
      });
  if (!c.reduce_only) pattern(c.out_addr, cols * size_of(c.out_dtype), c.out_row_stride);
  if (c.reduction != isa::Reduction::none) pattern(c.reduce_addr, reduction_bytes(c), c.reduce_row_stride);
  return slowest;
}

// When the pass ends, with what the other engines leave it of the ports. An operand that repeats is read
// once.
Cycle Vxu::pass_ports(const isa::VxuCommand& c, Cycle begin, Cycle cycles) {
  const std::uint64_t rows = c.rows, cols = c.cols;
  std::array<std::uint64_t, 2> reads{}, writes{};  // SPM, ACC
  for_each_read(
      c, [&](isa::LocalAddr base, std::size_t element, std::int64_t row_stride, std::int64_t col_stride) {
        reads[base.is_acc() ? 1 : 0] += (row_stride == 0 ? 1 : rows) * (col_stride == 0 ? 1 : cols) * element;
      });
  if (!c.reduce_only) writes[c.out_addr.is_acc() ? 1 : 0] += rows * cols * size_of(c.out_dtype);
  if (c.reduction != isa::Reduction::none) writes[1] += rows * reduction_bytes(c);
  Cycle end = begin + cycles;
  for (const isa::LocalAddr memory : {isa::LocalAddr::spm(0), isa::LocalAddr::acc(0)}) {
    const std::size_t m = memory.is_acc() ? 1 : 0;
    end = std::max(end, local_.reads(memory).fit(begin, cycles, reads[m]));
    end = std::max(end, local_.writes(memory).fit(begin, cycles, writes[m]));
  }
  return end;
}

void Vxu::account(Cycle begin, Cycle end, const Beats& beats, std::uint64_t elements) {
  ledger_.mark(begin, Owner::setup);
  ledger_.mark(begin + split_.useful(elements * beats.operation), Owner::useful);
  ledger_.mark(begin + Cycle(beats.count * beats.operation), Owner::padding);
  ledger_.mark(end, Owner::stall_bank);
}

void Vxu::run_values(const isa::VxuCommand& c) {
  const memory::LocalMemory& values = local_;
  const auto operand = [&](isa::OperandSource source, DType type, std::uint32_t immediate,
                           isa::LocalAddr base, std::int64_t row_stride, std::int64_t col_stride) {
    PassOperand o{source, type, immediate, nullptr, row_stride, col_stride};
    if (source == isa::OperandSource::memory) o.data = values.at(base);
    return o;
  };
  Pass pass;
  pass.rows = c.rows;
  pass.cols = c.cols;
  pass.x = operand(isa::OperandSource::memory, c.x_dtype, 0, c.x_addr, c.x_row_stride, c.x_col_stride);
  pass.scale = operand(c.scale_source, c.scale_dtype, c.scale_imm, c.scale_addr, c.scale_row_stride,
                       c.scale_col_stride);
  pass.bias =
      operand(c.bias_source, c.bias_dtype, c.bias_imm, c.bias_addr, c.bias_row_stride, c.bias_col_stride);
  pass.operation = c.operation;
  pass.function = c.function;
  pass.out_dtype = c.out_dtype;
  pass.saturate = c.saturate;
  if (!c.reduce_only) pass.out = local_.writable(output_of(c));
  pass.out_row_stride = c.out_row_stride;
  pass.reduction = c.reduction;
  if (c.reduction != isa::Reduction::none) pass.reduced = local_.writable(reduction_of(c));
  pass.reduced_row_stride = c.reduce_row_stride;
  pass.reduce_accumulate = c.reduce_accumulate;
  pass.column_base = c.column_base;
  pass.mask = {c.mask_by_range, c.mask_lo, c.mask_hi, c.mask_lo_step, c.mask_hi_step};
  if (c.mask_by_bytes) pass.mask.bytes = values.at(c.mask_addr);
  pass.mask.row_stride = c.mask_row_stride;
  pass.x_zero = static_cast<std::int32_t>(c.x_zero);
  pass.out_zero = static_cast<std::int32_t>(c.out_zero);
  pass.clip = {c.clip_lo, c.clip_hi};
  run_pass(pass);
}

CommandTimes Vxu::execute(const isa::VxuCommand& c, Cycle ready) { return pass(c, ready); }

CommandTimes Vxu::pass(const isa::VxuCommand& c, Cycle ready) {
  check(c);
  const std::uint64_t elements = std::uint64_t{c.rows} * c.cols;
  const Cycle begin = ready + Cycle(machine_.vxu.setup_cycles);
  const Beats needed = beats(c);
  const Cycle end = pass_ports(c, begin, Cycle(needed.count * needed.with_banks));
  account(begin, end, needed, elements);
  counters_.elements += elements;
  ++counters_.passes;
  if (local_.has_values()) run_values(c);
  writes_visible_ = std::max(writes_visible_, end);
  return {ready, end, end, begin};
}

}  // namespace assay::core
