// The strict golden: gemm and matmul to the bit (docs/numerics.md, "Gemm and MatMul").
#include <cstring>
#include <optional>

#include "golden/backends.hpp"
#include "golden/gemm_operands.hpp"
#include "golden/strict/conversions.hpp"
#include "golden/strict/dot.hpp"
#include "golden/strict/vector_pass.hpp"

namespace assay::golden {
namespace {

using namespace strict;

// A matrix of the batch as a dense row-major array of what the matrix unit multiplies.
template <typename T>
std::vector<T> dense(const Tensor& t, const MatrixView& view, std::size_t offset, std::size_t rows,
                     std::size_t cols) {
  std::vector<T> values(rows * cols);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < cols; ++j) {
      const std::size_t at = view.at(offset, i, j);
      if constexpr (std::is_same_v<T, float>) values[i * cols + j] = load_f32(t.dtype, t.bytes.data(), at);
      else values[i * cols + j] = load_s32(t.dtype, t.bytes.data(), at);
    }
  return values;
}

// alpha * acc as a pass of its own where C follows it, then beta * C + that, then the conversion.
void finish(const GemmOperands& g, float acc, const Tensor* c, std::size_t i, std::size_t j, Tensor& y,
            std::size_t at) {
  float t = acc;
  if (g.scaled) t = vector_pass(t, g.alpha, std::nullopt, Function::Identity);
  if (g.has_c)
    t = vector_pass(load_f32(c->dtype, c->bytes.data(), g.c.at(0, i, j)), g.beta, t, Function::Identity);
  store_f32(y.dtype, t, y.bytes.data(), at);
}

void finish(const GemmOperands& g, std::int32_t acc, const Tensor* c, std::size_t i, std::size_t j, Tensor& y,
            std::size_t at) {
  std::int32_t t = acc;
  if (g.scaled) t = vector_pass(t, g.alpha_integer, std::nullopt, Function::Identity);
  if (g.has_c)
    t = vector_pass(load_s32(c->dtype, c->bytes.data(), g.c.at(0, i, j)), g.beta_integer, t,
                    Function::Identity);
  std::memcpy(y.bytes.data() + at * sizeof t, &t, sizeof t);
}

template <typename Operand, typename Accumulator>
void evaluate_gemm(const GemmOperands& g, const std::vector<Tensor>& inputs, Tensor& y) {
  const Tensor* c = g.has_c ? &inputs[2] : nullptr;
  for (std::size_t batch = 0; batch < g.a_offsets.size(); ++batch) {
    const auto a = dense<Operand>(inputs[0], g.a, g.a_offsets[batch], g.m, g.k);
    const auto b = dense<Operand>(inputs[1], g.b, g.b_offsets[batch], g.k, g.n);
    std::vector<Accumulator> acc(g.m * g.n);
    multiply(a.data(), b.data(), acc.data(), g.m, g.n, g.k);
    for (std::size_t i = 0; i < g.m; ++i)
      for (std::size_t j = 0; j < g.n; ++j)
        finish(g, acc[i * g.n + j], c, i, j, y, (batch * g.m + i) * g.n + j);
  }
}

}  // namespace

void strict_gemm(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  expected.bits.emplace(expected.name, expected.dtype, expected.shape);
  const GemmOperands g = read_gemm_operands(problem);
  if (is_float(problem.inputs[0].dtype)) evaluate_gemm<float, float>(g, inputs, *expected.bits);
  else evaluate_gemm<std::int32_t, std::int32_t>(g, inputs, *expected.bits);
}

}  // namespace assay::golden
