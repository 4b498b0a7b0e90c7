// The ONNX Runtime golden of grouped_gemm: each expert's rows as one gemm; the weighted sum of the slots in
// fp64. Who goes where is read from the ids here again, not from what the other goldens share.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "golden/backends.hpp"
#include "golden/formats.hpp"

namespace assay::golden {
namespace {

struct Routes {
  Routes(const ops::Problem& problem, const std::vector<Tensor>& inputs) {
    const Tensor &x = inputs[0], &ids = inputs[2];
    slots = static_cast<std::size_t>(ids.shape.at(1));
    n = static_cast<std::size_t>(problem.outputs.at(0).shape.back());
    count = static_cast<std::size_t>(ids.elements());
    x_rows = static_cast<std::size_t>(element_count(Shape(x.shape.begin(), x.shape.end() - 1)));
    if (const auto at = ops::find_input(problem, "B")) bias = &inputs[*at];
    if (const auto at = ops::find_input(problem, "weights")) weights = &inputs[*at];
  }

  // The rows (token, slot) that go to an expert.
  static std::vector<std::size_t> to(std::size_t expert, const Tensor& ids) {
    std::vector<std::size_t> rows;
    for (std::size_t row = 0; row < static_cast<std::size_t>(ids.elements()); ++row)
      if (ids.as<std::int32_t>()[row] == static_cast<std::int32_t>(expert)) rows.push_back(row);
    return rows;
  }
  // X has a row for each of them, or one for all slots of a token.
  std::size_t x_row(std::size_t row) const { return row * x_rows / count; }

  std::size_t slots = 0, n = 0, count = 0, x_rows = 0;
  const Tensor *bias = nullptr, *weights = nullptr;
};

// `bytes` bytes from `at` on, as a tensor of its own.
Tensor part_of(const Tensor& t, const char* name, std::size_t at, std::size_t bytes, Shape shape) {
  Tensor part(name, t.dtype, std::move(shape));
  std::copy_n(t.bytes.data() + at, bytes, part.bytes.data());  // none where K is 0
  return part;
}

// X's rows, W and B of one expert, evaluated as Gemm.
Expected expert_of(const ops::Problem& problem, const Routes& routes, std::size_t expert,
                   const std::vector<std::size_t>& to_expert, const std::vector<Tensor>& inputs) {
  const Tensor &x = inputs[0], &w = inputs[1];
  const auto rows = static_cast<std::int64_t>(to_expert.size()), n = static_cast<std::int64_t>(routes.n);
  const std::int64_t k = x.shape.back();
  const std::size_t x_row = static_cast<std::size_t>(k) * size_of(x.dtype),
                    w_bytes = w.bytes.size() / static_cast<std::size_t>(w.shape[0]);
  Tensor a("A", x.dtype, {rows, k});
  for (std::size_t i = 0; i < to_expert.size(); ++i)
    std::copy_n(x.bytes.data() + routes.x_row(to_expert[i]) * x_row, x_row, a.bytes.data() + i * x_row);
  std::vector<Tensor> operands{std::move(a),
                               part_of(w, "B", expert * w_bytes, w_bytes, {w.shape[1], w.shape[2]})};
  if (routes.bias != nullptr) {
    const std::size_t bytes = routes.n * size_of(routes.bias->dtype);
    operands.push_back(part_of(*routes.bias, "C", expert * bytes, bytes, {n}));
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

void combine(const Routes& routes, Expected& expected) {
  const std::vector<double> weights = decode(*routes.weights);
  const std::vector<double> values = std::move(expected.values), sizes = std::move(expected.magnitude);
  const std::size_t n = routes.n, tokens = routes.count / routes.slots;
  expected.values.assign(tokens * n, 0);
  expected.magnitude.assign(tokens * n, 0);
  double most = 0;
  for (std::size_t token = 0; token < tokens; ++token) {
    double all = 0;
    for (std::size_t slot = 0; slot < routes.slots; ++slot) {
      const std::size_t row = token * routes.slots + slot;
      all += std::fabs(weights[row]);
      for (std::size_t j = 0; j < n; ++j) {
        expected.values[token * n + j] += weights[row] * values[row * n + j];
        expected.magnitude[token * n + j] += std::fabs(weights[row]) * sizes[row * n + j];
      }
    }
    if (std::isfinite(all)) most = std::max(most, all);
  }
  for (double& size : expected.magnitude) size *= 1 + 0x1p-40;  // what fp64 rounded away
  expected.own.floor *= most;
}

}  // namespace

void ort_grouped(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  const Routes routes(problem, inputs);
  const std::size_t n = routes.n;
  const bool integers = !is_float(problem.inputs[0].dtype);
  if (integers) expected.bits.emplace(expected.name, expected.dtype, expected.shape);
  else expected.values = expected.magnitude = std::vector<double>(routes.count * n);
  for (std::size_t expert = 0; expert < static_cast<std::size_t>(inputs[1].shape[0]); ++expert) {
    const std::vector<std::size_t> rows = Routes::to(expert, inputs[2]);
    if (rows.empty()) continue;
    const Expected part = expert_of(problem, routes, expert, rows, inputs);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::size_t to = rows[i] * n;
      if (integers) {
        std::memcpy(&expected.bits->bytes[4 * to], &part.bits->bytes[4 * i * n], 4 * n);
        continue;
      }
      std::copy_n(&part.values[i * n], n, &expected.values[to]);
      std::copy_n(&part.magnitude[i * n], n, &expected.magnitude[to]);
    }
    expected.own = part.own;
  }
  if (routes.weights != nullptr) combine(routes, expected);
}

}  // namespace assay::golden
