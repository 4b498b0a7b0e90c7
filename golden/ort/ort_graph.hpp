// Inside golden/ort/ only: a small graph of ONNX operators, computed by ONNX Runtime in a process of its own.
#pragma once

#include <string>
#include <vector>

#include "base/tensor.hpp"
#include "golden/backend.hpp"
#include "ops/operator.hpp"

namespace assay::golden {

struct OrtNode {
  std::string type;
  std::vector<std::string> inputs;  // "": an optional one that is not given
  std::string output;
  ops::Attributes attributes = {};
};

// Tensors of the types of ort_request.hpp, called as the nodes call them. Outputs in the order asked for, of
// exactly these types and shapes. Throws Error(Infrastructure): ONNX Runtime's own line, or what happened to
// its process.
std::vector<Tensor> run_ort(const std::vector<OrtNode>& nodes, const std::vector<Tensor>& inputs,
                            const std::vector<ops::TensorInfo>& outputs);
// The one output of one node.
Tensor run_ort(const OrtNode& node, const std::vector<Tensor>& inputs, DType type, const Shape& shape);

// An operand as the graph takes it: in f32 or f64, exactly. Its absolute values.
Tensor widened(const Tensor& tensor, std::string name, DType to = DType::f32);
Tensor absolute(Tensor tensor);

}  // namespace assay::golden
