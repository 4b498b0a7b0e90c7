#include <fmt/format.h>

#include <array>
#include <limits>
#include <optional>

#include "golden/machine/commands.hpp"
#include "golden/strict/conversions.hpp"
#include "golden/strict/functions.hpp"
#include "golden/strict/reduction.hpp"
#include "golden/strict/vector_pass.hpp"

namespace assay::golden::machine {
namespace {

using Op = isa::VectorOperation;
using F = isa::VectorFunction;
using Source = isa::OperandSource;

bool integer_pass(const isa::VxuCommand& c) {
  return !is_float(c.out_dtype) && !is_float(c.x_dtype) && c.operation != Op::requantise;
}

// x, scale or bias, as the registers describe it.
struct Operand {
  const char* name;
  Source source;
  DType type;
  std::uint32_t immediate;
  Place base;
  std::int64_t row_stride, col_stride;
  bool summed;  // x and bias: requantise adds them as integers

  std::int64_t width() const { return static_cast<std::int64_t>(size_of(type)); }
  Place at(std::int64_t i, std::int64_t j) const { return base + i * row_stride + j * col_stride; }
};

std::array<Operand, 3> operands_of(const isa::VxuCommand& c) {
  return {{{"x", Source::memory, c.x_dtype, 0, place_of(c.x_addr), c.x_row_stride, c.x_col_stride, true},
           {"scale", c.scale_source, c.scale_dtype, c.scale_imm, place_of(c.scale_addr), c.scale_row_stride,
            c.scale_col_stride, false},
           {"bias", c.bias_source, c.bias_dtype, c.bias_imm, place_of(c.bias_addr), c.bias_row_stride,
            c.bias_col_stride, true}}};
}

// Rows of `bytes` each lie in their memory.
bool rows_inside(const Memories& memories, Place base, std::int64_t row_stride, std::uint64_t rows,
                 std::uint64_t bytes) {
  const Place last = base + static_cast<std::int64_t>(rows - 1) * row_stride;
  return memories.contains(base, bytes) && memories.contains(last, bytes);
}

std::string refuse_operation(const isa::VxuCommand& c) {
  const bool scale = c.scale_source != Source::none, bias = c.bias_source != Source::none;
  if (c.operation == Op::divide && (!scale || bias)) return "divide takes a scale and no bias";
  if ((c.operation == Op::maximum || c.operation == Op::minimum) && (scale || !bias))
    return "maximum and minimum take a bias and no scale";
  if (c.operation == Op::add_add && !(scale && bias)) return "add_add takes both operands";
  const bool simple = c.function == F::identity || c.function == F::relu || c.function == F::clip;
  if (integer_pass(c) && !simple) return "an integer pass has no such function";
  if (integer_pass(c) && c.out_zero != 0) return "an integer pass has no out_zero";
  if (is_float(c.x_dtype) && c.x_zero != 0) return "x_zero of a float";
  if (is_float(c.out_dtype) && c.out_zero != 0) return "out_zero of a float";
  if (c.reduction != isa::Reduction::none && integer_pass(c)) return "an integer pass reduces nothing";
  if (c.reduction == isa::Reduction::none && c.reduce_only) return "reduce_only without a reduction";
  return {};
}

std::string refuse_operand(const isa::VxuCommand& c, const Operand& o, const Memories& memories) {
  if (o.source != Source::memory) return {};
  if (o.summed && c.operation == Op::requantise) {
    if (is_float(o.type)) return fmt::format("{}: a float is not requantised", o.name);
  } else if (integer_pass(c) ? is_float(o.type) : o.type == DType::s32) {
    return fmt::format("{}: {} has no place in this pass", o.name, to_string(o.type));
  }
  if (o.col_stride != 0 && o.col_stride != o.width()) return fmt::format("{}: its column stride", o.name);
  const std::uint64_t row = size_of(o.type) * (o.col_stride == 0 ? 1 : c.cols);
  if (!rows_inside(memories, o.base, o.row_stride, c.rows, row))
    return fmt::format("{} reaches beyond {}", o.name, to_string(o.base.space));
  return {};
}

std::string refuse(const isa::VxuCommand& c, const Memories& memories) {
  if (std::uint64_t{c.rows} * c.cols > std::uint64_t{1} << 32) return "more than 2^32 elements";
  if (std::string problem = refuse_operation(c); !problem.empty()) return problem;
  for (const Operand& o : operands_of(c))
    if (std::string problem = refuse_operand(c, o, memories); !problem.empty()) return problem;
  if (c.mask_by_bytes && !rows_inside(memories, place_of(c.mask_addr), c.mask_row_stride, c.rows, c.cols))
    return "the mask reaches beyond its memory";
  const Place out = place_of(c.out_addr);
  if (!c.reduce_only && !rows_inside(memories, out, c.out_row_stride, c.rows, c.cols * size_of(c.out_dtype)))
    return fmt::format("the output reaches beyond {}", to_string(out.space));
  if (c.reduction == isa::Reduction::none) return {};
  const Place reduced = place_of(c.reduce_addr);
  if (reduced.space != Space::acc) return "the reduction lies outside ACC";
  const std::uint64_t bytes = c.reduction == isa::Reduction::sum ? strict::kStripes * 4 : 4;
  if (!rows_inside(memories, reduced, c.reduce_row_stride, c.rows, bytes))
    return "the reduction reaches beyond ACC";
  return {};
}

// The operand's value at (i, j), in the pass's arithmetic; nothing where it has none.
std::array<std::byte, 4> bytes_of(const Operand& o, std::int64_t i, std::int64_t j, Memories& memories) {
  std::array<std::byte, 4> bytes{};
  memories.read(o.at(i, j), reinterpret_cast<std::uint8_t*>(bytes.data()), size_of(o.type));
  return bytes;
}
std::optional<float> real(const Operand& o, std::int64_t i, std::int64_t j, Memories& memories) {
  if (o.source == Source::none) return std::nullopt;
  if (o.source == Source::immediate) return strict::from_bits(o.immediate);
  return strict::load_f32(o.type, bytes_of(o, i, j, memories).data(), 0);
}
std::optional<std::int32_t> integer(const Operand& o, std::int64_t i, std::int64_t j, Memories& memories) {
  if (o.source == Source::none) return std::nullopt;
  if (o.source == Source::immediate) return static_cast<std::int32_t>(o.immediate);
  return strict::load_s32(o.type, bytes_of(o, i, j, memories).data(), 0);
}

strict::Function function_of(F f) {
  using S = strict::Function;
  switch (f) {
    case F::relu: return S::Relu;
    case F::exp2: return S::Exp2;
    case F::reciprocal: return S::Reciprocal;
    case F::ceil: return S::Ceil;
    case F::tanh: return S::Tanh;
    case F::sigmoid: return S::Sigmoid;
    case F::silu: return S::Silu;
    case F::gelu: return S::Gelu;
    case F::gelu_tanh: return S::GeluTanh;
    case F::erf: return S::Erf;
    case F::log2: return S::Log2;
    case F::sqrt: return S::Sqrt;
    case F::rsqrt: return S::Rsqrt;
    case F::identity:
    case F::clip: break;
  }
  return S::Identity;
}

strict::Operation operation_of(Op operation) {
  switch (operation) {
    case Op::divide: return strict::Operation::Divide;
    case Op::maximum: return strict::Operation::Maximum;
    case Op::minimum: return strict::Operation::Minimum;
    case Op::add_add: return strict::Operation::AddAdd;
    case Op::multiply_add:
    case Op::requantise: break;
  }
  return strict::Operation::MultiplyAdd;
}

// f(what the operation makes of the operands), in f32.
float float_value(const isa::VxuCommand& c, std::int64_t i, std::int64_t j, Memories& memories) {
  const auto [x, scale, bias] = operands_of(c);
  float t = 0;
  if (c.operation == Op::requantise) {
    const std::int32_t value =
        strict::without_zero(integer(x, i, j, memories).value(), static_cast<std::int32_t>(c.x_zero));
    t = strict::requantise(value, real(scale, i, j, memories), integer(bias, i, j, memories),
                           function_of(c.function));
  } else {
    const float value =
        is_float(c.x_dtype)
            ? real(x, i, j, memories).value()
            : strict::f32_from_s32(integer(x, i, j, memories).value() - static_cast<std::int32_t>(c.x_zero));
    t = strict::vector_pass(value, real(scale, i, j, memories), real(bias, i, j, memories),
                            function_of(c.function), operation_of(c.operation));
  }
  if (c.function == F::clip) t = strict::clip(t, strict::from_bits(c.clip_lo), strict::from_bits(c.clip_hi));
  return strict::canonical(t);
}

std::int32_t integer_value(const isa::VxuCommand& c, std::int64_t i, std::int64_t j, Memories& memories) {
  const auto [x, scale, bias] = operands_of(c);
  const std::int32_t value =
      strict::without_zero(integer(x, i, j, memories).value(), static_cast<std::int32_t>(c.x_zero));
  const std::int32_t t =
      strict::vector_pass(value, integer(scale, i, j, memories), integer(bias, i, j, memories),
                          function_of(c.function), operation_of(c.operation));
  if (c.function != F::clip) return t;
  return strict::clip(t, static_cast<std::int32_t>(c.clip_lo), static_cast<std::int32_t>(c.clip_hi));
}

bool takes_part(const isa::VxuCommand& c, std::int64_t i, std::int64_t j, Memories& memories) {
  bool takes = true;
  if (c.mask_by_bytes) takes = memories.load(place_of(c.mask_addr) + i * c.mask_row_stride + j, 1) != 0;
  if (c.mask_by_range)
    takes = takes && c.mask_lo + i * std::int64_t{c.mask_lo_step} <= j &&
            j < c.mask_hi + i * std::int64_t{c.mask_hi_step};
  return takes;
}

// The stored results of a row's reduction, and what its elements do to them.
class Reduced {
 public:
  Reduced(const isa::VxuCommand& c, std::int64_t row, Memories& memories)
      : c_(c),
        memories_(memories),
        place_(place_of(c.reduce_addr) + row * std::int64_t{c.reduce_row_stride}) {
    const bool sum = c.reduction == isa::Reduction::sum;
    values_.assign(sum ? strict::kStripes : 1, sum ? 0.0F : -std::numeric_limits<float>::infinity());
    for (std::size_t s = 0; s < values_.size() && c.reduce_accumulate; ++s)
      values_[s] = strict::from_bits(static_cast<std::uint32_t>(memories.load(at(s), 4)));
  }
  void take(float t, std::int64_t column) {
    if (c_.reduction == isa::Reduction::max) {
      values_[0] = strict::maximum(values_[0], t);
      return;
    }
    float& stripe = values_[(c_.column_base + static_cast<std::uint64_t>(column)) % strict::kStripes];
    stripe = strict::canonical(stripe + t);
  }
  void store() {
    for (std::size_t s = 0; s < values_.size(); ++s) memories_.store(at(s), 4, strict::bits_of(values_[s]));
  }

 private:
  Place at(std::size_t s) const { return place_ + static_cast<std::int64_t>(s * 4); }

  const isa::VxuCommand& c_;
  Memories& memories_;
  Place place_;
  std::vector<float> values_;
};

void row(const isa::VxuCommand& c, std::int64_t i, Memories& memories) {
  std::optional<Reduced> reduced;
  if (c.reduction != isa::Reduction::none) reduced.emplace(c, i, memories);
  const std::size_t width = size_of(c.out_dtype);
  std::vector<std::byte> line(c.cols * width);
  for (std::uint32_t j = 0; j < c.cols; ++j) {
    const bool takes = takes_part(c, i, j, memories);
    if (integer_pass(c)) {
      const std::int32_t value = integer_value(c, i, j, memories), kept = takes ? value : 0;
      for (std::size_t b = 0; b < width; ++b)
        line[j * width + b] = static_cast<std::byte>(static_cast<std::uint32_t>(kept) >> (8 * b));
      continue;
    }
    const float value = float_value(c, i, j, memories);
    if (takes && reduced) reduced->take(value, j);
    if (is_float(c.out_dtype)) {
      strict::store_f32(c.out_dtype, takes ? value : -0.0F, line.data(), j, c.saturate);
      continue;
    }
    const std::int32_t whole =
        takes ? strict::quantise(value, static_cast<std::int32_t>(c.out_zero), c.out_dtype) : 0;
    for (std::size_t b = 0; b < width; ++b)
      line[j * width + b] = static_cast<std::byte>(static_cast<std::uint32_t>(whole) >> (8 * b));
  }
  if (reduced) reduced->store();
  if (!c.reduce_only)
    memories.write(place_of(c.out_addr) + i * c.out_row_stride,
                   reinterpret_cast<const std::uint8_t*>(line.data()), line.size());
}

}  // namespace

std::string vector_pass(const isa::VxuCommand& c, Memories& memories) {
  if (std::string problem = refuse(c, memories); !problem.empty()) return problem;
  for (std::uint32_t i = 0; i < c.rows; ++i) row(c, i, memories);
  return {};
}

}  // namespace assay::golden::machine
