// The strict golden of the convolution by FFT: docs/numerics.md, "FFT".
#include "golden/strict/tiles.hpp"

namespace assay::golden {
namespace {

using namespace strict;
using strict::multiply;

// Of a 16th of a turn each: cosines, and tangents of half the angle.
constexpr std::array<float, 5> kCosines{1, 0.92387953251128674F, 0.70710678118654752F, 0.38268343236508977F,
                                        0};
constexpr std::array<float, 4> kTangents{0, 0.19891236737965800F, 0.41421356237309505F, 0.66817863791929892F};

float cosine(std::size_t turn) {
  turn %= 16;
  if (turn > 8) turn = 16 - turn;
  if (turn == 4) return 0;
  return turn < 4 ? kCosines[turn] : -kCosines[8 - turn];
}
float sine(std::size_t turn) { return cosine(turn + 12); }

struct Complex {
  float re = 0, im = 0;
};

Complex plus(const Complex& a, const Complex& b) {
  return {strict::plus(a.re, b.re), strict::plus(a.im, b.im)};
}
Complex minus(const Complex& a, const Complex& b) {
  return {strict::minus(a.re, b.re), strict::minus(a.im, b.im)};
}

// By so many 16ths of a turn, -3 to 3.
Complex rotated(Complex z, int turn) {
  const auto size = static_cast<std::size_t>(std::abs(turn));
  const float a = turn < 0 ? kTangents[size] : -kTangents[size], b = turn < 0 ? -sine(size) : sine(size);
  z.re = pass(z.im, a, z.re);
  z.im = pass(z.re, b, z.im);
  z.re = pass(z.im, a, z.re);
  return z;
}

using Row = std::vector<Complex>;

void transform(Row& x) {
  for (std::size_t span = x.size() / 2; span > 0; span /= 2)
    for (std::size_t at = 0; at < x.size(); ++at) {
      if ((at / span) % 2 == 1) continue;
      const int turn = static_cast<int>(at % span * 8 / span);
      const Complex a = x[at], c = x[at + span];
      x[at] = plus(a, c);
      if (turn == 0) x[at + span] = minus(a, c);
      else if (turn == 4) x[at + span] = {strict::minus(a.im, c.im), strict::minus(c.re, a.re)};
      else x[at + span] = turn < 4 ? rotated(minus(a, c), -turn) : rotated(minus(c, a), 8 - turn);
    }
}

void transform_back(Row& x) {
  for (std::size_t span = 1; span < x.size(); span *= 2)
    for (std::size_t at = 0; at < x.size(); ++at) {
      if ((at / span) % 2 == 1) continue;
      const int turn = static_cast<int>(at % span * 8 / span);
      const Complex a = x[at], c = x[at + span];
      if (turn == 4) {
        x[at] = {strict::minus(a.re, c.im), strict::plus(a.im, c.re)};
        x[at + span] = {strict::plus(a.re, c.im), strict::minus(a.im, c.re)};
        continue;
      }
      const Complex t = turn == 0 ? c : turn < 4 ? rotated(c, turn) : rotated(c, turn - 8);
      x[at] = turn < 4 ? plus(a, t) : minus(a, t);
      x[at + span] = turn < 4 ? minus(a, t) : plus(a, t);
    }
}

class Fft {
 public:
  Fft(const ops::Problem& problem, const std::vector<Tensor>& inputs, Tensor& y)
      : c_(read_conv_operands(problem)), t_(fft_tiles(c_)), conv_(c_, t_, inputs, y) {}

  void evaluate() {
    const std::size_t points = (t_.n / 2 + 1) * t_.n, tiles = t_.count();
    v_.resize(points);
    u_.resize(points);
    for (std::size_t tile = 0; tile < tiles; ++tile)
      for (std::size_t channel = 0; channel < c_.depth; ++channel)
        spectrum(v_, t_.n, t_.n, [&](std::size_t i, std::size_t j) { return conv_.x(tile, channel, i, j); });
    for (std::size_t channel = 0; channel < c_.depth; ++channel)
      for (std::size_t output = 0; output < c_.width; ++output)
        spectrum(u_, c_.axes[1].kernel, c_.axes[2].kernel,
                 [&](std::size_t i, std::size_t j) { return conv_.w(output, channel, i, j); });
    for (std::size_t p = 0; p < points; ++p) m_.push_back(products(p, tiles));
    for (std::size_t tile = 0; tile < tiles; ++tile)
      for (std::size_t channel = 0; channel < c_.width; ++channel) finish(tile, channel);
  }

 private:
  struct Plane {
    std::vector<float> re, im;
  };

  // Rows 0 .. n/2 of the spectrum of h x w values, appended point by point.
  template <typename Read>
  void spectrum(std::vector<Plane>& to, std::size_t h, std::size_t w, const Read& read) const {
    const std::size_t n = t_.n, unit = 16 / n;
    for (std::size_t i = 0; i <= n / 2; ++i) {
      Row row(n);
      for (std::size_t j = 0; j < w; ++j) {
        row[j].re = read(0, j);
        for (std::size_t k = 1; k < h; ++k) {
          row[j].re = pass(read(k, j), cosine(i * k * unit), row[j].re);
          if (i % (n / 2) != 0) row[j].im = pass(read(k, j), -sine(i * k * unit), row[j].im);
        }
        row[j] = {canonical(row[j].re), canonical(row[j].im)};
      }
      transform(row);
      for (std::size_t j = 0; j < n; ++j) {
        to[i * n + j].re.push_back(converted(conv_.type(), row[j].re));
        to[i * n + j].im.push_back(converted(conv_.type(), row[j].im));
      }
    }
  }

  static std::vector<float> negated(const std::vector<float>& values) {
    std::vector<float> all;
    for (const float value : values) all.push_back(pass(value, -1.0F, std::nullopt));
    return all;
  }

  // V times the conjugate of U: first the terms with V's real part, then the others.
  Plane products(std::size_t p, std::size_t tiles) const {
    Plane m{std::vector<float>(tiles * c_.width), std::vector<float>(tiles * c_.width)};
    const std::vector<float> opposite = negated(u_[p].im);
    const auto add = [&](const std::vector<float>& v, const std::vector<float>& u, std::vector<float>& to) {
      multiply(v.data(), u.data(), to.data(), tiles, c_.width, c_.depth);
    };
    add(v_[p].re, u_[p].re, m.re);
    add(v_[p].im, u_[p].im, m.re);
    add(v_[p].re, opposite, m.im);
    add(v_[p].im, u_[p].re, m.im);
    return m;
  }

  void finish(std::size_t tile, std::size_t channel) const {
    const std::size_t n = t_.n, at = tile * c_.width + channel;
    const float scale = n == 8 ? 0x1p-6F : 0x1p-8F;
    std::vector<float> y(t_.out_h * t_.out_w);
    for (std::size_t i = 0; i <= n / 2; ++i) {
      Row row(n);
      for (std::size_t j = 0; j < n; ++j) row[j] = {m_[i * n + j].re[at], m_[i * n + j].im[at]};
      transform_back(row);
      const bool own = i % (n / 2) == 0;
      for (std::size_t h = 0; h < t_.out_h; ++h)
        for (std::size_t j = 0; j < t_.out_w; ++j) {
          float& sum = y[h * t_.out_w + j];
          const std::size_t turn = i * h * 16 / n;
          const float size = own ? scale : 2 * scale;
          if (i == 0) sum = pass(row[j].re, scale, std::nullopt);
          else sum = pass(row[j].re, size * cosine(turn), sum);
          if (!own) sum = pass(row[j].im, -(size * sine(turn)), sum);
        }
    }
    for (std::size_t h = 0; h < t_.out_h; ++h)
      for (std::size_t j = 0; j < t_.out_w; ++j) conv_.finish(tile, channel, h, j, y[h * t_.out_w + j]);
  }

  const ConvOperands c_;
  const ConvTiles t_;
  const TiledConv conv_;
  std::vector<Plane> v_, u_, m_;  // [point]: tiles x channels, channels x outputs, tiles x outputs
};

}  // namespace

void strict_fft(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  expected.bits.emplace(expected.name, expected.dtype, expected.shape);
  Fft(problem, inputs, *expected.bits).evaluate();
}

}  // namespace assay::golden
