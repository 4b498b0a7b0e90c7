// Inside testgen/ only: the part of user_case.hpp that reads `model: FILE.onnx`.
#pragma once

#include "base/yaml.hpp"
#include "testgen/recorded_case.hpp"

namespace assay::testgen {

// One case without recorded outputs: the model itself says what they are. Its tensors are the graph's inputs,
// given or generated, its initialisers and its outputs.
RecordedCase read_model_case(const YamlMap& root);

}  // namespace assay::testgen
