// The arithmetic of the VXU: one pass over a tile, to the bit of docs/numerics.md.
//
//   t = fma(scale, x, bias)   (scale absent: x + bias; bias absent: scale * x; both absent: x)
//   or another of the operations: x / scale, the maximum or minimum of x and bias, ...
//   y = f(t), then an optional row reduction of y, then out = convert(y)
//
// in fp32, or in s32 modulo 2^32 in an integer pass. Elements that the mask leaves out have no part in it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/dtype.hpp"
#include "core/vxu/functions.hpp"
#include "core/vxu/pass_mask.hpp"
#include "core/vxu/row_reduction.hpp"
#include "isa/generated/commands.hpp"

namespace assay::core {

// An operand of the pass, resolved to storage. Strides are bytes; 0 broadcasts.
struct PassOperand {
  isa::OperandSource source = isa::OperandSource::none;
  DType dtype = DType::f32;
  std::uint32_t immediate = 0;
  const std::byte* data = nullptr;
  std::ptrdiff_t row_stride = 0, col_stride = 0;
};

struct Pass {
  std::size_t rows = 0, cols = 0;
  PassOperand x, scale, bias;  // x.source is memory
  isa::VectorOperation operation = isa::VectorOperation::multiply_add;
  isa::VectorFunction function = isa::VectorFunction::identity;
  DType out_dtype = DType::f32;
  bool saturate = false;     // an fp8 output: what overflows becomes the largest value
  std::byte* out = nullptr;  // null: the reduction alone is wanted
  std::ptrdiff_t out_row_stride = 0;

  isa::Reduction reduction = isa::Reduction::none;
  std::byte* reduced = nullptr;  // per row: 64 partial sums, or one maximum, fp32
  std::ptrdiff_t reduced_row_stride = 0;
  bool reduce_accumulate = false;
  std::size_t column_base = 0;  // logical index of the first column: picks the stripe of a sum

  PassMask mask;
  std::int32_t x_zero = 0, out_zero = 0;
  ClipBounds clip;
};

// Whether a pass computes in s32: its output is an integer and its x is one that is not requantised.
bool integer_pass(isa::VectorOperation operation, DType x, DType out);

void run_pass(const Pass& pass);

}  // namespace assay::core
