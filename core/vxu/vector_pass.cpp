#include "core/vxu/vector_pass.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "core/clones.hpp"
#include "core/numerics/convert.hpp"
#include "core/vxu/functions.hpp"

namespace assay::core {
namespace {

ASSAY_VECTOR_CLONES void multiply_add(const float* scale, const float* x, const float* bias, float* t,
                                      std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) t[i] = std::fma(scale[i], x[i], bias[i]);
}

// The columns of one row of an operand as an array of T (float or s32), broadcasts expanded.
template <typename T, typename Widen>
void fetch(const PassOperand& operand, std::size_t row, Columns columns, T* out, Widen widen) {
  const std::size_t n = columns.count;
  if (operand.source == isa::OperandSource::immediate) {
    T value;
    std::memcpy(&value, &operand.immediate, sizeof value);
    std::fill(out, out + n, value);
    return;
  }
  const std::byte* line = operand.data + static_cast<std::ptrdiff_t>(row) * operand.row_stride +
                          static_cast<std::ptrdiff_t>(columns.from) * operand.col_stride;
  const std::size_t distinct = operand.col_stride == 0 ? std::min<std::size_t>(n, 1) : n;
  widen(operand.dtype, line, out, distinct);
  if (operand.col_stride == 0) std::fill(out, out + n, out[0]);
}

struct IntegerRow {
  std::vector<std::int32_t> x, scale, bias, t, chosen;
  explicit IntegerRow(std::size_t cols) : x(cols), scale(cols, 1), bias(cols, 0), t(cols), chosen(cols) {}
};

struct FloatRow {
  std::vector<float> x, scale, bias, t;
  IntegerRow integers;
  FloatRow(const Pass& pass, std::size_t cols)
      : x(cols), scale(cols), bias(cols), t(cols), integers(needs_integers(pass) ? cols : 0) {}

  static bool needs_integers(const Pass& pass) {
    return pass.operation == isa::VectorOperation::requantise || pass.mask.bytes != nullptr;
  }
};

bool given(const PassOperand& operand) { return operand.source != isa::OperandSource::none; }

// --- Float passes ----------------------------------------------------------------------------------------

// f32(x - zero + bias), formed modulo 2^32.
ASSAY_VECTOR_CLONES void integer_sum(const std::int32_t* x, std::int32_t zero, const std::int32_t* bias,
                                     float* sum, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i)
    sum[i] = static_cast<float>(static_cast<std::int32_t>(static_cast<std::uint32_t>(x[i]) -
                                                          static_cast<std::uint32_t>(zero) +
                                                          static_cast<std::uint32_t>(bias[i])));
}

void fetch_operands(const Pass& pass, std::size_t row, Columns columns, FloatRow& buffers) {
  if (given(pass.scale)) fetch(pass.scale, row, columns, buffers.scale.data(), to_f32);
  if (pass.operation == isa::VectorOperation::requantise) {
    IntegerRow& integers = buffers.integers;
    fetch(pass.x, row, columns, integers.x.data(), to_s32);
    if (given(pass.bias)) fetch(pass.bias, row, columns, integers.bias.data(), to_s32);
    integer_sum(integers.x.data(), pass.x_zero, integers.bias.data(), buffers.x.data(), columns.count);
    return;
  }
  fetch(pass.x, row, columns, buffers.x.data(), to_f32);
  if (pass.x_zero != 0)  // exact: x is of 8 bits
    for (std::size_t i = 0; i < columns.count; ++i) buffers.x[i] -= static_cast<float>(pass.x_zero);
  if (given(pass.bias)) fetch(pass.bias, row, columns, buffers.bias.data(), to_f32);
}

// t from the operands, by the operation.
void combine(const Pass& pass, const FloatRow& row, float* t, std::size_t n) {
  const float *x = row.x.data(), *scale = row.scale.data(), *bias = row.bias.data();
  switch (pass.operation) {
    case isa::VectorOperation::divide:
      for (std::size_t i = 0; i < n; ++i) t[i] = x[i] / scale[i];
      return;
    case isa::VectorOperation::maximum:
      for (std::size_t i = 0; i < n; ++i) t[i] = larger(x[i], bias[i]);
      return;
    case isa::VectorOperation::minimum:
      for (std::size_t i = 0; i < n; ++i) t[i] = smaller(x[i], bias[i]);
      return;
    case isa::VectorOperation::add_add:
      for (std::size_t i = 0; i < n; ++i) t[i] = (x[i] + bias[i]) + scale[i];
      return;
    case isa::VectorOperation::multiply_add:
    case isa::VectorOperation::requantise: break;
  }
  const bool biased = given(pass.bias) && pass.operation == isa::VectorOperation::multiply_add;
  if (given(pass.scale) && biased) {
    multiply_add(scale, x, bias, t, n);
  } else if (given(pass.scale)) {
    for (std::size_t i = 0; i < n; ++i) t[i] = scale[i] * x[i];
  } else if (biased) {
    for (std::size_t i = 0; i < n; ++i) t[i] = x[i] + bias[i];
  } else {
    std::copy(x, x + n, t);
  }
}

// Of what the range leaves, without the elements that the bytes leave out; these become -0 in t.
void reduce_chosen(const Pass& pass, Columns columns, const std::int32_t* chosen, float* t, float* scratch,
                   std::byte* place) {
  const std::size_t n = columns.count;
  if (pass.reduction == isa::Reduction::max) {
    select(chosen, t, -std::numeric_limits<float>::infinity(), scratch, n);
    reduce_maximum(scratch, any_of(chosen, n) ? n : 0, pass.reduce_accumulate, place);
  }
  select(chosen, t, -0.0F, t, n);
  if (pass.reduction == isa::Reduction::sum)
    reduce_sum(t, chosen, n, pass.column_base + columns.from, pass.reduce_accumulate, place);
}

void reduce_all(const Pass& pass, Columns columns, const float* t, std::byte* place) {
  if (pass.reduction == isa::Reduction::max) reduce_maximum(t, columns.count, pass.reduce_accumulate, place);
  if (pass.reduction == isa::Reduction::sum)
    reduce_sum(t, nullptr, columns.count, pass.column_base + columns.from, pass.reduce_accumulate, place);
}

// The row of t, -0 where an element takes no part, in the output's type.
void write_row(const Pass& pass, std::size_t row, Columns columns, const std::int32_t* chosen, float* t) {
  std::byte* line = pass.out + static_cast<std::ptrdiff_t>(row) * pass.out_row_stride;
  std::fill(t, t + columns.from, -0.0F);
  std::fill(t + columns.end(), t + pass.cols, -0.0F);
  if (is_float(pass.out_dtype)) return from_f32(pass.out_dtype, t, line, pass.cols, pass.saturate);
  quantise(pass.out_dtype, t, pass.out_zero, line, pass.cols);
  if (!pass.mask.present()) return;
  const std::size_t element = size_of(pass.out_dtype);
  for (std::size_t j = 0; j < pass.cols; ++j) {
    const bool inside = j >= columns.from && j < columns.end();
    if (!inside || (chosen != nullptr && chosen[j - columns.from] == 0))
      std::memset(line + j * element, 0, element);
  }
}

void float_row(const Pass& pass, std::size_t row, FloatRow& buffers) {
  const Columns columns = columns_in_range(pass.mask, row, pass.cols);
  float* t = buffers.t.data() + columns.from;
  fetch_operands(pass, row, columns, buffers);
  combine(pass, buffers, t, columns.count);
  apply(pass.function, pass.clip, t, columns.count);
  canonicalize_nans(t, columns.count);
  std::byte* place = pass.reduced + static_cast<std::ptrdiff_t>(row) * pass.reduced_row_stride;
  std::int32_t* chosen = nullptr;
  if (pass.mask.bytes != nullptr) {
    chosen = buffers.integers.chosen.data();
    choose_by_bytes(pass.mask, row, columns, chosen);
    reduce_chosen(pass, columns, chosen, t, buffers.x.data(), place);
  } else {
    reduce_all(pass, columns, t, place);
  }
  if (pass.out != nullptr) write_row(pass, row, columns, chosen, buffers.t.data());
}

// --- Integer passes --------------------------------------------------------------------------------------

// Division truncates; by zero it gives 0, and -2^31 / -1 wraps.
std::int32_t quotient(std::int32_t x, std::int32_t by) {
  if (by == 0) return 0;
  return by == -1 ? static_cast<std::int32_t>(-static_cast<std::uint32_t>(x)) : x / by;
}

std::int32_t combine(isa::VectorOperation operation, std::int32_t x, std::int32_t scale, std::int32_t bias) {
  const auto u = [](std::int32_t v) { return static_cast<std::uint32_t>(v); };
  switch (operation) {
    case isa::VectorOperation::divide: return quotient(x, scale);
    case isa::VectorOperation::maximum: return std::max(x, bias);
    case isa::VectorOperation::minimum: return std::min(x, bias);
    case isa::VectorOperation::add_add: return static_cast<std::int32_t>(u(x) + u(bias) + u(scale));
    case isa::VectorOperation::multiply_add:
    case isa::VectorOperation::requantise: break;  // the latter is a float pass
  }
  return static_cast<std::int32_t>(u(scale) * u(x) + u(bias));
}

void integer_row(const Pass& pass, std::size_t row, IntegerRow& buffers) {
  const Columns columns = columns_in_range(pass.mask, row, pass.cols);
  fetch(pass.x, row, columns, buffers.x.data(), to_s32);
  if (given(pass.scale)) fetch(pass.scale, row, columns, buffers.scale.data(), to_s32);
  if (given(pass.bias)) fetch(pass.bias, row, columns, buffers.bias.data(), to_s32);
  std::fill(buffers.t.begin(), buffers.t.end(), 0);
  std::int32_t* t = buffers.t.data() + columns.from;
  for (std::size_t i = 0; i < columns.count; ++i) {
    const auto x = static_cast<std::int32_t>(static_cast<std::uint32_t>(buffers.x[i]) -
                                             static_cast<std::uint32_t>(pass.x_zero));
    t[i] = combine(pass.operation, x, buffers.scale[i], buffers.bias[i]);
  }
  apply(pass.function, pass.clip, t, columns.count);
  if (pass.mask.bytes != nullptr) {
    choose_by_bytes(pass.mask, row, columns, buffers.chosen.data());
    select(buffers.chosen.data(), t, columns.count);
  }
  from_s32(pass.out_dtype, buffers.t.data(),
           pass.out + static_cast<std::ptrdiff_t>(row) * pass.out_row_stride, pass.cols);
}

}  // namespace

bool integer_pass(isa::VectorOperation operation, DType x, DType out) {
  return !is_float(out) && !is_float(x) && operation != isa::VectorOperation::requantise;
}

void run_pass(const Pass& pass) {
  if (integer_pass(pass.operation, pass.x.dtype, pass.out_dtype)) {
    IntegerRow buffers(pass.cols);
    for (std::size_t row = 0; row < pass.rows; ++row) integer_row(pass, row, buffers);
  } else {
    FloatRow buffers(pass, pass.cols);
    for (std::size_t row = 0; row < pass.rows; ++row) float_row(pass, row, buffers);
  }
}

}  // namespace assay::core
