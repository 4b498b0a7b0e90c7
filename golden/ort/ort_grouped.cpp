// The ONNX Runtime golden of grouped_gemm: each expert's rows as one gemm; the weighted sum of the slots in
// fp64.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "golden/backends.hpp"
#include "golden/formats.hpp"
#include "golden/grouped_operands.hpp"

namespace assay::golden {
namespace {

// `bytes` bytes from `at` on, as a tensor of its own.
Tensor part_of(const Tensor& t, const char* name, std::size_t at, std::size_t bytes, Shape shape) {
  Tensor part(name, t.dtype, std::move(shape));
  std::copy_n(t.bytes.data() + at, bytes, part.bytes.data());  // none where K is 0
  return part;
}

// X's rows, W and B of one expert, evaluated as Gemm.
Expected expert_of(const ops::Problem& problem, const GroupedOperands& g, std::size_t expert,
                   const std::vector<Tensor>& inputs) {
  const Tensor &x = inputs[0], &w = inputs[1];
  const auto rows = static_cast<std::int64_t>(g.rows[expert].size()), n = static_cast<std::int64_t>(g.n);
  const std::size_t x_row = g.k * size_of(x.dtype), w_bytes = g.w_expert * size_of(w.dtype);
  Tensor a("A", x.dtype, {rows, static_cast<std::int64_t>(g.k)});
  for (std::size_t i = 0; i < g.rows[expert].size(); ++i)
    std::copy_n(x.bytes.data() + g.x_row(g.rows[expert][i]) * x_row, x_row, a.bytes.data() + i * x_row);
  std::vector<Tensor> operands{std::move(a),
                               part_of(w, "B", expert * w_bytes, w_bytes, {w.shape[1], w.shape[2]})};
  if (g.bias != nullptr) {
    const std::size_t bytes = g.n * size_of(g.bias->dtype);
    operands.push_back(part_of(*g.bias, "C", expert * bytes, bytes, {n}));
  }
  ops::Problem plain{"gemm", problem.attributes, {}, {{"Y", problem.outputs.at(0).dtype, {rows, n}}}};
  if (const ops::AttributeValue* trans = problem.attributes.find("transW"))
    plain.attributes.set("transB", *trans);
  for (const Tensor& t : operands) plain.inputs.push_back({t.name, t.dtype, t.shape});
  Expected expected;
  expected.dtype = problem.outputs.at(0).dtype;
  expected.shape = {rows, n};
  ort_gemm(plain, operands, expected);
  return expected;
}

void combine(const GroupedOperands& g, Expected& expected) {
  const std::vector<double> weights = decode(*g.weights);
  const std::vector<double> values = std::move(expected.values), sizes = std::move(expected.magnitude);
  expected.values.assign(g.tokens * g.n, 0);
  expected.magnitude.assign(g.tokens * g.n, 0);
  double most = 0;
  for (std::size_t token = 0; token < g.tokens; ++token) {
    double all = 0;
    for (std::size_t slot = 0; slot < g.slots; ++slot) {
      const std::size_t row = token * g.slots + slot;
      all += std::fabs(weights[row]);
      for (std::size_t j = 0; j < g.n; ++j) {
        expected.values[token * g.n + j] += weights[row] * values[row * g.n + j];
        expected.magnitude[token * g.n + j] += std::fabs(weights[row]) * sizes[row * g.n + j];
      }
    }
    if (std::isfinite(all)) most = std::max(most, all);
  }
  for (double& size : expected.magnitude) size *= 1 + 0x1p-40;  // what fp64 rounded away
  expected.own.floor *= most;
}

}  // namespace

void ort_grouped(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  const GroupedOperands g = read_grouped_operands(problem, inputs);
  const bool integers = !is_float(problem.inputs[0].dtype);
  if (integers) expected.bits.emplace(expected.name, expected.dtype, expected.shape);
  else expected.values = expected.magnitude = std::vector<double>(g.tokens * g.slots * g.n);
  for (std::size_t expert = 0; expert < g.rows.size(); ++expert) {
    if (g.rows[expert].empty()) continue;
    const Expected part = expert_of(problem, g, expert, inputs);
    for (std::size_t i = 0; i < g.rows[expert].size(); ++i) {
      const std::size_t to = g.rows[expert][i] * g.n;
      if (integers) {
        std::memcpy(&expected.bits->bytes[4 * to], &part.bits->bytes[4 * i * g.n], 4 * g.n);
        continue;
      }
      std::copy_n(&part.values[i * g.n], g.n, &expected.values[to]);
      std::copy_n(&part.magnitude[i * g.n], g.n, &expected.magnitude[to]);
    }
    expected.own = part.own;
  }
  if (g.weights != nullptr) combine(g, expected);
}

}  // namespace assay::golden
