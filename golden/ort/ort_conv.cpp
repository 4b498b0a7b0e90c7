// The ONNX Runtime golden of the convolutions, which reads their attributes by itself; channels last are put
// first before it. Bias, residual and activation follow in fp64, as dnnl's. Integers by ConvInteger and
// QLinearConv, exactly: ort_bytes.hpp says why.
#include <algorithm>

#include "golden/backends.hpp"
#include "golden/conv_operands.hpp"
#include "golden/formats.hpp"
#include "golden/ort/ort_bytes.hpp"
#include "golden/ort/ort_graph.hpp"
#include "golden/sums.hpp"

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

// The same elements with channels second and positions last, or (`back`) the other way round.
Tensor moved(const Tensor& from, Shape shape, std::size_t channels, bool back) {
  Tensor to(from.name, from.dtype, std::move(shape));
  const auto items = static_cast<std::size_t>(from.shape[0]);
  const std::size_t all = static_cast<std::size_t>(from.elements()), plane = all / items / channels;
  for (std::size_t at = 0; at < all; ++at) {
    const std::size_t position = at % plane, channel = at / plane % channels, item = at / plane / channels;
    const std::size_t last = (item * plane + position) * channels + channel;
    set_element_bits(to.dtype, to.bytes.data(), back ? last : at, element_bits(from, back ? at : last));
  }
  return to;
}

Tensor channels_first(const ops::Problem& problem, Tensor tensor) {
  if (!channels_last(problem)) return tensor;
  return moved(tensor, channels_first(problem, tensor.shape), static_cast<std::size_t>(tensor.shape.back()),
               false);
}

// The graph's output as the problem has it.
Tensor laid_out(const ops::Problem& problem, Tensor y) {
  if (!channels_last(problem)) return y;
  return moved(y, problem.outputs.at(0).shape, static_cast<std::size_t>(y.shape[1]), true);
}

// Pads in place of "SAME". What ONNX Runtime makes of that is not what ONNX says where a kernel is smaller
// than its stride (the input is cropped; transposed, outputs are missing), and it refuses where something is
// dilated. Worked out here again, not read from what the other goldens share.
void spell_out_pads(const ConvOperands& c, std::size_t rank, ops::Attributes& attributes) {
  const bool upper = std::get<std::string>(*attributes.find("auto_pad")) == "SAME_UPPER";
  std::vector<std::int64_t> pads(2 * rank), beyond(rank);
  const ops::AttributeValue* given = attributes.find("output_padding");
  if (given != nullptr) beyond = std::get<std::vector<std::int64_t>>(*given);
  for (std::size_t i = 0; i < rank; ++i) {
    const ConvOperands::Axis& a = c.axes[3 - rank + i];
    const auto small = static_cast<std::int64_t>(c.transposed ? a.in : a.out),
               large = static_cast<std::int64_t>(c.transposed ? a.out : a.in),
               reach = static_cast<std::int64_t>((a.kernel - 1) * a.dilation + 1);
    const std::int64_t surplus = (small - 1) * static_cast<std::int64_t>(a.stride) + reach - large;
    const std::int64_t total = std::max<std::int64_t>(0, surplus + beyond[i]);
    pads[i] = upper ? total / 2 : (total + 1) / 2;
    pads[rank + i] = std::max<std::int64_t>(0, surplus - pads[i]);
    beyond[i] = std::max<std::int64_t>(0, pads[i] - surplus);
  }
  attributes.erase("auto_pad");
  attributes.set("pads", pads);
  if (c.transposed) attributes.set("output_padding", beyond);
}

OrtNode node_of(const ops::Problem& problem, const ConvOperands& c, const char* type,
                std::vector<std::string> inputs) {
  OrtNode node{type, std::move(inputs), "y"};
  for (const char* name :
       {"auto_pad", "dilations", "group", "output_padding", "output_shape", "pads", "strides"}) {
    const ops::AttributeValue* value = problem.attributes.find(name);
    if (value == nullptr) continue;
    const auto* list = std::get_if<std::vector<std::int64_t>>(value);
    if (list == nullptr || !list->empty()) node.attributes.set(name, *value);  // an empty one: not given
  }
  const ops::AttributeValue *pad = node.attributes.find("auto_pad"),
                            *shape = node.attributes.find("output_shape");
  if (pad != nullptr && std::get<std::string>(*pad).rfind("SAME", 0) == 0 && shape == nullptr)
    spell_out_pads(c, problem.inputs[c.x_input].shape.size() - 2, node.attributes);
  return node;
}

void evaluate_floats(const ops::Problem& problem, const ConvOperands& c, const std::vector<Tensor>& inputs,
                     Expected& expected) {
  const Tensor x = channels_first(problem, widened(inputs[c.x_input], "x")),
               w = channels_first(problem, widened(inputs[c.w_input], "w"));
  const OrtNode node = node_of(problem, c, c.transposed ? "ConvTranspose" : "Conv", {"x", "w"});
  const Shape shape = channels_first(problem, expected.shape);
  const auto values = [](const Tensor& y) {
    return std::vector<float>(y.as<float>(), y.as<float>() + y.elements());
  };
  finish_conv(c, values(run_ort(node, {x, w}, DType::f32, shape)),
              values(run_ort(node, {absolute(x), absolute(w)}, DType::f32, shape)), Channels::First,
              plain_sums(expected.tolerance.roundings), inputs, expected);
}

void evaluate_integers(const ops::Problem& problem, const ConvOperands& c, const std::vector<Tensor>& inputs,
                       Tensor& y) {
  const auto given = [&](std::optional<std::size_t> input) { return input ? &inputs[*input] : nullptr; };
  const Shape shape = channels_first(problem, y.shape);
  ShiftedBytes x = shifted(inputs[c.x_input], given(c.x_zero), "x"),
               w = shifted(inputs[c.w_input], given(c.w_zero), "w");
  x.values = channels_first(problem, std::move(x.values));
  w.values = channels_first(problem, std::move(w.values));
  if (!c.y_scale) {
    const OrtNode node = node_of(problem, c, "ConvInteger", {"x", "w", "x_zero", "w_zero"});
    y = laid_out(problem, run_ort(node, {x.values, w.values, x.zero, w.zero}, DType::s32, shape));
    return;
  }
  const QuantisedScales s = quantised_scales(inputs[*c.x_scale], inputs[*c.w_scale], inputs[*c.y_scale]);
  std::vector<Tensor> tensors{x.values, s.x,    x.zero, w.values,
                              s.w,      w.zero, s.y,    shifted(inputs[*c.y_zero], nullptr, "y_zero").values};
  OrtNode node =
      node_of(problem, c, "QLinearConv", {"x", "sx", "x_zero", "w", "sw", "w_zero", "sy", "y_zero"});
  if (c.bias) {
    node.inputs.emplace_back("B");
    tensors.push_back(inputs[*c.bias]);
    tensors.back().name = "B";
  }
  y = unshifted(laid_out(problem, run_ort(node, tensors, DType::u8, shape)), y);
}

}  // namespace

void ort_conv(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  const ConvOperands c = read_conv_operands(problem);
  if (is_float(problem.inputs[0].dtype)) return evaluate_floats(problem, c, inputs, expected);
  evaluate_integers(problem, c, inputs, expected.bits.emplace(expected.name, expected.dtype, expected.shape));
}

}  // namespace assay::golden
