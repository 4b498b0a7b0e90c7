#include "golden/ort/ort_graph.hpp"

#include <fmt/ranges.h>
#include <onnx/onnx_pb.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/data_folder.hpp"
#include "base/error.hpp"
#include "golden/formats.hpp"
#include "golden/ort/ort_backend.hpp"
#include "golden/ort/ort_process.hpp"

namespace assay::golden {
namespace {

using Json = nlohmann::json;
constexpr int kOperatorSet = 23;  // the first with RotaryEmbedding; older nodes mean there what they did
constexpr std::size_t kPiece = 8;

struct Type {
  DType type;
  onnx::TensorProto::DataType code;
  const char* name;  // of onnxruntime-node
};

const Type& type_of(DType type) {
  static const std::vector<Type> types{{DType::f32, onnx::TensorProto::FLOAT, "float32"},
                                       {DType::f64, onnx::TensorProto::DOUBLE, "float64"},
                                       {DType::s32, onnx::TensorProto::INT32, "int32"},
                                       {DType::u8, onnx::TensorProto::UINT8, "uint8"}};
  for (const Type& t : types)
    if (t.type == type) return t;
  fail(ExitCode::Unsupported, "golden ort: tensors of {}", to_string(type));
}

void declare(onnx::ValueInfoProto& info, const std::string& name, DType type, const Shape& shape) {
  info.set_name(name);
  onnx::TypeProto_Tensor& tensor = *info.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(type_of(type).code);
  tensor.mutable_shape();  // of rank 0 where there is no dimension
  for (const std::int64_t dim : shape) tensor.mutable_shape()->add_dim()->set_dim_value(dim);
}

void set_value(onnx::AttributeProto& attribute, const ops::AttributeValue& value) {
  using Proto = onnx::AttributeProto;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    attribute.set_type(Proto::INT);
    attribute.set_i(*integer);
  } else if (const auto* real = std::get_if<float>(&value)) {
    attribute.set_type(Proto::FLOAT);
    attribute.set_f(*real);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    attribute.set_type(Proto::STRING);
    attribute.set_s(*text);
  } else {
    attribute.set_type(Proto::INTS);
    for (const std::int64_t i : std::get<std::vector<std::int64_t>>(value)) attribute.add_ints(i);
  }
}

std::string model_of(const std::vector<OrtNode>& nodes, const std::vector<Tensor>& inputs,
                     const std::vector<ops::TensorInfo>& outputs) {
  onnx::ModelProto model;
  model.set_ir_version(10);
  model.add_opset_import()->set_version(kOperatorSet);
  onnx::GraphProto& graph = *model.mutable_graph();
  graph.set_name("golden");
  for (const OrtNode& node : nodes) {
    onnx::NodeProto& proto = *graph.add_node();
    proto.set_op_type(node.type);
    for (const std::string& input : node.inputs) proto.add_input(input);
    proto.add_output(node.output);
    for (const auto& [name, value] : node.attributes.all()) {
      onnx::AttributeProto& attribute = *proto.add_attribute();
      attribute.set_name(name);
      set_value(attribute, value);
    }
  }
  for (const Tensor& t : inputs) declare(*graph.add_input(), t.name, t.dtype, t.shape);
  for (const ops::TensorInfo& t : outputs) declare(*graph.add_output(), t.name, t.dtype, t.shape);
  return model.SerializeAsString();
}

std::filesystem::path folder() { return data_folder("ASSAY_ORT_DIR", "ort", ASSAY_ORT_DIR); }

bool on_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::stringstream folders(path == nullptr ? "" : path);
  for (std::string part; std::getline(folders, part, ':');)
    if (access((std::filesystem::path(part) / program).c_str(), X_OK) == 0) return true;
  return false;
}

// One for the whole of this process.
OrtProcess& process() {
  static OrtProcess only({"node", (folder() / "ort_server.mjs").string()});
  return only;
}

// The outputs as the answer describes them, against what the graph must give.
std::vector<Tensor> read_answer(OrtProcess::Answer answer, const std::vector<ops::TensorInfo>& outputs) {
  const Json header = Json::parse(answer.header, nullptr, false);
  if (header.is_object() && header.contains("error") && header["error"].is_string())
    fail(ExitCode::Infrastructure, "golden ort: ONNX Runtime: {}", header["error"].get<std::string>());
  Json expected = Json::array();
  std::vector<Tensor> tensors;
  std::size_t length = 0;
  for (const ops::TensorInfo& info : outputs) {
    expected.push_back({{"type", type_of(info.dtype).name}, {"dims", info.shape}});
    length += tensors.emplace_back(info.name, info.dtype, info.shape).bytes.size();
  }
  if (header != Json{{"outputs", expected}} || length != answer.body.size())
    process().give_up(fmt::format("answered {} and {} bytes; expected {} and {} bytes",
                                  header.is_discarded() ? "no JSON" : header.dump(), answer.body.size(),
                                  expected.dump(), length));
  const auto* from = reinterpret_cast<const std::byte*>(answer.body.data());
  for (Tensor& t : tensors) {
    std::copy_n(from, t.bytes.size(), t.bytes.data());
    from += t.bytes.size();
  }
  return tensors;
}

}  // namespace

std::optional<Unavailable> ort_unavailable() {
  if (!on_path("node"))
    return Unavailable{ExitCode::Infrastructure, "node is not installed (apt-get install nodejs npm)"};
  std::error_code ignored;
  if (!std::filesystem::exists(folder() / "node_modules/onnxruntime-node/package.json", ignored))
    return Unavailable{
        ExitCode::Infrastructure,
        fmt::format("onnxruntime-node is not installed in {0} (npm ci --ignore-scripts --prefix {0})",
                    folder().string())};
  return std::nullopt;
}

std::vector<Tensor> run_ort(const std::vector<OrtNode>& nodes, const std::vector<Tensor>& inputs,
                            const std::vector<ops::TensorInfo>& outputs) {
  static std::mutex one_at_a_time;
  const std::lock_guard<std::mutex> guard(one_at_a_time);
  static constexpr std::string_view kPadding("\0\0\0\0\0\0\0", kPiece - 1);
  const std::string model = model_of(nodes, inputs, outputs);
  std::vector<std::string_view> body;
  const auto add = [&](const void* bytes, std::size_t size) {
    body.emplace_back(static_cast<const char*>(bytes), size);
    body.push_back(kPadding.substr(0, (kPiece - size % kPiece) % kPiece));
  };
  add(model.data(), model.size());
  Json header{{"model", model.size()}, {"tensors", Json::array()}};
  for (const Tensor& t : inputs) {
    header["tensors"].push_back(
        {{"name", t.name}, {"type", type_of(t.dtype).name}, {"dims", t.shape}, {"bytes", t.bytes.size()}});
    add(t.bytes.data(), t.bytes.size());
  }
  std::size_t length = 0;
  for (const ops::TensorInfo& info : outputs) length += ops::bytes_of(info).count();
  return read_answer(process().exchange(header.dump(), body, length), outputs);
}

Tensor run_ort(const OrtNode& node, const std::vector<Tensor>& inputs, DType type, const Shape& shape) {
  return std::move(run_ort(std::vector<OrtNode>{node}, inputs, {{node.output, type, shape}}).at(0));
}

Tensor widened(const Tensor& tensor, std::string name, DType to) {
  Tensor wide(std::move(name), to, tensor.shape);
  const std::vector<double> values = decode(tensor);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (to == DType::f64) wide.as<double>()[i] = values[i];
    else wide.as<float>()[i] = static_cast<float>(values[i]);  // exact: at most fp32 wide
  return wide;
}

Tensor absolute(Tensor tensor) {
  const auto count = static_cast<std::size_t>(tensor.elements());
  for (std::size_t i = 0; i < count; ++i)
    if (tensor.dtype == DType::f64) tensor.as<double>()[i] = std::fabs(tensor.as<double>()[i]);
    else tensor.as<float>()[i] = std::fabs(tensor.as<float>()[i]);
  return tensor;
}

}  // namespace assay::golden
