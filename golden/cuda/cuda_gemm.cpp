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
  std::vector<float> sums, sizes;
  double seconds = 0;
  for (std::size_t batch = 0; batch < g.a_offsets.size(); ++batch) {
    Matrices matrices(g, inputs, batch);
    const std::vector<float> sum = product<float>(g, inputs, matrices, &seconds);
    sums.insert(sums.end(), sum.begin(), sum.end());
    matrices.a.make_absolute();
    matrices.b.make_absolute();
    const std::vector<float> size = product<float>(g, inputs, matrices);
    sizes.insert(sizes.end(), size.begin(), size.end());
  }
  expected.seconds = seconds;
  finish_gemm(g, sums, sizes, cuda::error_of_sums(inputs[g.a_input].dtype, static_cast<double>(g.k)), inputs,
              expected);
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

void requantise(const GemmOperands& g, const std::vector<std::uint32_t>& sums,
                const std::vector<Tensor>& inputs, Tensor& y) {
  std::vector<float> factors = decode_f32(inputs[*g.b_scale]);
  for (float& factor : factors) {
    const float both = decode_f32(inputs[*g.a_scale])[0] * factor;
    factor = both / decode_f32(inputs[*g.y_scale])[0];
  }
  const double zero = byte_value(inputs[*g.y_zero], 0), low = y.dtype == DType::s8 ? -128 : 0;
  for (std::size_t at = 0; at < sums.size(); ++at)
    y.bytes[at] = requantised(sums[at], factors[factors.size() == 1 ? 0 : at % g.n], zero, low);
}

void evaluate_integers(const GemmOperands& g, const std::vector<Tensor>& inputs, Tensor& y, double& seconds) {
  std::vector<std::uint32_t> sums;
  for (std::size_t batch = 0; batch < g.a_offsets.size(); ++batch) {
    const std::vector<std::uint32_t> sum = integer_sums(g, inputs, batch, seconds);
    sums.insert(sums.end(), sum.begin(), sum.end());
  }
  if (g.y_scale) requantise(g, sums, inputs, y);
  else finish_gemm(g, sums, inputs, y);
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
