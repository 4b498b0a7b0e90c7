// The cuda golden: gemm and matmul, alpha, beta, C and R in fp64 after the product; matmulinteger and
// qlinearmatmul exactly. S comes from a second product, of the operands' absolute values.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "golden/backends.hpp"
#include "golden/cuda/operands.hpp"
#include "golden/formats.hpp"
#include "golden/gemm_operands.hpp"

namespace assay::golden {
namespace {

using cuda::Buffer;
using cuda::Lines;

int extent(std::size_t size) { return static_cast<int>(size); }

// The operands of one matrix of the batch.
struct Matrices {
  Matrices(const GemmOperands& g, const std::vector<Tensor>& inputs, std::size_t batch)
      : a(inputs[g.a_input].dtype, g.m, g.k), b(inputs[g.b_input].dtype, g.n, g.k) {
    for (std::size_t i = 0; i < g.m; ++i)
      for (std::size_t k = 0; k < g.k; ++k) a.set(i, k, inputs[g.a_input], g.a.at(g.a_offsets[batch], i, k));
    for (std::size_t j = 0; j < g.n; ++j)
      for (std::size_t k = 0; k < g.k; ++k) b.set(j, k, inputs[g.b_input], g.b.at(g.b_offsets[batch], k, j));
  }
  Lines a, b;
};

template <typename Sum>
std::vector<Sum> product(const GemmOperands& g, const std::vector<Tensor>& inputs, const Matrices& matrices,
                         double* seconds = nullptr) {
  cuda::Device& device = cuda::device();
  const Buffer a = Buffer::of(device, matrices.a.bytes()), b = Buffer::of(device, matrices.b.bytes());
  const Buffer y(device, g.m * g.n * sizeof(Sum));
  cuda::Product p;
  p.a_element = cuda::element_of(inputs[g.a_input].dtype);
  p.b_element = cuda::element_of(inputs[g.b_input].dtype);
  p.a = a.as();
  p.b = b.as();
  p.y = y.as();
  p.m = extent(g.m);
  p.n = extent(g.n);
  p.k = extent(g.k);
  p.a_pitch = matrices.a.pitch();
  p.b_pitch = matrices.b.pitch();
  if (!device.multiply(p, cuda::Path::Reference))
    fail(ExitCode::Unsupported, "golden cuda: operands of types {} and {}",
         to_string(inputs[g.a_input].dtype), to_string(inputs[g.b_input].dtype));
  // Timed once more: a first launch loads its code.
  if (seconds != nullptr) *seconds += device.seconds([&] { device.multiply(p, cuda::Path::Reference); });
  return y.values<Sum>();
}

void evaluate_floats(const GemmOperands& g, const std::vector<Tensor>& inputs, Expected& expected) {
  const std::vector<double> c = g.has_c ? decode(inputs[*g.c_input]) : std::vector<double>();
  const std::vector<double> residual = g.residual ? decode(inputs[*g.residual]) : std::vector<double>();
  const cuda::SumError error = cuda::error_of_sums(inputs[g.a_input].dtype, static_cast<double>(g.k));
  const double alpha = g.alpha, beta = g.beta;
  double seconds = 0;
  for (std::size_t batch = 0; batch < g.a_offsets.size(); ++batch) {
    Matrices matrices(g, inputs, batch);
    const std::vector<float> sums = product<float>(g, inputs, matrices, &seconds);
    matrices.a.make_absolute();
    matrices.b.make_absolute();
    const std::vector<float> magnitudes = product<float>(g, inputs, matrices);
    for (std::size_t at = 0; at < sums.size(); ++at) {
      double value = alpha * sums[at], size = std::fabs(alpha) * (magnitudes[at] + error.lost);
      if (g.has_c) {  // adding 0 where there is none would turn -0 into +0
        const double term = beta * c[g.c.at(0, at / g.n, at % g.n)];
        value += term;
        size += std::fabs(term);
      }
      if (g.residual) {
        const double term = residual[expected.values.size()];
        value += term;
        size += std::fabs(term);
      }
      expected.values.push_back(g.activation.value(value));
      expected.magnitude.push_back(g.activation.magnitude(size * error.inflate));
    }
  }
  expected.seconds = seconds;
  expected.own = error.own;
  expected.own.floor *= std::fabs(alpha);
}

std::int32_t byte_value(const Tensor& t, std::size_t index) {
  return t.dtype == DType::u8 ? std::int32_t{t.as<std::uint8_t>()[index]}
                              : std::int32_t{t.as<std::int8_t>()[index]};
}
std::uint32_t word(std::int32_t value) { return static_cast<std::uint32_t>(value); }

// Of one matrix, modulo 2^32: the device multiplies raw bytes, and
// sum (a - z)(b - w) = sum a b - w sum a - z sum b + k z w.
std::vector<std::uint32_t> integer_sums(const GemmOperands& g, const std::vector<Tensor>& inputs,
                                        std::size_t batch, double& seconds) {
  const Tensor &a = inputs[g.a_input], &b = inputs[g.b_input];
  const std::uint32_t a_zero = g.a_zero ? word(byte_value(inputs[*g.a_zero], 0)) : 0;
  const std::uint32_t b_zero = g.b_zero ? word(byte_value(inputs[*g.b_zero], 0)) : 0;
  std::vector<std::uint32_t> rows(g.m), columns(g.n);
  for (std::size_t k = 0; k < g.k; ++k) {
    for (std::size_t i = 0; i < g.m; ++i) rows[i] += word(byte_value(a, g.a.at(g.a_offsets[batch], i, k)));
    for (std::size_t j = 0; j < g.n; ++j) columns[j] += word(byte_value(b, g.b.at(g.b_offsets[batch], k, j)));
  }
  std::vector<std::uint32_t> sums = product<std::uint32_t>(g, inputs, Matrices(g, inputs, batch), &seconds);
  const auto zeros = static_cast<std::uint32_t>(g.k) * a_zero * b_zero;
  for (std::size_t at = 0; at < sums.size(); ++at)
    sums[at] += zeros - b_zero * rows[at / g.n] - a_zero * columns[at % g.n];
  return sums;
}

// One rounding to a factor of f32, one of the product, ties to even: docs/numerics.md, "Requantisation".
std::byte requantised(std::uint32_t sum, float factor, double zero, double low) {
  const float t = static_cast<float>(static_cast<std::int32_t>(sum)) * factor;
  const double rounded = std::isnan(t) ? 0 : std::nearbyint(double{t});
  return static_cast<std::byte>(static_cast<int>(std::clamp(rounded + zero, low, low + 255)));
}

void evaluate_integers(const GemmOperands& g, const std::vector<Tensor>& inputs, Tensor& y, double& seconds) {
  const auto* c = g.has_c ? inputs[*g.c_input].as<std::uint32_t>() : nullptr;
  const auto* r = g.residual ? inputs[*g.residual].as<std::uint32_t>() : nullptr;
  std::vector<float> factors = g.y_scale ? decode_f32(inputs[*g.b_scale]) : std::vector<float>();
  for (float& factor : factors) {
    const float both = decode_f32(inputs[*g.a_scale])[0] * factor;
    factor = both / decode_f32(inputs[*g.y_scale])[0];
  }
  for (std::size_t batch = 0, to = 0; batch < g.a_offsets.size(); ++batch) {
    const std::vector<std::uint32_t> sums = integer_sums(g, inputs, batch, seconds);
    for (std::size_t at = 0; at < sums.size(); ++at, ++to) {
      if (g.y_scale) {
        y.bytes[to] = requantised(sums[at], factors[factors.size() == 1 ? 0 : at % g.n],
                                  byte_value(inputs[*g.y_zero], 0), y.dtype == DType::s8 ? -128 : 0);
        continue;
      }
      std::uint32_t value = word(g.alpha_integer) * sums[at];
      if (c != nullptr) value += word(g.beta_integer) * c[g.c.at(0, at / g.n, at % g.n)];
      if (r != nullptr) value += r[to];
      y.as<std::uint32_t>()[to] = value;
    }
  }
}

}  // namespace

void cuda_gemm(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  const GemmOperands g = read_gemm_operands(problem);
  if (is_float(problem.inputs[0].dtype)) return evaluate_floats(g, inputs, expected);
  expected.bits.emplace(expected.name, expected.dtype, expected.shape);
  expected.seconds = 0;
  evaluate_integers(g, inputs, *expected.bits, *expected.seconds);
}

}  // namespace assay::golden
