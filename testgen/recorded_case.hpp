// A case that brings its tensors: from ONNX test data, or from .npy files.
#pragma once

#include <string>
#include <vector>

#include "base/tensor.hpp"
#include "testgen/case.hpp"

namespace assay::testgen {

struct RecordedCase {
  std::string name;             // folder / data set, or the file that describes it
  Case c;                       // mode real; data and seed are unused, the tensors are these:
  std::vector<Tensor> inputs;   // in the order of c.problem.inputs
  std::vector<Tensor> outputs;  // as recorded; see golden::recorded_reference and given_reference
  golden::Policy policy;  // data not known to be of mean zero; the doubled bound for an operator of Assay
};

}  // namespace assay::testgen
