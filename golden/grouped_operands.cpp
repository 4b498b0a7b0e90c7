#include "golden/grouped_operands.hpp"

#include <variant>

#include "base/error.hpp"

namespace assay::golden {

GroupedOperands read_grouped_operands(const ops::Problem& problem, const std::vector<Tensor>& inputs) {
  const Tensor &x = inputs[0], &w = inputs[1], &ids = inputs[2];
  const auto size = [](std::int64_t dim) { return static_cast<std::size_t>(dim); };
  GroupedOperands g;
  g.tokens = size(ids.shape[0]);
  g.slots = size(ids.shape[1]);
  g.own_rows = x.shape.size() == 3;
  g.k = size(x.shape.back());
  const ops::AttributeValue* trans = problem.attributes.find("transW");
  const bool transposed = trans != nullptr && std::get<std::int64_t>(*trans) != 0;
  g.n = size(w.shape[transposed ? 1 : 2]);
  g.w = transposed ? MatrixView{1, g.k} : MatrixView{g.n, 1};
  g.w_expert = g.n * g.k;
  g.activation = read_activation(problem);
  if (const auto at = ops::find_input(problem, "B")) g.bias = &inputs[*at];
  if (const auto at = ops::find_input(problem, "weights")) g.weights = &inputs[*at];
  g.rows.resize(size(w.shape[0]));
  for (std::size_t row = 0; row < g.tokens * g.slots; ++row) {
    const std::int32_t id = ids.as<std::int32_t>()[row];
    if (id < -1 || id >= w.shape[0])
      fail(ExitCode::Usage, "grouped_gemm: ids[{}, {}] = {}; expected -1 to {}", row / g.slots, row % g.slots,
           id, w.shape[0] - 1);
    if (id >= 0) g.rows[static_cast<std::size_t>(id)].push_back(row);
  }
  return g;
}

}  // namespace assay::golden
