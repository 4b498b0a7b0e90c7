// Cases recorded by the ONNX project: a folder with model.onnx and test_data_set_N/{input,output}_I.pb
// (github.com/onnx/onnx, backend test data). The model is one node: Gemm, MatMul, or MatMulInteger
// without zero points.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/tensor.hpp"
#include "testgen/case.hpp"

namespace assay::testgen {

struct OnnxCase {
  std::string name;  // folder / data set
  Case c;            // mode real; its seed is unused
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;  // as recorded
};

// One element per data set, in the order of their numbers. Throws
//   Error(Unsupported)  another operator (op_type and node are named), more than one node, an element type
//                       or attribute beyond the operator, external data
//   Error(BadInput)     missing, malformed or truncated file; tensors that do not fit the model
std::vector<OnnxCase> read_onnx_cases(const std::filesystem::path& folder);

}  // namespace assay::testgen
