// The cpu golden: gemm and matmul in fp64 with S; integers exactly, modulo 2^32.
#include <cmath>
#include <cstring>

#include "golden/backends.hpp"
#include "golden/cpu/multiply.hpp"
#include "golden/formats.hpp"
#include "golden/gemm_operands.hpp"

namespace assay::golden {
namespace {

std::vector<double> dense(const std::vector<double>& values, const MatrixView& view, std::size_t offset,
                          std::size_t rows, std::size_t cols) {
  std::vector<double> matrix(rows * cols);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < cols; ++j) matrix[i * cols + j] = values[view.at(offset, i, j)];
  return matrix;
}

void evaluate_floats(const GemmOperands& g, const std::vector<Tensor>& inputs, Expected& expected) {
  const std::vector<double> a = decode(inputs[0]);
  const std::vector<double> b = decode(inputs[1]);
  const std::vector<double> c = g.has_c ? decode(inputs[2]) : std::vector<double>();
  const double alpha = g.alpha;
  const double beta = g.beta;
  std::vector<double> sum;
  std::vector<double> magnitude;
  for (std::size_t batch = 0; batch < g.a_offsets.size(); ++batch) {
    cpu::multiply(dense(a, g.a, g.a_offsets[batch], g.m, g.k), dense(b, g.b, g.b_offsets[batch], g.k, g.n),
                  sum, magnitude, g.m, g.n, g.k);
    for (std::size_t i = 0; i < g.m; ++i)
      for (std::size_t j = 0; j < g.n; ++j) {
        double value = alpha * sum[i * g.n + j];
        double size = std::fabs(alpha) * magnitude[i * g.n + j];
        if (g.has_c) {
          const double term = beta * c[g.c.at(0, i, j)];
          value += term;
          size += std::fabs(term);
        }
        expected.values.push_back(value);
        expected.magnitude.push_back(size);
      }
  }
  // S itself was rounded: no more than roundings * 2^-53 of it.
  const double inflate = 1 + (expected.tolerance.roundings + 2) * 0x1p-52;
  for (double& s : expected.magnitude) s *= inflate;
  // Products of two fp32 values are exact in fp64; alpha and beta round once more each.
  expected.own = {0x1p-53, expected.tolerance.roundings + 2, 0};
}

// Every sum in 64 bits: s8 products stay below 2^14, and K below 2^40.
void evaluate_integers(const GemmOperands& g, const std::vector<Tensor>& inputs, Tensor& y) {
  const auto* a = inputs[0].as<std::int8_t>();
  const auto* b = inputs[1].as<std::int8_t>();
  const auto* c = g.has_c ? inputs[2].as<std::int32_t>() : nullptr;
  std::size_t at = 0;
  std::vector<std::int64_t> row(g.n);
  for (std::size_t batch = 0; batch < g.a_offsets.size(); ++batch)
    for (std::size_t i = 0; i < g.m; ++i) {
      row.assign(g.n, 0);
      for (std::size_t kk = 0; kk < g.k; ++kk) {
        const std::int8_t factor = a[g.a.at(g.a_offsets[batch], i, kk)];
        for (std::size_t j = 0; j < g.n; ++j)
          row[j] += std::int64_t{factor} * b[g.b.at(g.b_offsets[batch], kk, j)];
      }
      for (std::size_t j = 0; j < g.n; ++j) {
        // 128 bits hold alpha * sum + beta * C; the low 32 of them are the result.
        __extension__ using Wide = __int128;
        Wide value = Wide{g.alpha_integer} * row[j];
        if (c != nullptr) value += Wide{g.beta_integer} * c[g.c.at(0, i, j)];
        const auto word = static_cast<std::uint32_t>(value);
        std::memcpy(y.bytes.data() + 4 * at++, &word, sizeof word);
      }
    }
}

}  // namespace

void cpu_gemm(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  const GemmOperands g = read_gemm_operands(problem);
  if (is_float(problem.inputs[0].dtype)) return evaluate_floats(g, inputs, expected);
  expected.bits.emplace(expected.name, expected.dtype, expected.shape);
  evaluate_integers(g, inputs, *expected.bits);
}

}  // namespace assay::golden
