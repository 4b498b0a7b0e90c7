// The strict golden of matmul_nbits: each weight dequantised to the bit, then the chains of a matmul.
#include "golden/backends.hpp"
#include "golden/strict/conversions.hpp"
#include "golden/strict/dot.hpp"
#include "ops/nbits/nbits_spec.hpp"

namespace assay::golden {

using namespace strict;

void strict_nbits(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  const ops::NbitsForm f = ops::nbits_form(problem);
  const Tensor &a = inputs[0], &b = inputs[1], &scales = inputs[2];
  std::vector<float> weights(f.k * f.n), rows(f.m * f.k), acc(f.m * f.n);
  for (std::size_t k = 0; k < f.k; ++k)
    for (std::size_t n = 0; n < f.n; ++n) {
      const std::size_t group = f.scale(k, n);
      const std::int32_t zero =
          f.has_zeros ? load_s32(inputs[3].dtype, inputs[3].bytes.data(), group) : f.zero;
      const std::uint16_t w = dequantised(load_s32(b.dtype, b.bytes.data(), f.weight(k, n)), zero,
                                          load_f32(scales.dtype, scales.bytes.data(), group), a.dtype);
      weights[k * f.n + n] = a.dtype == DType::f16 ? f32_from_f16(w) : f32_from_bf16(w);
    }
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = load_f32(a.dtype, a.bytes.data(), i);
  multiply(rows.data(), weights.data(), acc.data(), f.m, f.n, f.k);
  expected.bits.emplace(expected.name, expected.dtype, expected.shape);
  for (std::size_t i = 0; i < acc.size(); ++i)
    store_f32(expected.dtype, canonical(acc[i]), expected.bits->bytes.data(), i);
}

}  // namespace assay::golden
