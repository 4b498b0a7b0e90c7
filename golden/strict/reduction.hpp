// Row reductions to the bit: docs/numerics.md, "Row reductions".
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace assay::golden::strict {

inline constexpr std::size_t kStripes = 64;
using Stripes = std::array<float, kStripes>;  // all +0 to begin with

// Adds `count` elements whose logical indices in their row begin at `first`.
void add_to_stripes(Stripes& stripes, const float* t, std::size_t count, std::uint64_t first);
// The sum of a row: s[i] += s[i + h] for h = 32 .. 1.
float fold_stripes(Stripes stripes);

// NaN wins, +0 is greater than -0.
float maximum(float a, float b);
float row_maximum(float start, const float* t, std::size_t count);  // start: -Inf, or the stored maximum

}  // namespace assay::golden::strict
