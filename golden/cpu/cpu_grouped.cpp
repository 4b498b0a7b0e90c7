// The cpu golden of grouped_gemm: fp64 with S, expert by expert; integers exactly.
#include <cmath>
#include <cstring>

#include "golden/backends.hpp"
#include "golden/cpu/multiply.hpp"
#include "golden/formats.hpp"
#include "golden/grouped_operands.hpp"

namespace assay::golden {
namespace {

// Values of the slots and their S: of experts' sums, bias and activation.
struct Slots {
  std::vector<double> values, magnitudes;
};

Slots slots_of(const GroupedOperands& g, const std::vector<Tensor>& inputs, double inflate) {
  const std::vector<float> x = decode_f32(inputs[0]), w = decode_f32(inputs[1]);
  const std::vector<float> bias = g.bias != nullptr ? decode_f32(*g.bias) : std::vector<float>();
  Slots s{std::vector<double>(g.tokens * g.slots * g.n), std::vector<double>(g.tokens * g.slots * g.n)};
  for (std::size_t expert = 0; expert < g.rows.size(); ++expert) {
    const std::vector<std::size_t>& rows = g.rows[expert];
    std::vector<double> sums(rows.size() * g.n), sizes(rows.size() * g.n);
    if (rows.empty() || g.k == 0) continue;
    cpu::Lines left{{}, 1}, right{{}, g.w.row_stride};
    for (const std::size_t row : rows) left.lines.push_back(&x[g.x_row(row) * g.k]);
    for (std::size_t j = 0; j < g.n; ++j) right.lines.push_back(&w[g.w.at(expert * g.w_expert, 0, j)]);
    cpu::multiply({{left, right, sums.data()}}, g.k, cpu::Terms::signed_products);
    cpu::multiply({{left, right, sizes.data()}}, g.k, cpu::Terms::magnitudes);
    for (std::size_t i = 0; i < sums.size(); ++i) {
      const std::size_t at = rows[i / g.n] * g.n + i % g.n;
      const double b = bias.empty() ? 0 : double{bias[expert * g.n + i % g.n]};
      s.values[at] = g.activation.value(bias.empty() ? sums[i] : sums[i] + b);
      s.magnitudes[at] = g.activation.magnitude((sizes[i] + std::fabs(b)) * inflate);
    }
  }
  return s;
}

void combine(const GroupedOperands& g, const Slots& s, double inflate, Expected& expected) {
  const std::vector<float> weights = decode_f32(*g.weights);
  for (std::size_t token = 0; token < g.tokens; ++token)
    for (std::size_t j = 0; j < g.n; ++j) {
      double value = 0, size = 0;
      for (std::size_t slot = 0; slot < g.slots; ++slot) {
        const std::size_t row = token * g.slots + slot;
        value += double{weights[row]} * s.values[row * g.n + j];
        size += std::fabs(double{weights[row]}) * s.magnitudes[row * g.n + j];
      }
      expected.values.push_back(value);
      expected.magnitude.push_back(size * inflate);
    }
}

std::int64_t integer(const Tensor& t, std::size_t at) {
  if (t.dtype == DType::s32) return t.as<std::int32_t>()[at];
  const auto byte = std::to_integer<std::uint8_t>(t.bytes[at]);
  return t.dtype == DType::s8 ? static_cast<std::int8_t>(byte) : byte;
}

void evaluate_integers(const GroupedOperands& g, const std::vector<Tensor>& inputs, Tensor& y) {
  for (std::size_t expert = 0; expert < g.rows.size(); ++expert)
    for (const std::size_t row : g.rows[expert])
      for (std::size_t j = 0; j < g.n; ++j) {
        std::int64_t sum = g.bias != nullptr ? integer(*g.bias, expert * g.n + j) : 0;
        for (std::size_t i = 0; i < g.k; ++i)
          sum += integer(inputs[0], g.x_row(row) * g.k + i) *
                 integer(inputs[1], g.w.at(expert * g.w_expert, i, j));
        const auto word = static_cast<std::uint32_t>(sum);
        std::memcpy(y.bytes.data() + 4 * (row * g.n + j), &word, sizeof word);
      }
}

}  // namespace

void cpu_grouped(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  const GroupedOperands g = read_grouped_operands(problem, inputs);
  if (!is_float(problem.inputs[0].dtype)) {
    expected.bits.emplace(expected.name, expected.dtype, expected.shape);
    return evaluate_integers(g, inputs, *expected.bits);
  }
  const double roundings = expected.tolerance.roundings, inflate = 1 + (roundings + 2) * 0x1p-52;
  Slots s = slots_of(g, inputs, inflate);
  expected.own = {0x1p-53, roundings + 2, 0};
  if (g.weights != nullptr) return combine(g, s, inflate, expected);
  expected.values = std::move(s.values);
  expected.magnitude = std::move(s.magnitudes);
}

}  // namespace assay::golden
