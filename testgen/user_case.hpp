// Cases for the user's own kernels, from YAML (docs/user-kernel.md): judged by one of Assay's operators, by
// an ONNX model with its recorded tensors or as ONNX Runtime computes it, or by .npy files.
//
//   operator: relu ...                  as testgen/case_yaml.hpp
//   onnx: FOLDER                        model.onnx and test_data_set_*; every data set is a case
//   model: FILE.onnx, inputs: [{name, npy, [dtype]} or {name, dtype, shape}], [data], [seed],
//                     outputs: [{name, dtype, shape}] where the model leaves a shape open
//   inputs: [{name, npy, [dtype]}], outputs: [{name, npy, [dtype]}]; a kernel may have no inputs
//   and beside the last three: arguments, tolerance {relative, absolute}, work {macs, read_bytes}, config
//
// Paths are relative to the YAML file. Throws what case_yaml.hpp, onnx_case.hpp and npy.hpp throw.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "golden/given.hpp"
#include "testgen/onnx_case.hpp"

namespace assay::testgen {

struct UserCases {
  std::vector<RecordedCase> cases;   // with their tensors
  golden::GivenTolerance tolerance;  // for the cases of operator "user"
};

// Nothing where the file describes a case of an operator (key `operator`): read_case_yaml() reads it.
std::optional<UserCases> read_user_cases(const std::filesystem::path& file);

}  // namespace assay::testgen
