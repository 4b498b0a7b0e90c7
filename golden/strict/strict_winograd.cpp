// The strict golden of Winograd's convolution: docs/numerics.md, "Winograd".
#include "golden/strict/tiles.hpp"

namespace assay::golden {
namespace {

using namespace strict;
using strict::multiply;

using Four = std::array<float, 4>;

Four along_patch(const Four& d) {
  return {minus(d[0], d[2]), plus(d[1], d[2]), minus(d[2], d[1]), minus(d[1], d[3])};
}
Four down_weights(float g0, float g1, float g2) {
  const float s = plus(g0, g2);
  return {g0, plus(s, g1), minus(s, g1), g2};
}
Four along_weights(float g0, float g1, float g2, float c) {
  const float s = pass(g2, c / 2, pass(g0, c / 2, std::nullopt));
  return {pass(g0, c, std::nullopt), pass(g1, c / 2, s), pass(g1, -c / 2, s), pass(g2, c, std::nullopt)};
}
std::array<float, 2> along_products(const Four& m) {
  return {plus(plus(m[0], m[1]), m[2]), minus(minus(m[1], m[2]), m[3])};
}

class Winograd {
 public:
  Winograd(const ops::Problem& problem, const std::vector<Tensor>& inputs, Tensor& y)
      : c_(read_conv_operands(problem)), t_(winograd_tiles(c_)), conv_(c_, t_, inputs, y) {}

  void evaluate() {
    const std::size_t tiles = t_.count();
    transform_patches();
    transform_weights();
    for (std::size_t p = 0; p < 16; ++p) {
      m_[p].assign(tiles * c_.width, 0);
      multiply(v_[p].data(), u_[p].data(), m_[p].data(), tiles, c_.width, c_.depth);
    }
    for (std::size_t tile = 0; tile < tiles; ++tile)
      for (std::size_t channel = 0; channel < c_.width; ++channel) finish(tile, channel);
  }

 private:
  using Planes = std::array<std::vector<float>, 16>;

  void transform_patches() {
    for (std::size_t tile = 0; tile < t_.count(); ++tile)
      for (std::size_t channel = 0; channel < c_.depth; ++channel) {
        std::array<Four, 4> f{};  // [column][row]
        for (std::size_t j = 0; j < 4; ++j) {
          Four d{};
          for (std::size_t i = 0; i < 4; ++i) d[i] = conv_.x(tile, channel, i, j);
          f[j] = along_patch(d);
        }
        for (std::size_t i = 0; i < 4; ++i) {
          const Four v = along_patch({f[0][i], f[1][i], f[2][i], f[3][i]});
          for (std::size_t j = 0; j < 4; ++j) v_[4 * i + j].push_back(converted(conv_.type(), v[j]));
        }
      }
  }

  void transform_weights() {
    constexpr Four kFactors{1, 0.5F, 0.5F, 1};
    for (std::size_t channel = 0; channel < c_.depth; ++channel)
      for (std::size_t output = 0; output < c_.width; ++output) {
        std::array<Four, 3> f{};  // [column][row]
        for (std::size_t j = 0; j < 3; ++j)
          f[j] = down_weights(conv_.w(output, channel, 0, j), conv_.w(output, channel, 1, j),
                              conv_.w(output, channel, 2, j));
        for (std::size_t i = 0; i < 4; ++i) {
          const Four u = along_weights(f[0][i], f[1][i], f[2][i], kFactors[i]);
          for (std::size_t j = 0; j < 4; ++j) u_[4 * i + j].push_back(converted(conv_.type(), u[j]));
        }
      }
  }

  void finish(std::size_t tile, std::size_t channel) {
    std::array<std::array<float, 2>, 4> a{};
    const std::size_t at = tile * c_.width + channel;
    for (std::size_t i = 0; i < 4; ++i)
      a[i] = along_products({m_[4 * i][at], m_[4 * i + 1][at], m_[4 * i + 2][at], m_[4 * i + 3][at]});
    for (std::size_t j = 0; j < 2; ++j) {
      const std::array<float, 2> sums = along_products({a[0][j], a[1][j], a[2][j], a[3][j]});
      for (std::size_t i = 0; i < 2; ++i) conv_.finish(tile, channel, i, j, sums[i]);
    }
  }

  const ConvOperands c_;
  const ConvTiles t_;
  const TiledConv conv_;
  Planes v_, u_, m_;  // [point]: tiles x channels, channels x outputs, tiles x outputs
};

}  // namespace

void strict_winograd(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  expected.bits.emplace(expected.name, expected.dtype, expected.shape);
  Winograd(problem, inputs, *expected.bits).evaluate();
}

}  // namespace assay::golden
