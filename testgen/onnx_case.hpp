// Cases recorded by the ONNX project: a folder with model.onnx and test_data_set_N/{input,output}_I.pb
// (github.com/onnx/onnx, backend test data). The model is one node of an operator in the table of
// onnx_case.cpp, or Transpose and MatMul of matrices: one Gemm.
#pragma once

#include <filesystem>
#include <vector>

#include "testgen/recorded_case.hpp"

namespace assay::testgen {

// One element per data set, in the order of their numbers. Throws
//   Error(Unsupported)  another operator (op_type and node are named), more than one node, an element type,
//                       attribute or operator set beyond the operator, external data
//   Error(BadInput)     missing, malformed or truncated file; tensors that do not fit the model
std::vector<RecordedCase> read_onnx_cases(const std::filesystem::path& folder);

// The same for a model of any operators: problems of operator "user", whose inputs are the graph's, then its
// initialisers, and whose outputs are those recorded. They bring the model, for golden ort.
std::vector<RecordedCase> read_onnx_tensors(const std::filesystem::path& folder);

}  // namespace assay::testgen
