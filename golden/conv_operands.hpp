// Convolutions as the goldens see them: attributes of ONNX applied straight to the shapes, not by way of the
// spec's normal form (ops/conv), so that a mistake there shows as a mismatch.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "base/tensor.hpp"
#include "ops/operator.hpp"

namespace assay::golden {

// Output positions of one dimension that meet the same taps: all, or one remainder by the stride of a
// transposed convolution. The t-th of `count` is first + t * step, and meets x at t * in_step + base.
struct ConvPhase {
  struct Tap {
    std::size_t k;
    std::ptrdiff_t base;
  };
  std::size_t first = 0, step = 1, count = 1, in_step = 1;
  std::vector<Tap> taps;
};

struct ConvOperands {
  struct Axis {
    std::size_t in = 1, out = 1, kernel = 1, stride = 1, dilation = 1;
    std::ptrdiff_t pad = 0;
  };
  struct Places {  // strides of a tensor, in elements
    std::size_t batch = 0, channel = 0;
    std::array<std::size_t, 3> position{};
  };

  std::size_t batch = 1, groups = 1;
  std::size_t depth = 1, width = 1;  // channels and output channels of one group
  bool transposed = false;
  std::array<Axis, 3> axes;  // d, h, w
  std::array<std::vector<ConvPhase>, 3> phases;
  Places x, y, w;           // w: its batch is the output channel, its position the tap
  std::size_t w_group = 0;  // stride of a group in w

  // Indices in the problem's inputs.
  std::size_t x_input = 0, w_input = 1;
  std::optional<std::size_t> bias, residual, x_zero, w_zero, y_zero, x_scale, w_scale, y_scale;

  enum class Activation : std::uint8_t { None, Relu, Clip };
  Activation activation = Activation::None;
  float low = 0, high = 6;
};

// A problem of conv, convtranspose, convinteger or qlinearconv that passed Operator::infer.
ConvOperands read_conv_operands(const ops::Problem& problem);

// One combination of phases: positions (n, td, th, tw), tw fastest, and their products.
struct ConvBlock {
  const ConvOperands& c;
  std::array<const ConvPhase*, 3> phase;

  std::size_t positions() const;
  std::size_t products() const;  // of one output element
  // Where y has output channel 0 of a position.
  std::size_t y_at(std::size_t position) const;

  // For each position of [first, last), each tap: action(position - first, tap, offset in x of the group's
  // channel 0; none on the border). Taps ascend, kw fastest.
  template <typename Action>
  void each_tap(std::size_t first, std::size_t last, Action action) const;
  // w's offset of each tap, in the same order.
  std::vector<std::size_t> tap_offsets() const;

 private:
  std::array<std::size_t, 4> index_of(std::size_t position) const;  // n, td, th, tw
};

std::vector<ConvBlock> blocks_of(const ConvOperands& c);

template <typename Action>
void ConvBlock::each_tap(std::size_t first, std::size_t last, Action action) const {
  for (std::size_t position = first; position < last; ++position) {
    const std::array<std::size_t, 4> t = index_of(position);
    const auto at = [&](std::size_t d, const ConvPhase::Tap& tap) {
      return static_cast<std::ptrdiff_t>(t[d + 1] * phase[d]->in_step) + tap.base;
    };
    const auto inside = [&](std::size_t d, std::ptrdiff_t i) {
      return i >= 0 && static_cast<std::size_t>(i) < c.axes[d].in;
    };
    std::size_t number = 0;
    for (const ConvPhase::Tap& kd : phase[0]->taps)
      for (const ConvPhase::Tap& kh : phase[1]->taps)
        for (const ConvPhase::Tap& kw : phase[2]->taps) {
          const std::ptrdiff_t d = at(0, kd), h = at(1, kh), w = at(2, kw);
          std::optional<std::size_t> offset;
          if (inside(0, d) && inside(1, h) && inside(2, w))
            offset = t[0] * c.x.batch + static_cast<std::size_t>(d) * c.x.position[0] +
                     static_cast<std::size_t>(h) * c.x.position[1] +
                     static_cast<std::size_t>(w) * c.x.position[2];
          action(position - first, number++, offset);
        }
  }
}

}  // namespace assay::golden
