// The strict golden of leakyrelu: two vector passes, the first in f32.
#include <optional>

#include "golden/backends.hpp"
#include "golden/strict/conversions.hpp"
#include "golden/strict/vector_pass.hpp"

namespace assay::golden {

void strict_leakyrelu(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  using namespace strict;
  Tensor& y = expected.bits.emplace(expected.name, expected.dtype, expected.shape);
  const Tensor& x = inputs[0];
  const ops::Operator& op = ops::find_operator(problem.op);
  const float alpha = problem.attributes.get_float(problem.op, ops::find_attribute(op, "alpha"));
  for (std::size_t i = 0; i < static_cast<std::size_t>(y.elements()); ++i) {
    const float t = load_f32(x.dtype, x.bytes.data(), i);
    const float u = vector_pass(t, alpha, std::nullopt, Function::Identity);
    store_f32(y.dtype, vector_pass(t, std::nullopt, u, Function::Identity, Operation::Maximum),
              y.bytes.data(), i);
  }
}

}  // namespace assay::golden
