// S of the convolutions by tiles: docs/numerics.md, "The REAL bound". It holds every rounding but the
// reference's own, in units of 2^-24.
#include <array>
#include <cmath>

#include "golden/backends.hpp"
#include "golden/formats.hpp"
#include "golden/transformed_conv.hpp"

namespace assay::golden {
namespace {

constexpr double kUnit = 0x1p-24, kEta = 0x1p-150;

using Matrix4 = std::array<std::array<double, 4>, 4>;

// Magnitudes of B^T, G and A^T of F(2, 3).
constexpr double kB[4][4] = {{1, 0, 1, 0}, {0, 1, 1, 0}, {0, 1, 1, 0}, {0, 1, 0, 1}};
constexpr double kG[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}, {0, 0, 1}};
constexpr double kA[2][4] = {{1, 1, 1, 0}, {0, 1, 1, 1}};

// |T| d |T|^T.
template <std::size_t N>
Matrix4 both_ways(const double (&t)[4][N], const std::array<std::array<double, N>, N>& d) {
  Matrix4 sum{};
  for (std::size_t p = 0; p < 4; ++p)
    for (std::size_t q = 0; q < 4; ++q)
      for (std::size_t i = 0; i < N; ++i)
        for (std::size_t j = 0; j < N; ++j) sum[p][q] += t[p][i] * d[i][j] * t[q][j];
  return sum;
}

class WinogradMagnitude {
 public:
  WinogradMagnitude(const ops::Problem& problem, const std::vector<Tensor>& inputs)
      : c_(read_conv_operands(problem)),
        t_(winograd_tiles(c_)),
        x_(decode_f32(inputs[c_.x_input])),
        w_(decode_f32(inputs[c_.w_input])) {
    const DType type = problem.inputs[0].dtype;
    const double k = static_cast<double>(c_.depth) + 11, own = type == DType::f32 ? 0 : unit_roundoff(type);
    // Every rounding of the longest path; and S itself is a sum in fp64.
    factor_ = std::expm1(k * std::log1p(kUnit) + 2 * std::log1p(own)) / kUnit * (1 + (k + 64) * 0x1p-52);
    lost_ = (type == DType::f32 ? 0 : half_smallest(type)) + 4 * kEta;
  }

  std::vector<double> evaluate(std::size_t count) {
    transform_weights();
    std::vector<double> s(count);
    for (std::size_t tile = 0; tile < t_.count(); ++tile) {
      const std::vector<Matrix4> patches = patches_of(tile);
      for (std::size_t output = 0; output < c_.width; ++output) add(tile, output, patches, s);
    }
    return s;
  }

 private:
  void transform_weights() {
    for (std::size_t output = 0; output < c_.width; ++output)
      for (std::size_t channel = 0; channel < c_.depth; ++channel) {
        std::array<std::array<double, 3>, 3> g{};
        for (std::size_t i = 0; i < 3; ++i)
          for (std::size_t j = 0; j < 3; ++j)
            g[i][j] = std::fabs(double{w_[output * c_.w.batch + channel * c_.w.channel +
                                          i * c_.w.position[1] + j * c_.w.position[2]]});
        weights_.push_back(both_ways(kG, g));
      }
  }

  std::vector<Matrix4> patches_of(std::size_t tile) const {
    std::vector<Matrix4> patches;
    for (std::size_t channel = 0; channel < c_.depth; ++channel) {
      Matrix4 d{};
      for (std::size_t i = 0; i < 4; ++i)
        for (std::size_t j = 0; j < 4; ++j)
          if (const auto at = t_.patch_at(tile, i, j))
            d[i][j] = std::fabs(double{x_[*at + channel * c_.x.channel]});
      patches.push_back(both_ways(kB, d));
    }
    return patches;
  }

  // A rounding in the operands' type may underflow in either factor.
  void add(std::size_t tile, std::size_t output, const std::vector<Matrix4>& patches,
           std::vector<double>& s) const {
    Matrix4 m{};
    for (std::size_t channel = 0; channel < c_.depth; ++channel) {
      const Matrix4 &v = patches[channel], &u = weights_[output * c_.depth + channel];
      for (std::size_t p = 0; p < 4; ++p)
        for (std::size_t q = 0; q < 4; ++q)
          m[p][q] += factor_ * u[p][q] * v[p][q] + 2 * lost_ / kUnit * (u[p][q] + v[p][q] + lost_);
    }
    for (std::size_t i = 0; i < 2; ++i)
      for (std::size_t j = 0; j < 2; ++j)
        if (const auto at = t_.y_at(tile, i, j)) {
          double& sum = s[*at + output * c_.y.channel];
          for (std::size_t p = 0; p < 4; ++p)
            for (std::size_t q = 0; q < 4; ++q) sum += kA[i][p] * m[p][q] * kA[j][q];
        }
  }

  const ConvOperands c_;
  const ConvTiles t_;
  const std::vector<float> x_, w_;
  std::vector<Matrix4> weights_;  // [output][channel]
  double factor_ = 0, lost_ = 0;
};

// No value of a spectrum is larger than the sum of what it is made of, and the way back is a mean: so S of a
// tile is a sum over the channels of products of two such sums.
std::vector<double> fft_magnitude(const ops::Problem& problem, const std::vector<Tensor>& inputs,
                                  std::size_t count) {
  const ConvOperands c = read_conv_operands(problem);
  const ConvTiles t = fft_tiles(c);
  const DType type = problem.inputs[0].dtype;
  const std::vector<float> x = decode_f32(inputs[c.x_input]), w = decode_f32(inputs[c.w_input]);
  const double n = static_cast<double>(t.n), layers = t.n == 8 ? 3 : 4, depth = static_cast<double>(c.depth);
  const double way = 2 * (n + 1) + 9 * layers, k = 2 * way + 9 * layers + 3 * depth + n + 4;
  const double own = type == DType::f32 ? 0 : unit_roundoff(type);
  const double factor =
      std::expm1(k * std::log1p(kUnit) + 2 * std::log1p(own)) / kUnit * (1 + (depth + 2 * n * n) * 0x1p-52);
  const double lost = (type == DType::f32 ? 0 : half_smallest(type)) + 100 * kEta;
  std::vector<double> weights(c.width * c.depth), s(count);
  for (std::size_t output = 0; output < c.width; ++output)
    for (std::size_t channel = 0; channel < c.depth; ++channel)
      for (std::size_t i = 0; i < c.axes[1].kernel; ++i)
        for (std::size_t j = 0; j < c.axes[2].kernel; ++j)
          weights[output * c.depth + channel] += std::fabs(double{
              w[output * c.w.batch + channel * c.w.channel + i * c.w.position[1] + j * c.w.position[2]]});
  for (std::size_t tile = 0; tile < t.count(); ++tile) {
    std::vector<double> patch(c.depth);
    for (std::size_t i = 0; i < t.n; ++i)
      for (std::size_t j = 0; j < t.n; ++j)
        if (const auto at = t.patch_at(tile, i, j))
          for (std::size_t channel = 0; channel < c.depth; ++channel)
            patch[channel] += std::fabs(double{x[*at + channel * c.x.channel]});
    for (std::size_t output = 0; output < c.width; ++output) {
      double sum = 0;
      for (std::size_t channel = 0; channel < c.depth; ++channel) {
        const double u = weights[output * c.depth + channel], v = patch[channel];
        sum += factor * u * v + 2 * lost / kUnit * (u + v + lost);
      }
      for (std::size_t i = 0; i < t.out_h; ++i)
        for (std::size_t j = 0; j < t.out_w; ++j)
          if (const auto at = t.y_at(tile, i, j)) s[*at + output * c.y.channel] = sum;
    }
  }
  return s;
}

}  // namespace

std::vector<double> transformed_magnitude(const ops::Problem& problem, const std::vector<Tensor>& inputs,
                                          std::size_t count) {
  if (transform_of(problem) == Transform::Fft) return fft_magnitude(problem, inputs, count);
  return WinogradMagnitude(problem, inputs).evaluate(count);
}

}  // namespace assay::golden
