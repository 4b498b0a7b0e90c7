// The cuda golden: conv as an implicit im2col product, bias, residual and activation in fp64 after it. S
// comes from a second convolution, of the operands' absolute values.
#include <algorithm>
#include <cmath>

#include "golden/backends.hpp"
#include "golden/conv_operands.hpp"
#include "golden/cuda/operands.hpp"
#include "golden/formats.hpp"

namespace assay::golden {
namespace {

using cuda::Buffer;
using cuda::Lines;

std::size_t volume(const ConvOperands& c, std::size_t ConvOperands::Axis::*extent) {
  return c.axes[0].*extent * (c.axes[1].*extent) * (c.axes[2].*extent);
}

// Where position `at` (w fastest) of an extent lies in a tensor of these strides.
std::size_t offset_of(const ConvOperands& c, std::size_t ConvOperands::Axis::*extent,
                      const ConvOperands::Places& places, std::size_t at) {
  std::size_t offset = 0;
  for (std::size_t d = 3; d-- > 0; at /= c.axes[d].*extent)
    offset += at % (c.axes[d].*extent) * places.position[d];
  return offset;
}

// Channels last, a line for each group of each position.
Lines lines_of_x(const ConvOperands& c, const Tensor& x) {
  const std::size_t positions = volume(c, &ConvOperands::Axis::in);
  Lines lines(x.dtype, c.batch * positions * c.groups, c.depth);
  for (std::size_t line = 0; line < c.batch * positions * c.groups; ++line) {
    const std::size_t group = line % c.groups, position = line / c.groups % positions;
    const std::size_t from = line / c.groups / positions * c.x.batch +
                             offset_of(c, &ConvOperands::Axis::in, c.x, position) +
                             group * c.depth * c.x.channel;
    for (std::size_t channel = 0; channel < c.depth; ++channel)
      lines.set(line, channel, x, from + channel * c.x.channel);
  }
  return lines;
}

// A line for each tap of each output channel.
Lines lines_of_w(const ConvOperands& c, const Tensor& w) {
  const std::size_t taps = volume(c, &ConvOperands::Axis::kernel);
  Lines lines(w.dtype, c.groups * c.width * taps, c.depth);
  for (std::size_t line = 0; line < c.groups * c.width * taps; ++line) {
    const std::size_t output = line / taps;
    const std::size_t from = output / c.width * c.w_group + output % c.width * c.w.batch +
                             offset_of(c, &ConvOperands::Axis::kernel, c.w, line % taps);
    for (std::size_t channel = 0; channel < c.depth; ++channel)
      lines.set(line, channel, w, from + channel * c.w.channel);
  }
  return lines;
}

// As [batch][d][h][w][channel].
std::vector<float> convolved(const ConvOperands& c, DType type, const Lines& x_lines, const Lines& w_lines,
                             std::optional<double>* seconds = nullptr) {
  cuda::Device& device = cuda::device();
  const Buffer x = Buffer::of(device, x_lines.bytes()), w = Buffer::of(device, w_lines.bytes());
  const Buffer y(device, c.batch * volume(c, &ConvOperands::Axis::out) * c.groups * c.width * sizeof(float));
  cuda::Convolution convolution;
  convolution.element = cuda::element_of(type);
  convolution.x = x.as();
  convolution.w = w.as();
  convolution.y = y.as();
  convolution.batch = static_cast<int>(c.batch);
  convolution.groups = static_cast<int>(c.groups);
  convolution.width = static_cast<int>(c.width);
  convolution.pitch = x_lines.pitch();
  for (std::size_t d = 0; d < 3; ++d) {
    const ConvOperands::Axis& a = c.axes[d];
    convolution.axes[d] = {static_cast<int>(a.in),       static_cast<int>(a.out),
                           static_cast<int>(a.kernel),   static_cast<int>(a.stride),
                           static_cast<int>(a.dilation), static_cast<int>(a.pad)};
  }
  if (!device.convolve(convolution, cuda::Path::Reference))
    fail(ExitCode::Unsupported, "golden cuda: convolution of operands of type {}", to_string(type));
  if (seconds != nullptr)  // once more: a first launch loads its code
    *seconds = device.seconds([&] { device.convolve(convolution, cuda::Path::Reference); });
  return y.values<float>();
}

}  // namespace

void cuda_conv(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  const ConvOperands c = read_conv_operands(problem);
  const DType type = inputs[c.x_input].dtype;
  Lines x = lines_of_x(c, inputs[c.x_input]), w = lines_of_w(c, inputs[c.w_input]);
  const std::vector<float> sums = convolved(c, type, x, w, &expected.seconds);
  x.make_absolute();
  w.make_absolute();
  const std::vector<float> magnitudes = convolved(c, type, x, w);
  // Channels that fill a line up are products too.
  const std::size_t products = volume(c, &ConvOperands::Axis::kernel) * (x.pitch() / assay::size_of(type));
  finish_conv(c, sums, magnitudes, Channels::Last, cuda::error_of_sums(type, static_cast<double>(products)),
              inputs, expected);
}

}  // namespace assay::golden
