// The strict golden of the convolutions: docs/numerics.md, "Convolution".
#include <cstring>
#include <optional>

#include "golden/backends.hpp"
#include "golden/conv_operands.hpp"
#include "golden/strict/conv_epilogue.hpp"
#include "golden/strict/conversions.hpp"
#include "golden/strict/dot.hpp"
#include "golden/strict/vector_pass.hpp"
#include "golden/transformed_conv.hpp"

namespace assay::golden {
namespace {

using namespace strict;
using strict::multiply;

constexpr std::size_t kRows = 64;  // positions that are gathered at once

std::int32_t integer(const Tensor& t, std::size_t at) { return load_s32(t.dtype, t.bytes.data(), at); }
float real(const Tensor& t, std::size_t at) { return load_f32(t.dtype, t.bytes.data(), at); }

// The one value, or that of an output channel; 0 where the tensor is not given.
std::size_t one_or_each(const Tensor& t, std::size_t output) { return t.elements() == 1 ? 0 : output; }

class StrictConv {
 public:
  StrictConv(const ops::Problem& problem, const std::vector<Tensor>& inputs, Tensor& y)
      : c_(read_conv_operands(problem)), inputs_(inputs), y_(y) {}

  // T: what the matrix unit multiplies; its accumulators are of the same size.
  template <typename T>
  void evaluate() {
    for (const ConvBlock& block : blocks_of(c_))
      for (std::size_t group = 0; group < c_.groups; ++group) {
        const std::vector<T> weights = weights_of<T>(block, group);
        for (std::size_t first = 0; first < block.positions(); first += kRows)
          rows(block, group, weights, first, std::min(first + kRows, block.positions()));
      }
  }

 private:
  const Tensor* tensor(std::optional<std::size_t> input) const { return input ? &inputs_[*input] : nullptr; }

  // An operand of the matrix unit: a float, or an integer less its zero point.
  void load(const Tensor& t, std::size_t at, const Tensor*, std::size_t, float& value) const {
    value = real(t, at);
  }
  void load(const Tensor& t, std::size_t at, const Tensor* zero, std::size_t output,
            std::int32_t& value) const {
    value = integer(t, at) - (zero == nullptr ? 0 : integer(*zero, one_or_each(*zero, output)));
  }

  // Dense, products x outputs of the group.
  template <typename T>
  std::vector<T> weights_of(const ConvBlock& block, std::size_t group) const {
    std::vector<T> values;
    for (const std::size_t tap : block.tap_offsets())
      for (std::size_t channel = 0; channel < c_.depth; ++channel)
        for (std::size_t output = 0; output < c_.width; ++output)
          load(inputs_[c_.w_input], group * c_.w_group + output * c_.w.batch + channel * c_.w.channel + tap,
               tensor(c_.w_zero), group * c_.width + output, values.emplace_back());
    return values;
  }

  template <typename T>
  void rows(const ConvBlock& block, std::size_t group, const std::vector<T>& weights, std::size_t first,
            std::size_t last) {
    const std::size_t k = block.products();
    std::vector<T> x((last - first) * k), acc((last - first) * c_.width);  // the border is +0
    block.each_tap(first, last, [&](std::size_t row, std::size_t tap, std::optional<std::size_t> at) {
      for (std::size_t channel = 0; at && channel < c_.depth; ++channel)
        load(inputs_[c_.x_input], *at + (group * c_.depth + channel) * c_.x.channel, tensor(c_.x_zero), 0,
             x[row * k + tap * c_.depth + channel]);
    });
    multiply(x.data(), weights.data(), acc.data(), last - first, c_.width, k);
    for (std::size_t row = 0; row < last - first; ++row)
      for (std::size_t output = 0; output < c_.width; ++output) {
        const std::size_t channel = group * c_.width + output;
        finish(acc[row * c_.width + output], channel, block.y_at(first + row) + channel * c_.y.channel);
      }
  }

  void finish(float acc, std::size_t channel, std::size_t at) {
    store_f32(y_.dtype, conv_epilogue(c_, inputs_, acc, channel, at), y_.bytes.data(), at);
  }

  void finish(std::int32_t acc, std::size_t channel, std::size_t at) {
    std::int32_t t = acc;
    if (c_.y_scale) {
      const Tensor &x_scale = inputs_[*c_.x_scale], &w_scale = inputs_[*c_.w_scale];
      const float both = real(x_scale, 0) * real(w_scale, one_or_each(w_scale, channel));
      const float factor = both / real(inputs_[*c_.y_scale], 0);
      std::optional<std::int32_t> bias;
      if (c_.bias) bias = integer(inputs_[*c_.bias], channel);
      t = quantise(requantise(acc, factor, bias, Function::Identity), integer(inputs_[*c_.y_zero], 0),
                   y_.dtype);
    }
    std::memcpy(y_.bytes.data() + at * size_of(y_.dtype), &t, size_of(y_.dtype));  // little endian
  }

  const ConvOperands c_;
  const std::vector<Tensor>& inputs_;
  Tensor& y_;
};

}  // namespace

float strict::conv_epilogue(const ConvOperands& c, const std::vector<Tensor>& inputs, float acc,
                            std::size_t channel, std::size_t at) {
  float t = acc;
  const std::optional<float> none;
  if (c.bias) t = vector_pass(t, none, real(inputs[*c.bias], channel), Function::Identity);
  if (c.residual) t = vector_pass(t, none, real(inputs[*c.residual], at), Function::Identity);
  if (c.activation == ConvOperands::Activation::Relu) t = vector_pass(t, none, none, Function::Relu);
  if (c.activation == ConvOperands::Activation::Clip) {
    t = vector_pass(t, none, c.low, Function::Identity, Operation::Maximum);
    t = vector_pass(t, none, c.high, Function::Identity, Operation::Minimum);
  }
  return t;
}

void strict_conv(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  if (transform_of(problem) == Transform::Winograd) return strict_winograd(problem, inputs, expected);
  if (transform_of(problem) == Transform::Fft) return strict_fft(problem, inputs, expected);
  expected.bits.emplace(expected.name, expected.dtype, expected.shape);
  StrictConv conv(problem, inputs, *expected.bits);
  if (is_float(problem.inputs[0].dtype)) conv.evaluate<float>();
  else conv.evaluate<std::int32_t>();
}

}  // namespace assay::golden
