#include "testgen/onnx_case.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "base/error.hpp"
#include "base/suggest.hpp"
#include "testgen/onnx_graph.hpp"

namespace assay::testgen {
namespace {

namespace fs = std::filesystem;

// How a node of ONNX becomes a problem. Attributes keep their names; those not listed are refused, and so
// is a node of an older operator set, where the operator meant something else.
struct OnnxOperator {
  std::string_view op_type, op;
  int since;   // oldest operator set whose meaning is the spec's
  int inputs;  // how many of the node's inputs are understood
  std::vector<std::string> attributes = {};
  // Attributes of operator sets below `until` whose every value means what the later sets do.
  std::vector<std::string> outdated = {};
  int until = 0;
};

const std::vector<OnnxOperator>& operators() {
  constexpr int kAny = 1 << 20;  // as many as the spec takes
  static const std::vector<std::string> conv{"auto_pad",     "dilations", "group",
                                             "kernel_shape", "pads",      "strides"};
  static const std::vector<std::string> convtranspose{
      "auto_pad", "dilations", "group", "kernel_shape", "output_padding", "output_shape", "pads", "strides"};
  static const std::vector<OnnxOperator> rows{
      {"Gemm", "gemm", 6, 3, {"alpha", "beta", "transA", "transB"}, {"broadcast"}, 7},
      {"MatMul", "matmul", 1, 2},
      {"MatMulInteger", "matmulinteger", 10, 4},
      {"QLinearMatMul", "qlinearmatmul", 10, 8},
      {"Add", "add", 7, 2},
      {"Sub", "sub", 7, 2},
      {"Mul", "mul", 7, 2},
      {"Div", "div", 7, 2},
      {"Max", "max", 8, kAny},
      {"Min", "min", 8, kAny},
      {"Relu", "relu", 6, 1},
      {"Softmax", "softmax", 13, 1, {"axis"}},
      {"Gather", "gather", 1, 2, {"axis"}},
      {"Einsum", "einsum", 12, kAny, {"equation"}},
      {"Conv", "conv", 1, 3, conv},
      {"ConvTranspose", "convtranspose", 1, 3, convtranspose},
      {"ConvInteger", "convinteger", 10, 4, conv},
      {"QLinearConv", "qlinearconv", 10, 9, conv},
  };
  return rows;
}

std::string describe(const onnx::NodeProto& node) {
  return node.name().empty() ? node.op_type() : fmt::format("{} '{}'", node.op_type(), node.name());
}

const OnnxOperator& operator_of(const onnx::NodeProto& node, const std::string& where) {
  std::vector<std::string> names;
  for (const OnnxOperator& row : operators()) {
    if (row.op_type == node.op_type() && (node.domain().empty() || node.domain() == "ai.onnx")) return row;
    names.emplace_back(row.op_type);
  }
  fail(ExitCode::Unsupported, "{}: node {}{}: unsupported operator; {}", where, describe(node),
       node.domain().empty() ? "" : fmt::format(" of domain '{}'", node.domain()),
       expected_one_of(node.op_type(), names));
}

// The model's one node, and the pieces around it that give it its tensors.
struct Model : OnnxFile {
  const onnx::NodeProto& node() const { return graph().node(0); }
};

OnnxFile read_model(const fs::path& folder) { return read_onnx_file(folder / "model.onnx"); }

// Whether the graph declares a matrix of that name.
bool is_matrix(const onnx::GraphProto& graph, const std::string& name) {
  for (const onnx::ValueInfoProto& info : graph.input())
    if (info.name() == name) return info.type().tensor_type().shape().dim_size() == 2;
  return false;
}

// Transpose and MatMul of matrices, as converters write a linear layer: one Gemm.
void fold_transpose(onnx::GraphProto& graph) {
  if (graph.node_size() != 2) return;
  const onnx::NodeProto &transpose = graph.node(0), &matmul = graph.node(1);
  const bool linear = transpose.op_type() == "Transpose" && matmul.op_type() == "MatMul" &&
                      transpose.input_size() == 1 && transpose.output_size() == 1 &&
                      matmul.input_size() == 2 && matmul.input(1) == transpose.output(0) &&
                      matmul.input(0) != transpose.output(0);
  if (!linear || !is_matrix(graph, matmul.input(0)) || !is_matrix(graph, transpose.input(0))) return;
  onnx::NodeProto gemm = matmul;
  gemm.set_op_type("Gemm");
  gemm.set_input(1, transpose.input(0));
  onnx::AttributeProto& transposed = *gemm.add_attribute();
  transposed.set_name("transB");
  transposed.set_type(onnx::AttributeProto::INT);
  transposed.set_i(1);
  graph.clear_node();
  *graph.add_node() = gemm;
}

Model read_node_model(const fs::path& folder) {
  Model model{read_model(folder)};
  fold_transpose(*model.proto.mutable_graph());
  const onnx::GraphProto& graph = model.graph();
  if (graph.node_size() == 0) fail(ExitCode::BadInput, "{}: a graph without a node", model.file);
  for (const onnx::NodeProto& node : graph.node()) operator_of(node, model.file);
  if (graph.node_size() > 1)
    fail(ExitCode::Unsupported, "{}: {} nodes (first {}); only graphs of one node are supported", model.file,
         graph.node_size(), describe(graph.node(0)));
  const onnx::NodeProto& node = model.node();
  if (node.output_size() != 1 || graph.output_size() != 1 || node.output(0) != graph.output(0).name())
    fail(ExitCode::BadInput, "{}: node {}: its output is not the graph's one output", model.file,
         describe(node));
  return model;
}

// The operator set that the node's meaning is taken from. ONNX wants it in every model; without it, the
// first.
std::int64_t operator_set(const Model& model) {
  for (const onnx::OperatorSetIdProto& set : model.proto.opset_import())
    if (set.domain().empty() || set.domain() == "ai.onnx") return set.version();
  fail(ExitCode::BadInput, "{}: imports no operator set of ONNX", model.file);
}

void check_operator_set(const Model& model, const OnnxOperator& row) {
  if (operator_set(model) < row.since)
    fail(ExitCode::Unsupported, "{}: node {}: operator set {}; expected {} or later", model.file,
         describe(model.node()), operator_set(model), row.since);
}

bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The value; empty where its type is another one than the spec's.
std::optional<ops::AttributeValue> value_of(const onnx::AttributeProto& attribute, ops::AttributeType type) {
  using Proto = onnx::AttributeProto;
  const bool real = type == ops::AttributeType::Float;
  if (attribute.type() == Proto::INT && (real || type == ops::AttributeType::Int)) return attribute.i();
  if (attribute.type() == Proto::FLOAT && real) return attribute.f();
  if (attribute.type() == Proto::STRING && type == ops::AttributeType::String) return attribute.s();
  if (attribute.type() == Proto::INTS && type == ops::AttributeType::Ints)
    return std::vector<std::int64_t>(attribute.ints().begin(), attribute.ints().end());
  return std::nullopt;
}

void add_attributes(const Model& model, const OnnxOperator& row, ops::Problem& problem) {
  const ops::Operator& op = ops::find_operator(row.op);
  for (const onnx::AttributeProto& attribute : model.node().attribute()) {
    if (operator_set(model) < row.until && holds(row.outdated, attribute.name())) continue;
    if (!holds(row.attributes, attribute.name()))
      fail(ExitCode::Unsupported, "{}: node {}: unsupported attribute '{}'", model.file,
           describe(model.node()), attribute.name());
    const ops::AttributeType type = ops::find_attribute(op, attribute.name()).type;
    const auto value = value_of(attribute, type);
    if (!value)
      fail(ExitCode::BadInput, "{}: node {}: attribute '{}' is {}, expected {}", model.file,
           describe(model.node()), attribute.name(),
           onnx::AttributeProto::AttributeType_Name(attribute.type()), ops::to_string(type));
    problem.attributes.set(attribute.name(), *value);
  }
}

void check_declared(const onnx::ValueInfoProto& info, const Tensor& tensor, const std::string& where) {
  const std::string reason = misfit(info, tensor.dtype, tensor.shape, where);
  if (!reason.empty()) fail(ExitCode::BadInput, "{}: {}", where, reason);
}

// Everything that has a name in the graph when this data set is run: initialisers and the set's inputs.
std::map<std::string, Tensor> named_tensors(const OnnxFile& model, const fs::path& set) {
  std::map<std::string, Tensor> tensors = initialisers(model);
  int index = 0;
  for (const onnx::ValueInfoProto& info : model.graph().input()) {
    if (tensors.count(info.name()) != 0) continue;
    const fs::path file = set / fmt::format("input_{}.pb", index++);
    Tensor tensor = tensor_from_onnx(read_onnx_tensor(file), file.string());
    check_declared(info, tensor, file.string());
    tensors[info.name()] = std::move(tensor);
  }
  const fs::path extra = set / fmt::format("input_{}.pb", index);
  if (fs::exists(extra)) fail(ExitCode::BadInput, "{}: the model has only {} inputs", extra.string(), index);
  return tensors;
}

void add_inputs(const Model& model, const OnnxOperator& row, std::map<std::string, Tensor>& tensors,
                RecordedCase& out) {
  const onnx::NodeProto& node = model.node();
  const ops::Operator& op = ops::find_operator(row.op);
  const std::vector<std::string>& names = op.input_names();
  for (int i = 0; i < node.input_size(); ++i) {
    if (node.input(i).empty()) continue;  // an optional input that is not given
    if (i >= row.inputs)
      fail(ExitCode::Unsupported, "{}: node {}: input {} ('{}') is unsupported", model.file, describe(node),
           i, node.input(i));
    const auto found = tensors.find(node.input(i));
    if (found == tensors.end())
      fail(ExitCode::BadInput, "{}: node {}: input '{}' is nowhere defined", model.file, describe(node),
           node.input(i));
    Tensor tensor = found->second;
    const std::size_t position = op.inputs_by_name() ? static_cast<std::size_t>(i) : out.inputs.size();
    if (position >= names.size())
      fail(ExitCode::Unsupported, "{}: node {}: {} inputs; {} takes at most {}", model.file, describe(node),
           node.input_size(), row.op, names.size());
    tensor.name = names[position];
    out.c.problem.inputs.push_back({tensor.name, tensor.dtype, tensor.shape});
    out.inputs.push_back(std::move(tensor));
  }
}

std::string name_of(const fs::path& set) {
  return set.parent_path().filename().string() + "/" + set.filename().string();
}

// The tensors of a data set, beside the model that they are for.
RecordedCase read_tensors(const OnnxFile& model, const fs::path& set) {
  RecordedCase out = graph_case(model, named_tensors(model, set));
  out.name = name_of(set);
  int index = 0;
  for (const onnx::ValueInfoProto& info : model.graph().output()) {
    const fs::path file = set / fmt::format("output_{}.pb", index++);
    Tensor recorded = tensor_from_onnx(read_onnx_tensor(file), file.string());
    check_declared(info, recorded, file.string());
    recorded.name = info.name();
    out.c.problem.outputs.push_back({recorded.name, recorded.dtype, recorded.shape});
    out.outputs.push_back(std::move(recorded));
  }
  return out;
}

void add_output(const Model& model, const fs::path& set, RecordedCase& out) {
  const fs::path file = set / "output_0.pb", extra = set / "output_1.pb";
  if (fs::exists(extra)) fail(ExitCode::BadInput, "{}: the model has only 1 output", extra.string());
  Tensor recorded = tensor_from_onnx(read_onnx_tensor(file), file.string());
  check_declared(model.graph().output(0), recorded, file.string());
  const ops::TensorInfo& inferred = out.c.problem.outputs[0];
  if (recorded.dtype != inferred.dtype || recorded.shape != inferred.shape)
    fail(ExitCode::BadInput, "{}: recorded {} {}, but node {} gives {} {}", file.string(),
         assay::to_string(recorded.dtype), assay::to_string(recorded.shape), describe(model.node()),
         assay::to_string(inferred.dtype), assay::to_string(inferred.shape));
  recorded.name = inferred.name;
  out.outputs.push_back(std::move(recorded));
}

RecordedCase read_case(const Model& model, const fs::path& set) {
  const OnnxOperator& row = operator_of(model.node(), model.file);
  RecordedCase out;
  out.name = name_of(set);
  out.c.problem.op = std::string(row.op);
  out.c.mode = golden::Mode::Real;
  out.policy.mode = golden::Mode::Real;
  out.policy.zero_mean = false;
  out.policy.doubled = true;
  check_operator_set(model, row);
  add_attributes(model, row, out.c.problem);
  std::map<std::string, Tensor> tensors = named_tensors(model, set);
  add_inputs(model, row, tensors, out);
  try {
    validate(out.c);
  } catch (const Error& error) {
    throw Error(error.code(),
                fmt::format("{}: node {}: {}", model.file, describe(model.node()), error.what()));
  }
  add_output(model, set, out);
  return out;
}

// test_data_set_N, in the order of N.
std::vector<fs::path> data_sets(const fs::path& folder) {
  constexpr std::string_view kPrefix = "test_data_set_";
  std::map<int, fs::path> sets;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    std::error_code ignored;
    if (!entry.is_directory(ignored) || name.compare(0, kPrefix.size(), kPrefix) != 0) continue;
    const std::string digits = name.substr(kPrefix.size());
    int number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc() || end != digits.data() + digits.size())
      fail(ExitCode::BadInput, "{}: expected test_data_set_ and a number", entry.path().string());
    if (!sets.emplace(number, entry.path()).second)
      fail(ExitCode::BadInput, "{}: data set {} is there twice", entry.path().string(), number);
  }
  std::vector<fs::path> ordered;
  ordered.reserve(sets.size());
  for (const auto& [number, path] : sets) ordered.push_back(path);
  if (ordered.empty()) fail(ExitCode::BadInput, "{}: no folder test_data_set_0", folder.string());
  return ordered;
}

// A case for each data set of the folder; `open` reads the model, `read` a case.
template <typename Open, typename Read>
std::vector<RecordedCase> read_folder(const fs::path& folder, Open open, Read read) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) fail(ExitCode::BadInput, "{}: not a folder", folder.string());
  fs::path clean = folder.lexically_normal();
  if (clean.filename().empty()) clean = clean.parent_path();  // a trailing slash
  const auto model = open(clean);
  const std::vector<fs::path> sets = data_sets(clean);
  std::vector<RecordedCase> cases;
  cases.reserve(sets.size());
  for (const fs::path& set : sets) cases.push_back(read(model, set));
  return cases;
}

}  // namespace

std::vector<RecordedCase> read_onnx_cases(const fs::path& folder) {
  return read_folder(folder, read_node_model, read_case);
}

std::vector<RecordedCase> read_onnx_tensors(const fs::path& folder) {
  return read_folder(folder, read_model, read_tensors);
}

}  // namespace assay::testgen
