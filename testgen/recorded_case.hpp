// A case that brings its tensors: from ONNX test data, from .npy files, or generated for an ONNX model.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/tensor.hpp"
#include "golden/ort/ort_model.hpp"
#include "testgen/case.hpp"

namespace assay::testgen {

struct RecordedCase {
  std::string name;             // folder / data set, or the file that describes it
  Case c;                       // mode real; the tensors are these:
  std::vector<Tensor> inputs;   // in the order of c.problem.inputs
  std::vector<Tensor> outputs;  // as recorded, or none; see golden::recorded_reference and given_reference
  golden::Policy policy;  // data not known to be of mean zero; the doubled bound for an operator of Assay
  std::optional<golden::OnnxModel> model = {};  // of operator "user": what golden ort runs
};

}  // namespace assay::testgen
