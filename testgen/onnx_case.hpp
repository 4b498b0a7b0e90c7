// Cases recorded by the ONNX project: a folder with model.onnx and test_data_set_N/{input,output}_I.pb
// (github.com/onnx/onnx, backend test data). The model is one node of an operator in the table of
// onnx_case.cpp.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/tensor.hpp"
#include "testgen/case.hpp"

namespace assay::testgen {

struct OnnxCase {
  std::string name;             // folder / data set
  Case c;                       // mode real; data and seed are unused, the tensors are these:
  std::vector<Tensor> inputs;   // in the order of c.problem.inputs
  std::vector<Tensor> outputs;  // as recorded; see golden::recorded_reference
  golden::Policy policy;        // doubled bound, data not known to be of mean zero
};

// One element per data set, in the order of their numbers. Throws
//   Error(Unsupported)  another operator (op_type and node are named), more than one node, an element type,
//                       attribute or operator set beyond the operator, external data
//   Error(BadInput)     missing, malformed or truncated file; tensors that do not fit the model
std::vector<OnnxCase> read_onnx_cases(const std::filesystem::path& folder);

}  // namespace assay::testgen
