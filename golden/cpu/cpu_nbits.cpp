// The goldens of matmul_nbits but the strict one: the matmul of the weights, dequantised in fp64 and rounded
// once.
#include "golden/backends.hpp"
#include "golden/formats.hpp"
#include "ops/nbits/nbits_spec.hpp"

namespace assay::golden {
namespace {

Tensor weights_of(const ops::NbitsForm& f, const std::vector<Tensor>& inputs) {
  const std::vector<double> q = decode(inputs[1]), scales = decode(inputs[2]);
  const std::vector<double> zeros = f.has_zeros ? decode(inputs[3]) : std::vector<double>();
  std::vector<double> values(f.k * f.n);
  for (std::size_t k = 0; k < f.k; ++k)
    for (std::size_t n = 0; n < f.n; ++n) {
      const std::size_t group = f.scale(k, n);
      const double zero = f.has_zeros ? zeros[group] : f.zero;
      values[k * f.n + n] = (q[f.weight(k, n)] - zero) * scales[group];  // exact: 9 bits by 24
    }
  Tensor w("W", inputs[0].dtype, {static_cast<std::int64_t>(f.k), static_cast<std::int64_t>(f.n)});
  encode(w.dtype, values.data(), values.size(), w.bytes.data());
  return w;
}

void evaluate(Evaluate matmul, const ops::Problem& problem, const std::vector<Tensor>& inputs,
              Expected& expected) {
  const ops::NbitsForm f = ops::nbits_form(problem);
  Tensor a = inputs[0];
  a.shape = {static_cast<std::int64_t>(f.m), static_cast<std::int64_t>(f.k)};
  const Tensor w = weights_of(f, inputs);
  ops::Problem plain;
  plain.op = "matmul";
  plain.inputs = {{"A", a.dtype, a.shape}, {"B", w.dtype, w.shape}};
  plain.outputs = {{"Y", expected.dtype, {a.shape[0], w.shape[1]}}};
  matmul(plain, {a, w}, expected);
}

}  // namespace

void cpu_nbits(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  evaluate(cpu_gemm, problem, inputs, expected);
}

void dnnl_nbits(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  evaluate(dnnl_gemm, problem, inputs, expected);
}

void ort_nbits(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  evaluate(ort_gemm, problem, inputs, expected);
}

}  // namespace assay::golden
