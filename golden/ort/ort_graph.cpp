#include "golden/ort/ort_graph.hpp"

#include <onnx/onnx_pb.h>

#include <cmath>

#include "base/error.hpp"
#include "golden/formats.hpp"
#include "golden/ort/ort_request.hpp"

namespace assay::golden {
namespace {

constexpr int kOperatorSet = 23;  // the first with RotaryEmbedding; older nodes mean there what they did

void declare(onnx::ValueInfoProto& info, const std::string& name, DType type, const Shape& shape) {
  info.set_name(name);
  onnx::TypeProto_Tensor& tensor = *info.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(ort_type(type).code);
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

}  // namespace

std::vector<Tensor> run_ort(const std::vector<OrtNode>& nodes, const std::vector<Tensor>& inputs,
                            const std::vector<ops::TensorInfo>& outputs) {
  std::vector<const Tensor*> fed;
  for (const Tensor& t : inputs) fed.push_back(&t);
  OrtReply reply = request_ort(model_of(nodes, inputs, outputs), fed, outputs);
  if (!reply.refused.empty()) fail(ExitCode::Infrastructure, "golden ort: {}", reply.refused);
  return std::move(reply.outputs);
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
