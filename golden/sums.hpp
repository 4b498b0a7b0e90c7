// What the goldens that sum elsewhere (dnnl, ort, cuda) make of their sums: the epilogue in fp64 or modulo
// 2^32, S and their own error. The sums themselves are each golden's own, and so are those of absolute
// values, from which S comes.
#pragma once

#include <cstdint>
#include <vector>

#include "golden/backend.hpp"
#include "golden/conv_operands.hpp"
#include "golden/gemm_operands.hpp"

namespace assay::golden {

// How far sums of products may be off.
struct SumError {
  OwnError own;
  double inflate = 1;  // what may be rounded away of a sum of magnitudes
  double lost = 0;     // what may underflow in it

  // Not below the exact sum of the magnitudes, of which `size` is such a sum.
  double magnitude(double size) const { return (size + lost) * inflate; }
};
// Of at most `terms` products in fp32, or in fp64 (`type`), in any order, FMA or not: product and sum may
// each round, and each may underflow.
SumError plain_sums(double terms, DType type = DType::f32);

// `sums` of a x b and `sizes` of |a| x |b|, before alpha.
void finish_gemm(const GemmOperands& g, const std::vector<float>& sums, const std::vector<float>& sizes,
                 const SumError& error, const std::vector<Tensor>& inputs, Expected& expected);
// Of integers, less their zero points, modulo 2^32.
void finish_gemm(const GemmOperands& g, const std::vector<std::uint32_t>& sums,
                 const std::vector<Tensor>& inputs, Tensor& y);

// Of x and w, in dense order, channels before positions or behind them.
enum class Channels : std::uint8_t { First, Last };
void finish_conv(const ConvOperands& c, const std::vector<float>& sums, const std::vector<float>& sizes,
                 Channels channels, const SumError& error, const std::vector<Tensor>& inputs,
                 Expected& expected);

}  // namespace assay::golden
