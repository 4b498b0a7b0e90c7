// Shape and type rules of gemm and matmul, and their common normal form.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.hpp"
#include "base/suggest.hpp"
#include "ops/gemm/gemm_args.h"
#include "ops/gemm/gemm_rules.hpp"
#include "ops/gemm/gemm_spec.hpp"

namespace assay::ops {
namespace {

// A batched matrix while its dimensions are matched: strides in elements, 0 where it broadcasts.
struct Batch {
  std::vector<std::uint64_t> dims, a_strides, b_strides;

  void erase(std::size_t i) {
    const auto at = static_cast<std::ptrdiff_t>(i);
    dims.erase(dims.begin() + at);
    a_strides.erase(a_strides.begin() + at);
    b_strides.erase(b_strides.begin() + at);
  }
};

std::uint64_t dim_of(const Shape& shape, std::size_t from_end) {
  return from_end < shape.size() ? static_cast<std::uint64_t>(shape[shape.size() - 1 - from_end]) : 1;
}

bool is_fp8(DType type) { return type == DType::e4m3 || type == DType::e5m2; }
bool is_byte(DType type) { return type == DType::s8 || type == DType::u8; }

// What the output may be, what it is where nothing is asked for first.
std::vector<DType> outputs_of(DType operand) {
  if (!is_float(operand)) return {DType::s32};
  if (is_fp8(operand)) return {DType::bf16, DType::f32, DType::f16, DType::e4m3, DType::e5m2};
  if (operand == DType::f32) return {DType::f32};
  return {operand, DType::f32};
}

std::string list_of(const std::vector<DType>& types) {
  std::string text;
  for (const DType type : types) text += (text.empty() ? "" : ", ") + std::string(to_string(type));
  return text;
}

// The integral value of alpha or beta for integer operands.
std::int32_t integral_factor(const Operator& op, const Problem& problem, const std::string& name) {
  const AttributeValue* given = problem.attributes.find(name);
  if (given == nullptr) return 1;
  constexpr double kLimit = 2147483648.0;
  const auto* integer = std::get_if<std::int64_t>(given);
  const double value = integer != nullptr ? static_cast<double>(*integer) : std::get<float>(*given);
  if (value != std::floor(value) || value < -kLimit || value >= kLimit)
    fail(ExitCode::Unsupported, "{}: attribute '{}' = {} with integer operands; expected an s32 integer",
         op.name(), name, text_of(*given));
  return static_cast<std::int32_t>(value);
}

float float_factor(const Operator& op, const Problem& problem, const std::string& name) {
  const float value = problem.attributes.get_float(op.name(), find_attribute(op, name));
  if (!std::isfinite(value))
    fail(ExitCode::Unsupported, "{}: attribute '{}' = {}; expected a finite number", op.name(), name, value);
  return value;
}

bool flag(const Operator& op, const Problem& problem, const std::string& name) {
  const std::int64_t value = problem.attributes.get_int(op.name(), find_attribute(op, name));
  if (value != 0 && value != 1)
    fail(ExitCode::Usage, "{}: attribute '{}' = {}; expected 0 or 1", op.name(), name, value);
  return value == 1;
}

[[noreturn]] void fail_inner(const Operator& op, const Problem& problem, const GemmForm& form,
                             std::uint64_t kb) {
  const TensorInfo& a = problem.inputs[0];
  const TensorInfo& b = problem.inputs[1];
  fail(ExitCode::Usage, "{}: inner dimensions differ: {} from input '{}' {}{}, {} from input '{}' {}{}",
       op.name(), form.k, a.name, to_string(a.shape), form.trans_a ? " transposed" : "", kb, b.name,
       to_string(b.shape), form.trans_b ? " transposed" : "");
}

// A sum of no products is +0; but no kernel makes anything else of it.
void require_depth(const Operator& op, const Problem& problem, const GemmForm& form) {
  if (form.k > 0) return;
  const bool plain = !form.scaled() && form.activation == 0 && !form.has_c && !form.has_residual;
  if (!plain)
    fail(ExitCode::Unsupported,
         "{}: the inner dimension of '{}' {} and '{}' {} is 0; expected at least 1, or sums as they are",
         op.name(), problem.inputs[0].name, to_string(problem.inputs[0].shape), problem.inputs[1].name,
         to_string(problem.inputs[1].shape));
}

void read_c(const Operator& op, const Problem& problem, GemmForm& form) {
  const auto at = find_input(problem, "C");
  if (!at) return;
  const TensorInfo& c = problem.inputs[*at];
  check_term_type(op, c, form);
  const std::uint64_t cols = dim_of(c.shape, 0);
  const std::uint64_t rows = dim_of(c.shape, 1);
  if (c.shape.size() > 2 || (cols != 1 && cols != form.n) || (rows != 1 && rows != form.m))
    fail(ExitCode::Usage, "{}: input '{}' {} does not broadcast to the result [{}, {}]", op.name(), c.name,
         to_string(c.shape), form.m, form.n);
  form.has_c = is_float(form.operand) ? form.beta != 0 : form.beta_integer != 0;
  form.c_col_stride = cols == 1 ? 0 : 1;
  form.c_row_stride = rows == 1 ? 0 : cols;
}

void read_residual(const Operator& op, const Problem& problem, const Shape& output, GemmForm& form) {
  const auto at = find_input(problem, "R");
  if (!at) return;
  const TensorInfo& r = problem.inputs[*at];
  if (r.dtype != form.out)
    fail(ExitCode::Unsupported, "{}: input '{}' is {}; expected {}, as the output", op.name(), r.name,
         to_string(r.dtype), to_string(form.out));
  if (r.shape != output)
    fail(ExitCode::Usage, "{}: input '{}' is {}; expected {}, as the output", op.name(), r.name,
         to_string(r.shape), to_string(output));
  form.has_residual = true;
}

void check_size(const Operator& op, const GemmForm& form, std::uint64_t batches) {
  std::uint64_t macs = form.m;  // each factor is at most 2^40
  for (const std::uint64_t factor : {form.n, form.k, batches})
    if (__builtin_mul_overflow(macs, factor, &macs) || macs > (std::uint64_t{1} << 62))
      fail(ExitCode::Usage, "{}: more than 2^62 multiply-accumulates (m {}, n {}, k {}, batch {})", op.name(),
           form.m, form.n, form.k, batches);
  std::uint64_t bytes = form.m * size_of(form.out);
  for (const std::uint64_t factor : {form.n, batches})
    if (__builtin_mul_overflow(bytes, factor, &bytes) || bytes > (std::uint64_t{1} << 40))
      fail(ExitCode::Usage, "{}: output [{} x {} x {}] of {} is larger than 2^40 bytes", op.name(), batches,
           form.m, form.n, to_string(form.out));
}

// The broadcast batch of a matmul, outermost first; every dimension is kept.
Batch match_batches(const Operator& op, const Problem& problem, const GemmForm& form) {
  const TensorInfo& a = problem.inputs[0];
  const TensorInfo& b = problem.inputs[1];
  const std::size_t rank = std::max({a.shape.size(), b.shape.size(), std::size_t{2}}) - 2;
  Batch batch;
  std::uint64_t a_stride = form.m * form.k;
  std::uint64_t b_stride = form.k * form.n;
  for (std::size_t i = 0; i < rank; ++i) {
    const std::uint64_t da = dim_of(a.shape, i + 2);
    const std::uint64_t db = dim_of(b.shape, i + 2);
    if (da != db && da != 1 && db != 1)
      fail(ExitCode::Usage,
           "{}: batch dimensions {} of input '{}' {} and {} of input '{}' {} do not broadcast", op.name(), da,
           a.name, to_string(a.shape), db, b.name, to_string(b.shape));
    batch.dims.insert(batch.dims.begin(), da == 1 ? db : da);
    batch.a_strides.insert(batch.a_strides.begin(), da == 1 ? 0 : a_stride);
    batch.b_strides.insert(batch.b_strides.begin(), db == 1 ? 0 : b_stride);
    a_stride *= da;
    b_stride *= db;
  }
  return batch;
}

// Neighbours that both operands walk with one stride become one dimension.
void merge_neighbours(Batch& batch) {
  for (std::size_t i = batch.dims.size(); i-- > 1;) {
    const std::uint64_t inner = batch.dims[i];
    if (batch.a_strides[i - 1] != batch.a_strides[i] * inner ||
        batch.b_strides[i - 1] != batch.b_strides[i] * inner)
      continue;
    batch.a_strides[i - 1] = batch.a_strides[i];
    batch.b_strides[i - 1] = batch.b_strides[i];
    batch.dims[i - 1] *= inner;
    batch.erase(i);
  }
}

void simplify(Batch batch, GemmForm& form) {
  for (std::size_t i = batch.dims.size(); i-- > 0;)
    if (batch.dims[i] == 1) batch.erase(i);
  // Matrices of A that follow one another and meet the same B are one taller matrix.
  while (!batch.dims.empty() && batch.b_strides.back() == 0 && batch.a_strides.back() == form.m * form.k) {
    form.m *= batch.dims.back();
    batch.erase(batch.dims.size() - 1);
  }
  merge_neighbours(batch);
  form.batch_dims = std::move(batch.dims);
  form.a_batch_strides = std::move(batch.a_strides);
  form.b_batch_strides = std::move(batch.b_strides);
}

}  // namespace

void read_gemm_types(const Operator& op, const Problem& problem, GemmForm& form) {
  const TensorInfo& a = problem.inputs[0];
  const TensorInfo& b = problem.inputs[1];
  if (!is_float(a.dtype) && !is_byte(a.dtype))
    fail(ExitCode::Unsupported, "{}: input '{}' is {}; expected one of f32, f16, bf16, e4m3, e5m2, s8, u8",
         op.name(), a.name, to_string(a.dtype));
  const bool mixed = (is_fp8(a.dtype) && is_fp8(b.dtype)) || (is_byte(a.dtype) && is_byte(b.dtype));
  if (a.dtype != b.dtype && !mixed)
    fail(ExitCode::Unsupported, "{}: input '{}' is {} but input '{}' is {}; both must be of one type{}",
         op.name(), a.name, to_string(a.dtype), b.name, to_string(b.dtype),
         is_fp8(a.dtype)    ? ", or the other one e4m3 or e5m2"
         : is_byte(a.dtype) ? ", or the other one s8 or u8"
                            : "");
  form.operand = a.dtype;
  form.accumulator = accumulator_of(a.dtype);
  const std::vector<DType> outputs = outputs_of(a.dtype);
  form.out = outputs.front();
  const std::string wanted = problem.attributes.get_string(op.name(), find_attribute(op, "out_dtype"));
  if (wanted == "auto") return;
  const DType out = parse_dtype(wanted, "out_dtype");
  if (std::find(outputs.begin(), outputs.end(), out) == outputs.end())
    fail(ExitCode::Unsupported, "{}: out_dtype {} for {} operands; expected one of {}", op.name(), wanted,
         to_string(form.operand), list_of(outputs));
  form.out = out;
}

void read_gemm_activation(const Operator& op, const Problem& problem, GemmForm& form) {
  const std::string name = problem.attributes.get_string(op.name(), find_attribute(op, "activation"));
  if (name == "none") return;
  if (!is_float(form.operand))
    fail(ExitCode::Unsupported, "{}: activation {} with {} operands; expected none", op.name(), name,
         to_string(form.operand));
  form.activation = activation_code(name);
  form.low = problem.attributes.get_float(op.name(), find_attribute(op, "low"));
  form.high = problem.attributes.get_float(op.name(), find_attribute(op, "high"));
  if (name == "clip" && !(form.low <= form.high))
    fail(ExitCode::Usage, "{}: attributes 'low' = {} and 'high' = {}; expected low <= high", op.name(),
         form.low, form.high);
}

void check_term_type(const Operator& op, const TensorInfo& c, const GemmForm& form) {
  std::vector<DType> types = outputs_of(form.operand);
  if (is_fp8(form.operand)) types = {DType::f32, DType::f16, DType::bf16, DType::e4m3, DType::e5m2};
  const bool fits_type = std::find(types.begin(), types.end(), c.dtype) != types.end();
  if (!fits_type)
    fail(ExitCode::Unsupported, "{}: input '{}' is {} with {} operands; expected {}", op.name(), c.name,
         to_string(c.dtype), to_string(form.operand), list_of(types));
}

bool GemmForm::scaled() const { return is_float(operand) ? alpha != 1 : alpha_integer != 1; }

std::uint64_t GemmForm::batches() const {
  std::uint64_t count = 1;
  for (const std::uint64_t dim : batch_dims) count *= dim;
  return count;
}

GemmForm read_gemm(const Operator& op, const Problem& problem, Shape& output) {
  check_common(op, problem);
  GemmForm form;
  read_gemm_types(op, problem, form);
  read_gemm_activation(op, problem, form);
  for (const TensorInfo* t : {&problem.inputs[0], &problem.inputs[1]})
    if (t->shape.size() != 2)
      fail(ExitCode::Usage, "{}: input '{}' {} has rank {}, expected 2", op.name(), t->name,
           to_string(t->shape), t->shape.size());
  form.trans_a = flag(op, problem, "transA");
  form.trans_b = flag(op, problem, "transB");
  if (is_float(form.operand)) {
    form.alpha = float_factor(op, problem, "alpha");
    form.beta = float_factor(op, problem, "beta");
  } else {
    form.alpha_integer = integral_factor(op, problem, "alpha");
    form.beta_integer = integral_factor(op, problem, "beta");
  }
  const Shape& a = problem.inputs[0].shape;
  const Shape& b = problem.inputs[1].shape;
  form.m = dim_of(a, form.trans_a ? 0 : 1);
  form.k = dim_of(a, form.trans_a ? 1 : 0);
  form.n = dim_of(b, form.trans_b ? 1 : 0);
  const std::uint64_t kb = dim_of(b, form.trans_b ? 0 : 1);
  if (kb != form.k) fail_inner(op, problem, form, kb);
  check_size(op, form, 1);
  read_c(op, problem, form);
  output = {static_cast<std::int64_t>(form.m), static_cast<std::int64_t>(form.n)};
  read_residual(op, problem, output, form);
  require_depth(op, problem, form);
  return form;
}

void read_matmul_shapes(const Operator& op, const Problem& problem, GemmForm& form, Shape& output) {
  const Shape& a = problem.inputs[0].shape;
  const Shape& b = problem.inputs[1].shape;
  for (const TensorInfo* t : {&problem.inputs[0], &problem.inputs[1]})
    if (t->shape.empty())
      fail(ExitCode::Usage, "{}: input '{}' is a scalar, expected at least rank 1", op.name(), t->name);
  form.m = dim_of(a, 1);  // 1 for a 1-D A: a row
  form.k = dim_of(a, 0);
  form.n = b.size() == 1 ? 1 : dim_of(b, 0);
  const std::uint64_t kb = b.size() == 1 ? dim_of(b, 0) : dim_of(b, 1);
  if (kb != form.k) fail_inner(op, problem, form, kb);
  Batch batch = match_batches(op, problem, form);
  std::uint64_t batches = 1;
  output.clear();
  for (const std::uint64_t dim : batch.dims) {
    if (__builtin_mul_overflow(batches, dim, &batches)) batches = std::numeric_limits<std::uint64_t>::max();
    output.push_back(static_cast<std::int64_t>(dim));
  }
  check_size(op, form, batches);
  if (a.size() > 1) output.push_back(static_cast<std::int64_t>(form.m));
  if (b.size() > 1) output.push_back(static_cast<std::int64_t>(form.n));
  simplify(std::move(batch), form);
  if (form.batch_dims.size() > ASSAY_GEMM_MAX_BATCH_RANK)
    fail(ExitCode::Unsupported, "{}: {} batch dimensions remain after merging, the most is {}", op.name(),
         form.batch_dims.size(), ASSAY_GEMM_MAX_BATCH_RANK);
}

GemmForm read_matmul(const Operator& op, const Problem& problem, Shape& output) {
  check_common(op, problem);
  GemmForm form;
  read_gemm_types(op, problem, form);
  read_gemm_activation(op, problem, form);
  read_matmul_shapes(op, problem, form, output);
  read_residual(op, problem, output, form);
  require_depth(op, problem, form);
  return form;
}

GemmForm gemm_form(const Problem& problem) {
  Shape output;
  if (problem.op == gemm_operator().name()) return read_gemm(gemm_operator(), problem, output);
  if (problem.op == matmul_operator().name()) return read_matmul(matmul_operator(), problem, output);
  if (problem.op == matmulinteger_operator().name())
    return read_matmulinteger(matmulinteger_operator(), problem, output);
  if (problem.op == qlinearmatmul_operator().name())
    return read_qlinearmatmul(qlinearmatmul_operator(), problem, output);
  fail(ExitCode::Usage, "'{}' is not an operator of the GEMM family; {}", problem.op,
       expected_one_of(problem.op, {"gemm", "matmul", "matmulinteger", "qlinearmatmul"}));
}

}  // namespace assay::ops
