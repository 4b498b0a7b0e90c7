// The contents of one tensor, element by element.
#pragma once

#include <cstdint>

#include "base/tensor.hpp"
#include "testgen/case.hpp"

namespace assay::testgen {

// Of Integers, where nothing asks for less.
inline constexpr std::int32_t kLargestInteger = 16;

// A tensor of kind `kind`. Integers draws from -limit .. limit without 0; other kinds ignore the limit.
Tensor make_tensor(const ops::TensorInfo& info, DataKind kind, std::uint64_t key, std::int32_t limit);

// Positive numbers around `about`, within a factor of two.
Tensor make_scales(const ops::TensorInfo& info, double about, std::uint64_t key);

// Indices of s32; distinct ones in a row are a random choice of all, in random order.
Tensor make_indices(const ops::TensorInfo& info, const ops::IndexRange& range, std::uint64_t key);

// The largest magnitude of integer operands (at most kLargestInteger) for which every sum of this problem is
// exact in the accumulator in every order. Throws Error(Usage) where there is none.
std::int32_t exact_limit(const ops::Problem& problem);
bool can_be_exact(const ops::Problem& problem);

}  // namespace assay::testgen
