// Inside testgen/ only: an ONNX model as a graph of any operators, of which inputs, initialisers and outputs
// are known.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "testgen/onnx_tensor.hpp"
#include "testgen/recorded_case.hpp"

namespace assay::testgen {

struct OnnxFile {
  std::string file;
  std::shared_ptr<const std::string> bytes;
  onnx::ModelProto proto;
  const onnx::GraphProto& graph() const { return proto.graph(); }
};
OnnxFile read_onnx_file(const std::filesystem::path& file);

// By name. Throws as tensor_from_onnx(), and Error(Unsupported) for sparse ones.
std::map<std::string, Tensor> initialisers(const OnnxFile& model);

// Whether a dimension has a number, and not a name or nothing.
inline bool is_fixed(const onnx::TensorShapeProto_Dimension& dim) {
  return dim.has_dim_value() && dim.dim_value() >= 0;
}

// How a tensor differs from what the graph declares it to be: empty where it fits. A dimension that is not
// fixed fits any. Throws Error(Unsupported), `where` first, for what is no tensor of Assay's types.
std::string misfit(const onnx::ValueInfoProto& info, DType dtype, const Shape& shape,
                   const std::string& where);

// A case of operator "user" with the model as its golden: inputs in the graph's order, then its initialisers;
// outputs are left to the caller. `tensors`: all of these, by name. Throws Error(BadInput) for a name that no
// line can hold.
RecordedCase graph_case(const OnnxFile& model, std::map<std::string, Tensor> tensors);

}  // namespace assay::testgen
