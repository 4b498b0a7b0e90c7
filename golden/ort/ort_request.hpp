// Inside golden/ort/ only: a model and its inputs to ONNX Runtime's process, the outputs back.
#pragma once

#include <string>
#include <vector>

#include "base/tensor.hpp"
#include "ops/operator.hpp"

namespace assay::golden {

// An element type that can pass.
struct OrtType {
  DType type;
  int code;          // of ONNX
  const char* name;  // of onnxruntime-node
};
const std::vector<OrtType>& ort_types();
// Throws Error(Unsupported) for another type, naming it.
const OrtType& ort_type(DType type);

struct OrtReply {
  std::vector<Tensor> outputs;  // in the order asked for, of exactly those types and shapes
  std::string refused;          // where there are none: ONNX Runtime's line, or how what it computed differs
};

// Inputs by their names, `model` the bytes of a file. Throws Error(Infrastructure) for what happened to the
// process, which ort_process.hpp starts, keeps and ends.
OrtReply request_ort(const std::string& model, const std::vector<const Tensor*>& inputs,
                     const std::vector<ops::TensorInfo>& outputs);

}  // namespace assay::golden
