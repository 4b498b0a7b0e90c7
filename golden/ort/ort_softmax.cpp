// The ONNX Runtime golden of softmax, along the axis as it understands it. In fp64: how an fp32 sum of a
// row's exponentials is ordered is not known, so that its error would make the bound loose.
#include "golden/backends.hpp"
#include "golden/formats.hpp"
#include "golden/ort/ort_graph.hpp"
#include "golden/softmax_rows.hpp"

namespace assay::golden {

void ort_softmax(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  OrtNode node{"Softmax", {"X"}, "Y"};
  if (const ops::AttributeValue* axis = problem.attributes.find("axis")) node.attributes.set("axis", *axis);
  const Tensor y = run_ort(node, {widened(inputs[0], "X", DType::f64)}, DType::f64, expected.shape);
  const SoftmaxRows rows(problem);
  finish_softmax(rows, dense_rows(rows, decode(inputs[0])), dense_rows(rows, decode(y)), expected);
  // The row's sum in any order, and each exponential within a few ULP.
  expected.own = {0x1p-53, static_cast<double>(rows.length) + 16, 0};
}

}  // namespace assay::golden
