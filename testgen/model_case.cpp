#include "testgen/model_case.hpp"

#include <algorithm>

#include "base/suggest.hpp"
#include "testgen/onnx_graph.hpp"
#include "testgen/yaml_tensor.hpp"

namespace assay::testgen {
namespace {

using Infos = std::vector<const onnx::ValueInfoProto*>;

// What the graph calls so, which must not have been given before.
const onnx::ValueInfoProto& find_info(const YamlMap& map, const OnnxFile& model, std::string_view role,
                                      const Infos& infos, std::vector<std::string>& given) {
  const std::string name = map.text("name");
  if (std::find(given.begin(), given.end(), name) != given.end())
    map.complain("name", "'{}' is given twice", name);
  std::vector<std::string> names;
  for (const onnx::ValueInfoProto* info : infos) {
    names.push_back(info->name());
    if (info->name() != name) continue;
    given.push_back(name);
    return *info;
  }
  if (names.empty()) map.complain("name", "'{}': {} has no {} to be given", name, model.file, role);
  map.complain("name", "'{}' is no {} of {}; {}", name, role, model.file, expected_one_of(name, names));
}

std::string place_of(const OnnxFile& model, const onnx::ValueInfoProto& info) {
  return fmt::format("{}: '{}'", model.file, info.name());
}

void check_fit(const YamlMap& map, const OnnxFile& model, const onnx::ValueInfoProto& info, DType dtype,
               const Shape& shape) {
  const std::string reason = misfit(info, dtype, shape, place_of(model, info));
  if (!reason.empty()) map.complain("name", "{}", reason);
}

void check_size(const YamlMap& map, const ops::TensorInfo& info, std::string_view role) {
  at_key(map, "shape", [&] { ops::check_tensor(ops::find_operator("user"), info, role); });
}

YAML::Node list_of(const YamlMap& root, const std::string& key) {
  const YAML::Node list = root.has(key) ? root.at(key) : YAML::Node(YAML::NodeType::Sequence);
  if (!list.IsSequence()) root.complain(key, "expected a list of tensors");
  return list;
}

// What a case says of the graph's inputs: arrays, and what to generate.
struct Inputs {
  std::map<std::string, Tensor> arrays;
  std::map<std::string, ops::TensorInfo> generated;
};

Inputs read_inputs(const YamlMap& root, const OnnxFile& model, const Infos& infos) {
  Inputs inputs;
  std::vector<std::string> given;
  for (const YAML::Node& node : list_of(root, "inputs")) {
    const YamlMap map(node, root.file(), fmt::format("inputs[{}]", given.size()),
                      {"name", "npy", "dtype", "shape"});
    const onnx::ValueInfoProto& info = find_info(map, model, "input", infos, given);
    if (map.has("npy")) {
      if (map.has("shape")) map.complain("shape", "not beside npy, which has its own");
      const Tensor& array = inputs.arrays[info.name()] = read_array(map, info.name());
      check_fit(map, model, info, array.dtype, array.shape);
    } else {
      const ops::TensorInfo& wanted = inputs.generated[info.name()] = read_tensor_info(map);
      check_fit(map, model, info, wanted.dtype, wanted.shape);
      check_size(map, wanted, "input");
    }
  }
  for (const onnx::ValueInfoProto* info : infos)
    if (std::find(given.begin(), given.end(), info->name()) == given.end())
      fail(ExitCode::Usage, "{}:{}: case.inputs: '{}', an input of {}, is not given", root.file(),
           root.line(root.has("inputs") ? "inputs" : "model"), info->name(), model.file);
  return inputs;
}

// As the graph declares it; nothing where that leaves a dimension open.
std::optional<ops::TensorInfo> declared(const OnnxFile& model, const onnx::ValueInfoProto& info) {
  const onnx::TypeProto_Tensor& type = info.type().tensor_type();
  if (!info.type().has_tensor_type())
    fail(ExitCode::Unsupported, "{} is not a tensor", place_of(model, info));
  ops::TensorInfo tensor{info.name(), dtype_from_onnx(type.elem_type(), place_of(model, info)), {}};
  if (!type.has_shape()) return std::nullopt;
  for (const onnx::TensorShapeProto_Dimension& dim : type.shape().dim()) {
    if (!is_fixed(dim)) return std::nullopt;
    tensor.shape.push_back(dim.dim_value());
  }
  return tensor;
}

std::vector<ops::TensorInfo> read_outputs(const YamlMap& root, const OnnxFile& model) {
  Infos infos;
  for (const onnx::ValueInfoProto& info : model.graph().output()) infos.push_back(&info);
  if (infos.empty()) fail(ExitCode::BadInput, "{}: a graph without an output", model.file);
  std::map<std::string, ops::TensorInfo> said;
  std::vector<std::string> given;
  for (const YAML::Node& node : list_of(root, "outputs")) {
    const YamlMap map(node, root.file(), fmt::format("outputs[{}]", given.size()),
                      {"name", "dtype", "shape"});
    const onnx::ValueInfoProto& info = find_info(map, model, "output", infos, given);
    const ops::TensorInfo& output = said[info.name()] = read_tensor_info(map);
    check_fit(map, model, info, output.dtype, output.shape);
    check_size(map, output, "output");
  }
  std::vector<ops::TensorInfo> outputs;
  for (const onnx::ValueInfoProto* info : infos) {
    const auto found = said.find(info->name());
    const auto output = found != said.end() ? found->second : declared(model, *info);
    if (!output)
      fail(ExitCode::Usage,
           "{}:{}: case.outputs: the shape of '{}' is left open by {}; give {{name, dtype, shape}}",
           root.file(), root.line(root.has("outputs") ? "outputs" : "model"), info->name(), model.file);
    ops::check_tensor(ops::find_operator("user"), *output, "output");
    outputs.push_back(*output);
  }
  return outputs;
}

// The case of the generated inputs alone, in the graph's order: their data are a function of it.
Case generated_case(const YamlMap& root, const Infos& infos, const Inputs& inputs) {
  Case c;
  c.problem.op = "user";
  for (const onnx::ValueInfoProto* info : infos)
    if (const auto found = inputs.generated.find(info->name()); found != inputs.generated.end())
      c.problem.inputs.push_back(found->second);
  for (const char* key : {"data", "seed"})
    if (root.has(key) && c.problem.inputs.empty()) root.complain(key, "no input is generated");
  if (root.has("data"))
    c.data = at_key(root, "data", [&] { return parse_data_kind(root.text("data"), c.mode); });
  if (root.has("seed")) c.suite_seed = root.unsigned_integer("seed");
  return c;
}

}  // namespace

RecordedCase read_model_case(const YamlMap& root) {
  const OnnxFile model = read_onnx_file(beside(root, root.text("model")));
  std::map<std::string, Tensor> tensors = initialisers(model);
  Infos infos;
  for (const onnx::ValueInfoProto& info : model.graph().input())
    if (tensors.count(info.name()) == 0) infos.push_back(&info);
  Inputs inputs = read_inputs(root, model, infos);
  const std::vector<ops::TensorInfo> outputs = read_outputs(root, model);
  const Case generated = generated_case(root, infos, inputs);
  require_memory({"user", {}, generated.problem.inputs, outputs});
  tensors.merge(inputs.arrays);
  for (Tensor& tensor : make_inputs(generated)) tensors[tensor.name] = std::move(tensor);
  RecordedCase c = graph_case(model, std::move(tensors));
  c.name = std::filesystem::path(root.file()).filename().string();
  c.c.data = generated.data;
  c.c.suite_seed = generated.suite_seed;
  c.c.problem.outputs = outputs;
  return c;
}

}  // namespace assay::testgen
