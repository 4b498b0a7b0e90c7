// Element types as fp64 values, for references and comparisons. Independent of golden/strict: arithmetic
// on doubles instead of bit patterns (every element is exact in fp64).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/tensor.hpp"

namespace assay::golden {

// The value of one element, given its bits (in the low end).
double decode(DType type, std::uint64_t bits);
std::uint64_t element_bits(const Tensor& tensor, std::size_t index);
// All elements of a tensor, or `count` from `first` on.
std::vector<double> decode(const Tensor& tensor);
void decode(const Tensor& tensor, std::size_t first, std::size_t count, double* values);
// All elements of a tensor of floats of the engines: none is wider than fp32.
std::vector<float> decode_f32(const Tensor& tensor);

// The bits of `value` rounded once to `type`: nearest even, overflow to infinity, canonical NaN; fp8 and
// integers saturate (an integer of NaN is 0).
std::uint64_t encode(DType type, double value);
// The same of `count` values, into elements of the type side by side.
void encode(DType type, const double* values, std::size_t count, std::byte* elements);
// decode(encode(value)): the nearest value of the type.
double round_to(DType type, double value);

// Distance between neighbouring values of `type` at |value|: 1 for integers.
double ulp_at(DType type, double value);
double unit_roundoff(DType type);  // 2^-24, 2^-11, 2^-8; 0 for integers
double half_smallest(DType type);  // eta: half the smallest subnormal (f64: the smallest); 0 for integers
double largest_finite(DType type);

}  // namespace assay::golden
