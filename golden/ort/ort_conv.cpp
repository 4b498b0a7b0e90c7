// The ONNX Runtime golden of the convolutions, which reads their attributes by itself; channels last are put
// first before it. Bias, residual and activation follow in fp64, as dnnl's. Integers by ConvInteger and
// QLinearConv, exactly: ort_bytes.hpp says why.
#include "golden/backends.hpp"
#include "golden/conv_operands.hpp"
#include "golden/f32_sums.hpp"
#include "golden/formats.hpp"
#include "golden/ort/ort_bytes.hpp"
#include "golden/ort/ort_graph.hpp"

namespace assay::golden {
namespace {

bool channels_last(const ops::Problem& problem) {
  const ops::AttributeValue* layout = problem.attributes.find("layout");
  return layout != nullptr && std::get<std::string>(*layout) == "NHWC";
}

Shape channels_first(const ops::Problem& problem, Shape shape) {
  if (!channels_last(problem)) return shape;
  shape.insert(shape.begin() + 1, shape.back());
  shape.pop_back();
  return shape;
}

Tensor channels_first(const ops::Problem& problem, Tensor tensor) {
  if (!channels_last(problem)) return tensor;
  Tensor moved(tensor.name, tensor.dtype, channels_first(problem, tensor.shape));
  const auto channels = static_cast<std::size_t>(tensor.shape.back());
  const auto items = static_cast<std::size_t>(tensor.shape[0]);
  const std::size_t all = static_cast<std::size_t>(tensor.elements()), plane = all / items / channels;
  for (std::size_t at = 0; at < all; ++at) {
    const std::size_t position = at % plane, channel = at / plane % channels, item = at / plane / channels;
    set_element_bits(moved.dtype, moved.bytes.data(), at,
                     element_bits(tensor, (item * plane + position) * channels + channel));
  }
  return moved;
}

OrtNode node_of(const ops::Problem& problem, const char* type, std::vector<std::string> inputs) {
  OrtNode node{type, std::move(inputs), "y"};
  for (const char* name :
       {"auto_pad", "dilations", "group", "output_padding", "output_shape", "pads", "strides"}) {
    const ops::AttributeValue* value = problem.attributes.find(name);
    if (value == nullptr) continue;
    const auto* list = std::get_if<std::vector<std::int64_t>>(value);
    if (list == nullptr || !list->empty()) node.attributes.set(name, *value);  // an empty one: not given
  }
  return node;
}

void evaluate_floats(const ops::Problem& problem, const ConvOperands& c, const std::vector<Tensor>& inputs,
                     Expected& expected) {
  const Tensor x = channels_first(problem, widened(inputs[c.x_input], "x")),
               w = channels_first(problem, widened(inputs[c.w_input], "w"));
  const OrtNode node = node_of(problem, c.transposed ? "ConvTranspose" : "Conv", {"x", "w"});
  const Shape shape = channels_first(problem, expected.shape);
  const auto values = [](const Tensor& y) {
    return std::vector<float>(y.as<float>(), y.as<float>() + y.elements());
  };
  finish_conv(c, values(run_ort(node, {x, w}, DType::f32, shape)),
              values(run_ort(node, {absolute(x), absolute(w)}, DType::f32, shape)), inputs, expected);
}

void evaluate_integers(const ops::Problem& problem, const ConvOperands& c, const std::vector<Tensor>& inputs,
                       Tensor& y) {
  const auto given = [&](std::optional<std::size_t> input) { return input ? &inputs[*input] : nullptr; };
  const ShiftedBytes x = shifted(inputs[c.x_input], given(c.x_zero), "x"),
                     w = shifted(inputs[c.w_input], given(c.w_zero), "w");
  if (!c.y_scale) {
    const OrtNode node = node_of(problem, "ConvInteger", {"x", "w", "x_zero", "w_zero"});
    y = run_ort(node, {x.values, w.values, x.zero, w.zero}, DType::s32, y.shape);
    return;
  }
  const QuantisedScales s = quantised_scales(inputs[*c.x_scale], inputs[*c.w_scale], inputs[*c.y_scale]);
  std::vector<Tensor> tensors{x.values, s.x,    x.zero, w.values,
                              s.w,      w.zero, s.y,    shifted(inputs[*c.y_zero], nullptr, "y_zero").values};
  OrtNode node = node_of(problem, "QLinearConv", {"x", "sx", "x_zero", "w", "sw", "w_zero", "sy", "y_zero"});
  if (c.bias) {
    node.inputs.emplace_back("B");
    tensors.push_back(inputs[*c.bias]);
    tensors.back().name = "B";
  }
  y = unshifted(run_ort(node, tensors, DType::u8, y.shape), y);
}

}  // namespace

void ort_conv(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  const ConvOperands c = read_conv_operands(problem);
  if (is_float(problem.inputs[0].dtype)) return evaluate_floats(problem, c, inputs, expected);
  evaluate_integers(problem, c, inputs, expected.bits.emplace(expected.name, expected.dtype, expected.shape));
}

}  // namespace assay::golden
