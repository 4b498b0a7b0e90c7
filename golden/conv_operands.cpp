#include "golden/conv_operands.hpp"

#include <algorithm>
#include <string>
#include <variant>

namespace assay::golden {
namespace {

using Ints = std::vector<std::int64_t>;
using Axis = ConvOperands::Axis;
using Places = ConvOperands::Places;

std::size_t size(std::int64_t dim) { return static_cast<std::size_t>(dim); }

Ints list(const ops::Problem& problem, const std::string& name, std::size_t count, std::int64_t fallback) {
  const ops::AttributeValue* value = problem.attributes.find(name);
  const Ints given = value != nullptr ? std::get<Ints>(*value) : Ints();
  return given.empty() ? Ints(count, fallback) : given;
}

std::string text(const ops::Problem& problem, const std::string& name, const std::string& fallback) {
  const ops::AttributeValue* value = problem.attributes.find(name);
  return value != nullptr ? std::get<std::string>(*value) : fallback;
}

float number(const ops::Problem& problem, const std::string& name, float fallback) {
  const ops::AttributeValue* value = problem.attributes.find(name);
  if (value == nullptr) return fallback;
  const auto* integer = std::get_if<std::int64_t>(value);
  return integer != nullptr ? static_cast<float>(*integer) : std::get<float>(*value);
}

// Strides of a dense tensor whose channel dimension comes second, or last.
Places places(const Shape& shape, bool channels_last) {
  Places p;
  const std::size_t spatial = shape.size() - 2;
  std::size_t stride = 1;
  if (channels_last) {
    p.channel = 1;
    stride = size(shape.back());
  }
  for (std::size_t i = spatial; i-- > 0;) {
    p.position[3 - spatial + i] = stride;
    stride *= size(shape[i + (channels_last ? 1 : 2)]);
  }
  if (!channels_last) {
    p.channel = stride;
    stride *= size(shape[1]);
  }
  p.batch = stride;
  return p;
}

std::ptrdiff_t reach(const Axis& a) { return static_cast<std::ptrdiff_t>((a.kernel - 1) * a.dilation + 1); }

// What the pads are where they follow from the sizes; the odd one goes to the end for SAME_UPPER.
std::ptrdiff_t made_pad(const Axis& a, bool transposed, std::ptrdiff_t output_padding, bool upper) {
  const auto small = static_cast<std::ptrdiff_t>(transposed ? a.in : a.out);
  const auto large = static_cast<std::ptrdiff_t>(transposed ? a.out : a.in);
  const std::ptrdiff_t all = (small - 1) * static_cast<std::ptrdiff_t>(a.stride) + reach(a) + output_padding;
  const std::ptrdiff_t total = std::max<std::ptrdiff_t>(0, all - large);
  return upper ? total / 2 : total - total / 2;
}

std::vector<ConvPhase> plain_phases(const Axis& a) {
  ConvPhase phase{0, 1, a.out, a.stride, {}};
  for (std::size_t k = 0; k < a.kernel; ++k)
    phase.taps.push_back({k, static_cast<std::ptrdiff_t>(k * a.dilation) - a.pad});
  return {phase};
}

std::vector<ConvPhase> transposed_phases(const Axis& a) {
  std::vector<ConvPhase> phases;
  const auto stride = static_cast<std::ptrdiff_t>(a.stride);
  for (std::size_t first = 0; first < std::min(a.stride, a.out); ++first) {
    ConvPhase phase{first, a.stride, (a.out - first + a.stride - 1) / a.stride, 1, {}};
    for (std::size_t k = 0; k < a.kernel; ++k) {
      const std::ptrdiff_t at =
          static_cast<std::ptrdiff_t>(first) + a.pad - static_cast<std::ptrdiff_t>(k * a.dilation);
      if (at % stride == 0) phase.taps.push_back({k, at / stride});
    }
    phases.push_back(std::move(phase));
  }
  return phases;
}

void read_axes(const ops::Problem& problem, const Shape& x, const Shape& w, const Shape& y, bool last,
               ConvOperands& c) {
  const std::size_t rank = x.size() - 2;
  const Ints strides = list(problem, "strides", rank, 1), dilations = list(problem, "dilations", rank, 1);
  const Ints pads = list(problem, "pads", 2 * rank, 0);
  const Ints output_padding = list(problem, "output_padding", rank, 0);
  const std::string auto_pad = text(problem, "auto_pad", "NOTSET");
  const bool same = auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER";
  const bool given_shape = !list(problem, "output_shape", 0, 0).empty();
  for (auto& phases : c.phases) phases = {ConvPhase{0, 1, 1, 1, {{0, 0}}}};
  for (std::size_t i = 0; i < rank; ++i) {
    const std::size_t at = 3 - rank + i, dim = i + (last ? 1 : 2);
    Axis axis{size(x[dim]),     size(y[dim]),       size(w[dim]),
              size(strides[i]), size(dilations[i]), static_cast<std::ptrdiff_t>(pads[i])};
    if (same || given_shape)
      axis.pad = made_pad(axis, c.transposed, static_cast<std::ptrdiff_t>(output_padding[i]),
                          auto_pad == "SAME_UPPER");
    c.axes[at] = axis;
    c.phases[at] = c.transposed ? transposed_phases(axis) : plain_phases(axis);
  }
}

}  // namespace

ConvOperands read_conv_operands(const ops::Problem& problem) {
  ConvOperands c;
  const bool floats = problem.op == "conv" || problem.op == "convtranspose";
  c.x_input = ops::find_input(problem, floats ? "X" : "x").value();
  c.w_input = ops::find_input(problem, floats ? "W" : "w").value();
  c.bias = ops::find_input(problem, "B");
  c.residual = ops::find_input(problem, "R");
  c.x_zero = ops::find_input(problem, "x_zero_point");
  c.w_zero = ops::find_input(problem, "w_zero_point");
  c.y_zero = ops::find_input(problem, "y_zero_point");
  c.x_scale = ops::find_input(problem, "x_scale");
  c.w_scale = ops::find_input(problem, "w_scale");
  c.y_scale = ops::find_input(problem, "y_scale");
  const Shape &x = problem.inputs[c.x_input].shape, &w = problem.inputs[c.w_input].shape;
  const Shape& y = problem.outputs.at(0).shape;
  const bool last = text(problem, "layout", "NCHW") == "NHWC";
  const ops::AttributeValue* group = problem.attributes.find("group");
  c.batch = size(x[0]);
  c.groups = group != nullptr ? size(std::get<std::int64_t>(*group)) : 1;
  c.depth = size(last ? x.back() : x[1]) / c.groups;
  c.width = size(last ? y.back() : y[1]) / c.groups;
  c.x = places(x, last);
  c.y = places(y, last);
  c.w = places(w, last);
  // Stored by input channel where transposed: [C, M/g, ...].
  c.transposed = problem.op == "convtranspose";
  if (c.transposed) std::swap(c.w.batch, c.w.channel);
  c.w_group = c.transposed ? c.depth * c.w.channel : c.width * c.w.batch;
  read_axes(problem, x, w, y, last, c);
  const std::string activation = text(problem, "activation", "none");
  if (activation == "relu") c.activation = ConvOperands::Activation::Relu;
  if (activation == "clip") c.activation = ConvOperands::Activation::Clip;
  c.low = number(problem, "low", 0);
  c.high = number(problem, "high", 6);
  return c;
}

std::size_t ConvBlock::positions() const {
  return c.batch * phase[0]->count * phase[1]->count * phase[2]->count;
}

std::size_t ConvBlock::products() const {
  return c.depth * phase[0]->taps.size() * phase[1]->taps.size() * phase[2]->taps.size();
}

std::array<std::size_t, 4> ConvBlock::index_of(std::size_t position) const {
  std::array<std::size_t, 4> t{};
  for (std::size_t d = 3; d > 0; --d) {
    t[d] = position % phase[d - 1]->count;
    position /= phase[d - 1]->count;
  }
  t[0] = position;
  return t;
}

std::size_t ConvBlock::y_at(std::size_t position) const {
  const std::array<std::size_t, 4> t = index_of(position);
  std::size_t at = t[0] * c.y.batch;
  for (std::size_t d = 0; d < 3; ++d) at += (phase[d]->first + t[d + 1] * phase[d]->step) * c.y.position[d];
  return at;
}

std::vector<std::size_t> ConvBlock::tap_offsets() const {
  std::vector<std::size_t> offsets;
  for (const ConvPhase::Tap& kd : phase[0]->taps)
    for (const ConvPhase::Tap& kh : phase[1]->taps)
      for (const ConvPhase::Tap& kw : phase[2]->taps)
        offsets.push_back(kd.k * c.w.position[0] + kh.k * c.w.position[1] + kw.k * c.w.position[2]);
  return offsets;
}

std::vector<ConvBlock> blocks_of(const ConvOperands& c) {
  std::vector<ConvBlock> blocks;
  for (const ConvPhase& d : c.phases[0])
    for (const ConvPhase& h : c.phases[1])
      for (const ConvPhase& w : c.phases[2]) blocks.push_back({c, {&d, &h, &w}});
  return blocks;
}

}  // namespace assay::golden
