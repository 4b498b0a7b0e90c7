// What the goldens that sum in fp32 (dnnl, ort) make of their sums: the epilogue in fp64, S and their own
// error. The sums themselves are each golden's own, and so are those of absolute values, from which S comes.
#pragma once

#include <vector>

#include "golden/backend.hpp"
#include "golden/conv_operands.hpp"
#include "golden/gemm_operands.hpp"

namespace assay::golden {

// Sums of at most `terms` products in fp32, or in fp64 (`type`), in any order, FMA or not.
struct PlainSums {
  explicit PlainSums(double terms, DType type = DType::f32);

  // Not below the exact sum of the magnitudes, of which `size` is such a sum.
  double magnitude(double size) const { return (size + lost) * inflate; }

  double lost;     // what may underflow on the way
  double inflate;  // what may be rounded away on it
  OwnError own;    // product and sum may each round, and each may underflow
};

// `sums` of a x b and `sizes` of |a| x |b|, before alpha.
void finish_gemm(const GemmOperands& g, const std::vector<float>& sums, const std::vector<float>& sizes,
                 const std::vector<Tensor>& inputs, Expected& expected);
// Of x and w, in dense order, channels before positions.
void finish_conv(const ConvOperands& c, const std::vector<float>& sums, const std::vector<float>& sizes,
                 const std::vector<Tensor>& inputs, Expected& expected);

}  // namespace assay::golden
