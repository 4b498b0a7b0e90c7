#include "testgen/onnx_graph.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace assay::testgen {
namespace {

// Reports know a tensor by its name.
void check_names(const OnnxFile& model) {
  const auto check = [&](const std::string& name) {
    const auto control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
    if (name.empty() || std::any_of(name.begin(), name.end(), control))
      fail(ExitCode::BadInput, "{}: a tensor whose name is empty or has a control character", model.file);
  };
  for (const onnx::ValueInfoProto& info : model.graph().input()) check(info.name());
  for (const onnx::TensorProto& proto : model.graph().initializer()) check(proto.name());
  for (const onnx::ValueInfoProto& info : model.graph().output()) check(info.name());
}

golden::OnnxModel as_golden(const OnnxFile& model) {
  golden::OnnxModel golden{model.file, model.bytes, {}};
  for (const onnx::ValueInfoProto& info : model.graph().input()) {
    const auto& given = model.graph().initializer();
    if (std::none_of(given.begin(), given.end(), [&](const auto& t) { return t.name() == info.name(); }))
      golden.inputs.push_back(info.name());
  }
  return golden;
}

}  // namespace

OnnxFile read_onnx_file(const std::filesystem::path& file) {
  auto bytes = std::make_shared<const std::string>(read_bytes(file));
  onnx::ModelProto proto = parse_onnx_model(*bytes, file);
  return {file.string(), std::move(bytes), std::move(proto)};
}

std::map<std::string, Tensor> initialisers(const OnnxFile& model) {
  std::map<std::string, Tensor> tensors;
  for (const onnx::TensorProto& proto : model.graph().initializer())
    tensors[proto.name()] = tensor_from_onnx(proto, model.file + ": initializer '" + proto.name() + "'");
  if (model.graph().sparse_initializer_size() > 0)
    fail(ExitCode::Unsupported, "{}: sparse initializers", model.file);
  return tensors;
}

std::string misfit(const onnx::ValueInfoProto& info, DType dtype, const Shape& shape,
                   const std::string& where) {
  if (!info.type().has_tensor_type())
    fail(ExitCode::Unsupported, "{}: '{}' is not a tensor", where, info.name());
  const onnx::TypeProto_Tensor& type = info.type().tensor_type();
  const DType declared = dtype_from_onnx(type.elem_type(), where);
  if (declared != dtype)
    return fmt::format("{} data for '{}', which the model declares as {}", assay::to_string(dtype),
                       info.name(), assay::to_string(declared));
  if (!type.has_shape()) return {};
  bool fits = static_cast<std::size_t>(type.shape().dim_size()) == shape.size();
  for (std::size_t i = 0; fits && i < shape.size(); ++i) {
    const onnx::TensorShapeProto_Dimension& dim = type.shape().dim(static_cast<int>(i));
    fits = !is_fixed(dim) || dim.dim_value() == shape[i];
  }
  if (fits) return {};
  return fmt::format("shape {} for '{}' is not what the model declares", assay::to_string(shape),
                     info.name());
}

RecordedCase graph_case(const OnnxFile& model, std::map<std::string, Tensor> tensors) {
  check_names(model);
  RecordedCase out;
  out.c.problem.op = "user";
  out.policy.zero_mean = false;
  out.model = as_golden(model);
  const auto add = [&](const std::string& name) {
    const auto found = tensors.find(name);
    if (found == tensors.end()) return;
    found->second.name = name;
    out.c.problem.inputs.push_back({name, found->second.dtype, found->second.shape});
    out.inputs.push_back(std::move(found->second));
    tensors.erase(found);
  };
  for (const onnx::ValueInfoProto& info : model.graph().input()) add(info.name());
  for (const onnx::TensorProto& proto : model.graph().initializer()) add(proto.name());
  return out;
}

}  // namespace assay::testgen
