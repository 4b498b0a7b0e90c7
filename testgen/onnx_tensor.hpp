// Inside testgen/ only: protocol buffers of ONNX read from files, and tensors out of them.
#pragma once

#include <onnx/onnx_pb.h>  // defines ONNX_API, and includes onnx-ml.pb.h

#include <filesystem>
#include <string>

#include "base/tensor.hpp"

namespace assay::testgen {

// A whole file, and what it holds. Throw Error(BadInput) naming a file that is missing, malformed or
// truncated; protobuf's own messages are not printed.
std::string read_bytes(const std::filesystem::path& file);
onnx::ModelProto parse_onnx_model(const std::string& bytes, const std::filesystem::path& file);
onnx::TensorProto read_onnx_tensor(const std::filesystem::path& file);

// The element type of ONNX's code. Throws Error(Unsupported), `where` first, naming the type; Error(BadInput)
// for a code that ONNX does not define.
DType dtype_from_onnx(std::int32_t code, const std::string& where);

// A tensor's bytes from raw_data or from its typed field. Throws Error(BadInput) where dimensions, type
// and data do not fit each other; Error(Unsupported) for external data, segments and other types.
Tensor tensor_from_onnx(const onnx::TensorProto& proto, const std::string& where);

}  // namespace assay::testgen
