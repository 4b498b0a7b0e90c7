#include "golden/sums.hpp"

#include <algorithm>
#include <cmath>

#include "golden/formats.hpp"

namespace assay::golden {
namespace {

double activated(const ConvOperands& c, double t) {
  if (std::isnan(t) || c.activation == ConvOperands::Activation::None) return t;
  if (c.activation == ConvOperands::Activation::Relu) return std::max(t, 0.0);
  return std::clamp(t, double{c.low}, double{c.high});
}

}  // namespace

SumError plain_sums(double terms, DType type) {
  const double lost = terms * 2 * half_smallest(type);
  return {{unit_roundoff(type), 2 * terms + 2, lost},
          1 + 2.1 * (terms + 2) * unit_roundoff(type),  // at most 2 roundings a term
          lost};
}

void finish_gemm(const GemmOperands& g, const std::vector<float>& sums, const std::vector<float>& sizes,
                 const SumError& error, const std::vector<Tensor>& inputs, Expected& expected) {
  const std::vector<double> c = g.has_c ? decode(inputs[*g.c_input]) : std::vector<double>();
  const std::vector<double> residual = g.residual ? decode(inputs[*g.residual]) : std::vector<double>();
  const double alpha = g.alpha, beta = g.beta;
  for (std::size_t at = 0; at < sums.size(); ++at) {
    double value = alpha * sums[at];
    double size = std::fabs(alpha) * (sizes[at] + error.lost);
    if (g.has_c) {  // adding 0 where there is none would turn -0 into +0
      const double term = beta * c[g.c.at(0, at / g.n % g.m, at % g.n)];
      value += term;
      size += std::fabs(term);
    }
    if (g.residual) {
      value += residual[at];
      size += std::fabs(residual[at]);
    }
    expected.values.push_back(g.activation.value(value));
    expected.magnitude.push_back(g.activation.magnitude(size * error.inflate));
  }
  expected.own = error.own;
  expected.own.floor *= std::fabs(alpha);
}

void finish_gemm(const GemmOperands& g, const std::vector<std::uint32_t>& sums,
                 const std::vector<Tensor>& inputs, Tensor& y) {
  const auto* c = g.has_c ? inputs[*g.c_input].as<std::uint32_t>() : nullptr;
  const auto* r = g.residual ? inputs[*g.residual].as<std::uint32_t>() : nullptr;
  for (std::size_t at = 0; at < sums.size(); ++at) {
    std::uint32_t word = static_cast<std::uint32_t>(g.alpha_integer) * sums[at];
    if (c != nullptr)
      word += static_cast<std::uint32_t>(g.beta_integer) * c[g.c.at(0, at / g.n % g.m, at % g.n)];
    if (r != nullptr) word += r[at];
    y.as<std::uint32_t>()[at] = word;
  }
}

void finish_conv(const ConvOperands& c, const std::vector<float>& sums, const std::vector<float>& sizes,
                 Channels order, const SumError& error, const std::vector<Tensor>& inputs,
                 Expected& expected) {
  const std::vector<float> bias = c.bias ? decode_f32(inputs[*c.bias]) : std::vector<float>();
  const std::vector<float> residual = c.residual ? decode_f32(inputs[*c.residual]) : std::vector<float>();
  expected.values.resize(sums.size());
  expected.magnitude.resize(sums.size());
  const std::size_t channels = c.groups * c.width, plane = sums.size() / (c.batch * channels);
  for (std::size_t at = 0; at < sums.size(); ++at) {
    const bool last = order == Channels::Last;
    const std::size_t channel = (last ? at : at / plane) % channels, n = at / plane / channels;
    std::size_t rest = (last ? at / channels : at) % plane, to = n * c.y.batch + channel * c.y.channel;
    for (std::size_t d = 3; d-- > 0; rest /= c.axes[d].out) to += rest % c.axes[d].out * c.y.position[d];
    double t = sums[at], s = sizes[at] + error.lost;
    for (const double term :
         {bias.empty() ? 0.0 : double{bias[channel]}, residual.empty() ? 0.0 : double{residual[to]}}) {
      t += term;
      s += std::fabs(term);
    }
    expected.values[to] = activated(c, t);
    expected.magnitude[to] = std::max(s * error.inflate, std::fabs(expected.values[to]));
  }
  expected.own = error.own;
}

}  // namespace assay::golden
