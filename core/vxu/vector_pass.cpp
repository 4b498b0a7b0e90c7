#include "core/vxu/vector_pass.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "core/numerics/convert.hpp"
#include "core/vxu/clones.hpp"
#include "core/vxu/functions.hpp"

namespace assay::core {
namespace {

ASSAY_VECTOR_CLONES void multiply_add(const float* scale, const float* x, const float* bias, float* t,
                                      std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) t[i] = std::fma(scale[i], x[i], bias[i]);
}

// One row of an operand as an array of T (float or s32), broadcasts expanded.
template <typename T, typename Widen>
void fetch(const PassOperand& operand, std::size_t row, std::size_t cols, T* out, Widen widen) {
  if (operand.source == isa::OperandSource::immediate) {
    T value;
    std::memcpy(&value, &operand.immediate, sizeof value);
    std::fill(out, out + cols, value);
    return;
  }
  const std::byte* line = operand.data + static_cast<std::ptrdiff_t>(row) * operand.row_stride;
  if (operand.col_stride != 0 && operand.col_stride != static_cast<std::ptrdiff_t>(size_of(operand.dtype))) {
    for (std::size_t i = 0; i < cols; ++i)
      widen(operand.dtype, line + static_cast<std::ptrdiff_t>(i) * operand.col_stride, out + i,
            std::size_t{1});
    return;
  }
  const std::size_t distinct = operand.col_stride == 0 ? 1 : cols;
  widen(operand.dtype, line, out, distinct);
  if (distinct == 1) std::fill(out, out + cols, out[0]);
}

// Maximum: NaN wins, +0 > -0.
float larger(float a, float b) {
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<float>::quiet_NaN();
  if (a == b) return std::signbit(a) ? b : a;
  return a > b ? a : b;
}

float smaller(float a, float b) { return -larger(-a, -b); }

struct FloatRow {
  std::vector<float> x, scale, bias, t;
  explicit FloatRow(std::size_t cols) : x(cols), scale(cols), bias(cols), t(cols) {}
};

// t from the operands, by the operation.
void combine(const Pass& pass, FloatRow& row) {
  const std::size_t n = pass.cols;
  const float *x = row.x.data(), *scale = row.scale.data(), *bias = row.bias.data();
  float* t = row.t.data();
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
    case isa::VectorOperation::multiply_add: break;
  }
  const bool scaled = pass.scale.source != isa::OperandSource::none;
  const bool biased = pass.bias.source != isa::OperandSource::none;
  if (scaled && biased) {
    multiply_add(scale, x, bias, t, n);
  } else if (scaled) {
    for (std::size_t i = 0; i < n; ++i) t[i] = scale[i] * x[i];
  } else if (biased) {
    for (std::size_t i = 0; i < n; ++i) t[i] = x[i] + bias[i];
  } else {
    std::copy(x, x + n, t);
  }
}

// Where no NaN is but the canonical one, floats in this order are the integers in theirs: -Inf first, -0
// before +0, NaN last.
ASSAY_ALWAYS_INLINE std::int32_t order(std::int32_t bits) { return bits ^ ((bits >> 31) & 0x7FFFFFFF); }

ASSAY_VECTOR_CLONES std::int32_t last_in_order(const float* t, std::size_t n, std::int32_t last) {
  for (std::size_t i = 0; i < n; ++i) {
    std::int32_t bits;
    std::memcpy(&bits, t + i, sizeof bits);
    last = std::max(last, order(bits));
  }
  return last;
}

void reduce_maximum(const Pass& pass, const float* t, std::byte* place) {
  float maximum = -std::numeric_limits<float>::infinity();
  if (pass.reduce_accumulate) std::memcpy(&maximum, place, sizeof maximum);
  canonicalize_nans(&maximum, 1);
  std::int32_t bits;
  std::memcpy(&bits, &maximum, sizeof bits);
  bits = order(last_in_order(t, pass.cols, order(bits)));  // order() is its own inverse
  std::memcpy(place, &bits, sizeof bits);
}

void reduce_sum(const Pass& pass, const float* t, std::byte* place) {
  float stripes[kSumStripes] = {};
  if (pass.reduce_accumulate) std::memcpy(stripes, place, sizeof stripes);
  std::size_t i = 0, stripe = pass.column_base % kSumStripes;
  while (i < pass.cols) {
    const std::size_t count = std::min(kSumStripes - stripe, pass.cols - i);
    for (std::size_t j = 0; j < count; ++j) stripes[stripe + j] += t[i + j];
    i += count;
    stripe = 0;
  }
  // A stripe that took no element keeps its bits.
  for (i = 0; i < std::min(pass.cols, kSumStripes); ++i)
    canonicalize_nans(&stripes[(pass.column_base + i) % kSumStripes], 1);
  std::memcpy(place, stripes, sizeof stripes);
}

// t has no NaN but canonical ones.
void reduce_row(const Pass& pass, std::size_t row, const float* t) {
  std::byte* place = pass.reduced + static_cast<std::ptrdiff_t>(row) * pass.reduced_row_stride;
  if (pass.reduction == isa::Reduction::max) reduce_maximum(pass, t, place);
  else reduce_sum(pass, t, place);
}

void float_row(const Pass& pass, std::size_t row, FloatRow& buffers) {
  const std::size_t n = pass.cols;
  float* t = buffers.t.data();
  fetch(pass.x, row, n, buffers.x.data(), to_f32);
  if (pass.scale.source != isa::OperandSource::none) fetch(pass.scale, row, n, buffers.scale.data(), to_f32);
  if (pass.bias.source != isa::OperandSource::none) fetch(pass.bias, row, n, buffers.bias.data(), to_f32);
  combine(pass, buffers);
  apply(pass.function, t, n);
  canonicalize_nans(t, n);
  if (pass.reduction != isa::Reduction::none) reduce_row(pass, row, t);
  if (pass.out == nullptr) return;
  from_f32(pass.out_dtype, t, pass.out + static_cast<std::ptrdiff_t>(row) * pass.out_row_stride, n);
}

struct IntegerRow {
  std::vector<std::int32_t> x, scale, bias, t;
  explicit IntegerRow(std::size_t cols) : x(cols), scale(cols, 1), bias(cols, 0), t(cols) {}
};

// Division truncates; by zero it gives 0, and -2^31 / -1 wraps.
std::int32_t quotient(std::int32_t x, std::int32_t by) {
  if (by == 0) return 0;
  return by == -1 ? static_cast<std::int32_t>(-static_cast<std::uint32_t>(x)) : x / by;
}

std::int32_t combine(isa::VectorOperation operation, std::int32_t x, std::int32_t scale, std::int32_t bias) {
  switch (operation) {
    case isa::VectorOperation::divide: return quotient(x, scale);
    case isa::VectorOperation::maximum: return std::max(x, bias);
    case isa::VectorOperation::minimum: return std::min(x, bias);
    case isa::VectorOperation::multiply_add: break;
  }
  const auto product = static_cast<std::uint32_t>(scale) * static_cast<std::uint32_t>(x);
  return static_cast<std::int32_t>(product + static_cast<std::uint32_t>(bias));
}

void integer_row(const Pass& pass, std::size_t row, IntegerRow& buffers) {
  const std::size_t n = pass.cols;
  fetch(pass.x, row, n, buffers.x.data(), to_s32);
  if (pass.scale.source != isa::OperandSource::none) fetch(pass.scale, row, n, buffers.scale.data(), to_s32);
  if (pass.bias.source != isa::OperandSource::none) fetch(pass.bias, row, n, buffers.bias.data(), to_s32);
  for (std::size_t i = 0; i < n; ++i) {
    const std::int32_t t = combine(pass.operation, buffers.x[i], buffers.scale[i], buffers.bias[i]);
    buffers.t[i] = pass.function == isa::VectorFunction::relu ? std::max(t, 0) : t;
  }
  from_s32(pass.out_dtype, buffers.t.data(),
           pass.out + static_cast<std::ptrdiff_t>(row) * pass.out_row_stride, n);
}

}  // namespace

void run_pass(const Pass& pass) {
  if (is_float(pass.out_dtype)) {
    FloatRow buffers(pass.cols);
    for (std::size_t row = 0; row < pass.rows; ++row) float_row(pass, row, buffers);
  } else {
    IntegerRow buffers(pass.cols);
    for (std::size_t row = 0; row < pass.rows; ++row) integer_row(pass, row, buffers);
  }
}

}  // namespace assay::core
