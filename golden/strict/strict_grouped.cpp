// The strict golden of grouped_gemm (docs/numerics.md, "Grouped GEMM"): row by row, each through its expert.
#include <cstring>
#include <optional>

#include "golden/backends.hpp"
#include "golden/grouped_operands.hpp"
#include "golden/strict/activated.hpp"
#include "golden/strict/conversions.hpp"
#include "golden/strict/dot.hpp"
#include "golden/strict/vector_pass.hpp"

namespace assay::golden {
namespace {

using namespace strict;

float load(const Tensor& t, std::size_t at, float) { return load_f32(t.dtype, t.bytes.data(), at); }
std::int32_t load(const Tensor& t, std::size_t at, std::int32_t) {
  return load_s32(t.dtype, t.bytes.data(), at);
}

float finish(const Activation& a, float t) { return activated(a, canonical(t)); }
std::int32_t finish(const Activation&, std::int32_t t) { return t; }

// The values of every slot, before weights and conversion; +0 without an expert.
template <typename T>
std::vector<T> values_of(const GroupedOperands& g, const std::vector<Tensor>& inputs) {
  std::vector<T> values(g.tokens * g.slots * g.n);
  for (std::size_t expert = 0; expert < g.rows.size(); ++expert) {
    const std::vector<std::size_t>& rows = g.rows[expert];
    if (rows.empty()) continue;
    std::vector<T> x, w, acc(rows.size() * g.n);
    for (const std::size_t row : rows)
      for (std::size_t i = 0; i < g.k; ++i) x.push_back(load(inputs[0], g.x_row(row) * g.k + i, T{}));
    for (std::size_t i = 0; i < g.k; ++i)
      for (std::size_t j = 0; j < g.n; ++j)
        w.push_back(load(inputs[1], g.w.at(expert * g.w_expert, i, j), T{}));
    multiply(x.data(), w.data(), acc.data(), rows.size(), g.n, g.k);
    for (std::size_t r = 0; r < rows.size(); ++r)
      for (std::size_t j = 0; j < g.n; ++j) {
        T t = acc[r * g.n + j];
        if (g.bias != nullptr)
          t = vector_pass(t, std::nullopt, load(*g.bias, expert * g.n + j, T{}), Function::Identity);
        values[rows[r] * g.n + j] = finish(g.activation, t);
      }
  }
  return values;
}

void combine(const GroupedOperands& g, const std::vector<float>& values, Tensor& y) {
  for (std::size_t token = 0; token < g.tokens; ++token)
    for (std::size_t j = 0; j < g.n; ++j) {
      float sum = 0;
      for (std::size_t slot = 0; slot < g.slots; ++slot) {
        const std::size_t row = token * g.slots + slot;
        sum = vector_pass(values[row * g.n + j], load(*g.weights, row, 0.0F), sum, Function::Identity);
      }
      store_f32(y.dtype, sum, y.bytes.data(), token * g.n + j);
    }
}

}  // namespace

void strict_grouped(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  Tensor& y = expected.bits.emplace(expected.name, expected.dtype, expected.shape);
  const GroupedOperands g = read_grouped_operands(problem, inputs);
  if (!is_float(problem.inputs[0].dtype)) {
    const std::vector<std::int32_t> values = values_of<std::int32_t>(g, inputs);
    std::memcpy(y.bytes.data(), values.data(), y.bytes.size());
    return;
  }
  const std::vector<float> values = values_of<float>(g, inputs);
  if (g.weights != nullptr) return combine(g, values, y);
  for (std::size_t i = 0; i < values.size(); ++i) store_f32(y.dtype, values[i], y.bytes.data(), i);
}

}  // namespace assay::golden
