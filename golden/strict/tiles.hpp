// What the strict goldens of the convolutions by tiles share (docs/numerics.md, "Convolution by tiles").
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "golden/backends.hpp"
#include "golden/strict/conv_epilogue.hpp"
#include "golden/strict/conversions.hpp"
#include "golden/strict/dot.hpp"
#include "golden/strict/vector_pass.hpp"
#include "golden/transformed_conv.hpp"

namespace assay::golden::strict {

// fma(scale, x, bias); no bias: the product.
inline float pass(float x, std::optional<float> scale, std::optional<float> bias) {
  return vector_pass(x, scale, bias, Function::Identity);
}
inline float plus(float a, float b) { return pass(a, std::nullopt, b); }
inline float minus(float a, float b) { return pass(b, -1.0F, a); }

// To a type and back.
inline float converted(DType type, float value) {
  std::array<std::byte, 4> bytes{};
  store_f32(type, value, bytes.data(), 0);
  return load_f32(type, bytes.data(), 0);
}

// The operands and the result of a problem, by tile.
class TiledConv {
 public:
  TiledConv(const ConvOperands& c, const ConvTiles& t, const std::vector<Tensor>& inputs, Tensor& y)
      : c_(c), t_(t), inputs_(inputs), y_(y) {}

  DType type() const { return inputs_[c_.x_input].dtype; }
  float x(std::size_t tile, std::size_t channel, std::size_t i, std::size_t j) const {
    const auto at = t_.patch_at(tile, i, j);
    return at ? real(inputs_[c_.x_input], *at + channel * c_.x.channel) : 0;
  }
  float w(std::size_t output, std::size_t channel, std::size_t i, std::size_t j) const {
    return real(inputs_[c_.w_input],
                output * c_.w.batch + channel * c_.w.channel + i * c_.w.position[1] + j * c_.w.position[2]);
  }
  // Output (i, j) of a tile, where there is one.
  void finish(std::size_t tile, std::size_t channel, std::size_t i, std::size_t j, float sum) const {
    const auto at = t_.y_at(tile, i, j);
    if (!at) return;
    const std::size_t to = *at + channel * c_.y.channel;
    store_f32(y_.dtype, conv_epilogue(c_, inputs_, sum, channel, to), y_.bytes.data(), to);
  }

 private:
  static float real(const Tensor& t, std::size_t at) { return load_f32(t.dtype, t.bytes.data(), at); }

  const ConvOperands& c_;
  const ConvTiles& t_;
  const std::vector<Tensor>& inputs_;
  Tensor& y_;
};

}  // namespace assay::golden::strict
