// The strict golden: gemm and matmul to the bit (docs/numerics.md, "Gemm and MatMul").
#include <cstring>
#include <optional>

#include "golden/backends.hpp"
#include "golden/gemm_operands.hpp"
#include "golden/strict/activated.hpp"
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

// What is added to the products; null where it is not given.
struct Terms {
  const Tensor *c, *residual;
};

// alpha * acc as a pass of its own where C follows it, then beta * C + that, then + R, then the conversion.
void finish(const GemmOperands& g, float acc, const Terms& terms, std::size_t i, std::size_t j, Tensor& y,
            std::size_t at) {
  float t = acc;
  if (g.scaled) t = vector_pass(t, g.alpha, std::nullopt, Function::Identity);
  if (g.has_c)
    t = vector_pass(load_f32(terms.c->dtype, terms.c->bytes.data(), g.c.at(0, i, j)), g.beta, t,
                    Function::Identity);
  if (const Tensor* r = terms.residual; r != nullptr)
    t = vector_pass(t, std::nullopt, load_f32(r->dtype, r->bytes.data(), at), Function::Identity);
  store_f32(y.dtype, activated(g.activation, t), y.bytes.data(), at);
}

void finish(const GemmOperands& g, std::int32_t acc, const Terms& terms, std::size_t i, std::size_t j,
            Tensor& y, std::size_t at) {
  std::int32_t t = acc;
  if (g.scaled) t = vector_pass(t, g.alpha_integer, std::nullopt, Function::Identity);
  if (g.has_c)
    t = vector_pass(load_s32(terms.c->dtype, terms.c->bytes.data(), g.c.at(0, i, j)), g.beta_integer, t,
                    Function::Identity);
  if (const Tensor* r = terms.residual; r != nullptr)
    t = vector_pass(t, std::nullopt, load_s32(r->dtype, r->bytes.data(), at), Function::Identity);
  std::memcpy(y.bytes.data() + at * sizeof t, &t, sizeof t);
}

// Floats have no zero points.
template <typename T>
void subtract(const std::vector<Tensor>& inputs, std::optional<std::size_t> zero, std::vector<T>& x) {
  if (!zero) return;
  const Tensor& t = inputs[*zero];
  for (T& value : x) value -= static_cast<T>(load_s32(t.dtype, t.bytes.data(), 0));
}

// Of the columns' factors one, or each in its turn.
void requantise_row(const GemmOperands& g, const std::vector<Tensor>& inputs, const std::int32_t* acc,
                    Tensor& y, std::size_t at) {
  const auto scale = [&](std::size_t input, std::size_t i) {
    return load_f32(DType::f32, inputs[input].bytes.data(), i);
  };
  const std::size_t count = inputs[*g.b_scale].bytes.size() / 4;
  const Tensor& zero = inputs[*g.y_zero];
  for (std::size_t j = 0; j < g.n; ++j) {
    const float both = scale(*g.a_scale, 0) * scale(*g.b_scale, count == 1 ? 0 : j);
    const float t = requantise(acc[j], both / scale(*g.y_scale, 0), std::nullopt, Function::Identity);
    const std::int32_t value = quantise(t, load_s32(zero.dtype, zero.bytes.data(), 0), y.dtype);
    std::memcpy(y.bytes.data() + at + j, &value, 1);
  }
}

template <typename Operand, typename Accumulator>
void evaluate_gemm(const GemmOperands& g, const std::vector<Tensor>& inputs, Tensor& y) {
  const Terms terms{g.has_c ? &inputs[*g.c_input] : nullptr, g.residual ? &inputs[*g.residual] : nullptr};
  for (std::size_t batch = 0; batch < g.a_offsets.size(); ++batch) {
    auto a = dense<Operand>(inputs[g.a_input], g.a, g.a_offsets[batch], g.m, g.k);
    auto b = dense<Operand>(inputs[g.b_input], g.b, g.b_offsets[batch], g.k, g.n);
    subtract(inputs, g.a_zero, a);
    subtract(inputs, g.b_zero, b);
    std::vector<Accumulator> acc(g.m * g.n);
    multiply(a.data(), b.data(), acc.data(), g.m, g.n, g.k);
    for (std::size_t i = 0; i < g.m; ++i) {
      const std::size_t row = (batch * g.m + i) * g.n;
      if constexpr (std::is_same_v<Accumulator, std::int32_t>)
        if (g.y_scale) {
          requantise_row(g, inputs, &acc[i * g.n], y, row);
          continue;
        }
      for (std::size_t j = 0; j < g.n; ++j) finish(g, acc[i * g.n + j], terms, i, j, y, row + j);
    }
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
