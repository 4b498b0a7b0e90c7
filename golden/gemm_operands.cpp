#include "golden/gemm_operands.hpp"

#include <algorithm>
#include <variant>

namespace assay::golden {
namespace {

std::size_t size(std::int64_t dim) { return static_cast<std::size_t>(dim); }

// alpha or beta as both kinds of operand need it; 1 where the case gives none.
void read_factor(const ops::Problem& problem, const std::string& name, float& real, std::int32_t& integer) {
  const ops::AttributeValue* value = problem.attributes.find(name);
  if (value == nullptr) return;
  const bool integers = !is_float(problem.inputs[0].dtype);
  if (const auto* number = std::get_if<std::int64_t>(value)) {
    real = static_cast<float>(*number);
    integer = static_cast<std::int32_t>(*number);
  } else if (const auto* decimal = std::get_if<float>(value)) {
    real = *decimal;
    if (integers) integer = static_cast<std::int32_t>(*decimal);
  }
}

bool is_set(const ops::Problem& problem, const std::string& name) {
  const ops::AttributeValue* value = problem.attributes.find(name);
  return value != nullptr && std::get<std::int64_t>(*value) != 0;
}

// Where operands, C, the residual, zero points and scales are. Names are ONNX's, but for R.
void find_inputs(const ops::Problem& problem, GemmOperands& g) {
  for (std::size_t i = 0; i < problem.inputs.size(); ++i) {
    const std::string& name = problem.inputs[i].name;
    if (name == "A" || name == "a") g.a_input = i;
    if (name == "B" || name == "b") g.b_input = i;
    if (name == "C") g.c_input = i;
    if (name == "R") g.residual = i;
    if (name == "a_zero_point") g.a_zero = i;
    if (name == "b_zero_point") g.b_zero = i;
    if (name == "y_zero_point") g.y_zero = i;
    if (name == "a_scale") g.a_scale = i;
    if (name == "b_scale") g.b_scale = i;
    if (name == "y_scale") g.y_scale = i;
  }
}

GemmOperands read_gemm(const ops::Problem& problem) {
  GemmOperands g;
  find_inputs(problem, g);
  const Shape& a = problem.inputs[0].shape;
  const Shape& b = problem.inputs[1].shape;
  g.m = size(a[0]);
  g.k = size(a[1]);
  g.a = {size(a[1]), 1};
  if (is_set(problem, "transA")) {
    std::swap(g.m, g.k);
    std::swap(g.a.row_stride, g.a.col_stride);
  }
  g.n = size(b[1]);
  g.b = {size(b[1]), 1};
  if (is_set(problem, "transB")) {
    g.n = size(b[0]);
    std::swap(g.b.row_stride, g.b.col_stride);
  }
  g.a_offsets = g.b_offsets = {0};
  read_factor(problem, "alpha", g.alpha, g.alpha_integer);
  read_factor(problem, "beta", g.beta, g.beta_integer);
  const bool integers = !is_float(problem.inputs[0].dtype);
  g.scaled = integers ? g.alpha_integer != 1 : g.alpha != 1;
  if (!g.c_input) return g;
  g.has_c = integers ? g.beta_integer != 0 : g.beta != 0;
  const Shape& c = problem.inputs[*g.c_input].shape;
  const std::size_t cols = c.empty() ? 1 : size(c.back());
  const std::size_t rows = c.size() < 2 ? 1 : size(c[0]);
  g.c = {rows == 1 ? 0 : cols, cols == 1 ? std::size_t{0} : std::size_t{1}};
  return g;
}

// Offset of the matrix of `shape` (batch dimensions first, `matrix` elements each) that the batch index
// `position` of the broadcast dimensions `batch` selects.
std::size_t batch_offset(const Shape& shape, const Shape& batch, std::size_t position, std::size_t matrix) {
  std::size_t offset = 0;
  std::size_t stride = matrix;
  for (std::size_t from_end = 0; from_end < batch.size(); ++from_end) {
    const std::size_t extent = size(batch[batch.size() - 1 - from_end]);
    const std::size_t index = position % extent;
    position /= extent;
    if (from_end >= shape.size()) continue;
    const std::size_t own = size(shape[shape.size() - 1 - from_end]);
    if (own != 1) offset += index * stride;
    stride *= own;
  }
  return offset;
}

GemmOperands read_matmul(const ops::Problem& problem) {
  GemmOperands g;
  find_inputs(problem, g);
  Shape a = problem.inputs[g.a_input].shape;
  Shape b = problem.inputs[g.b_input].shape;
  if (a.size() == 1) a.insert(a.begin(), 1);
  if (b.size() == 1) b.push_back(1);
  g.m = size(a[a.size() - 2]);
  g.k = size(a.back());
  g.n = size(b.back());
  g.a = {g.k, 1};
  g.b = {g.n, 1};
  a.resize(a.size() - 2);
  b.resize(b.size() - 2);
  Shape batch(std::max(a.size(), b.size()), 1);
  for (const Shape* own : {&a, &b})
    for (std::size_t i = 0; i < own->size(); ++i) {
      std::int64_t& dim = batch[batch.size() - own->size() + i];
      if ((*own)[i] != 1) dim = (*own)[i];
    }
  const std::size_t count = size(element_count(batch));
  for (std::size_t i = 0; i < count; ++i) {
    g.a_offsets.push_back(batch_offset(a, batch, i, g.m * g.k));
    g.b_offsets.push_back(batch_offset(b, batch, i, g.k * g.n));
  }
  return g;
}

}  // namespace

GemmOperands read_gemm_operands(const ops::Problem& problem) {
  GemmOperands g = problem.op == "gemm" ? read_gemm(problem) : read_matmul(problem);
  g.activation = read_activation(problem);
  return g;
}

}  // namespace assay::golden
