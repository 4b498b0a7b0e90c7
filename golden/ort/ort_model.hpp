// A whole ONNX model as a golden: any graph, computed by ONNX Runtime (golden `ort`) on tensors that a case
// brings. Nothing but its inputs and outputs is known here of what it computes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/tensor.hpp"
#include "ops/operator.hpp"

namespace assay::golden {

struct OnnxModel {
  std::string file;                          // as messages call it
  std::shared_ptr<const std::string> bytes;  // its content
  std::vector<std::string> inputs;           // of the graph, those that no initialiser gives
};

// Empty where the model's inputs and outputs, which the problem has by their names, are of types that can
// pass to ONNX Runtime's process; else names the first that is not.
std::string ort_model_limits(const OnnxModel& model, const ops::Problem& problem);

// What the model makes of its inputs, among the problem's `tensors`: problem.outputs in the order of its
// graph, of exactly these types and shapes. Throws
//   Error(Unsupported)     ort_model_limits()
//   Error(BadInput)        a model that ONNX Runtime refuses, or whose outputs are others
//   Error(Infrastructure)  ONNX Runtime is not there, or its process failed
std::vector<Tensor> run_onnx_model(const OnnxModel& model, const ops::Problem& problem,
                                   const std::vector<Tensor>& tensors);

}  // namespace assay::golden
