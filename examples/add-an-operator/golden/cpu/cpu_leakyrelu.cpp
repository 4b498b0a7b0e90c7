// The cpu golden of leakyrelu, in fp64.
#include <cmath>

#include "golden/backends.hpp"
#include "golden/formats.hpp"

namespace assay::golden {

void cpu_leakyrelu(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  const ops::Operator& op = ops::find_operator(problem.op);
  const double alpha = problem.attributes.get_float(problem.op, ops::find_attribute(op, "alpha"));
  for (const double x : decode(inputs[0])) {
    const double y = x < 0 ? alpha * x : x;
    expected.values.push_back(y);
    expected.magnitude.push_back(std::fabs(y));
  }
  expected.own = {0x1p-53, 1, 0};
}

}  // namespace assay::golden
