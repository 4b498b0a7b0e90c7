// Row reductions of a vector pass, to the bit of docs/numerics.md ("Row reductions"): of f32 values that have
// no NaN but canonical ones.
#pragma once

#include <cstddef>
#include <cstdint>

namespace assay::core {

inline constexpr std::size_t kSumStripes = 64;

// `place`: one f32, the stored maximum where the reduction accumulates.
void reduce_maximum(const float* t, std::size_t n, bool accumulate, std::byte* place);

// `place`: 64 stripes; t[0] belongs to stripe `first` mod 64. Where `chosen` is given, an element for which
// it is 0 adds nothing and is -0 here.
void reduce_sum(const float* t, const std::int32_t* chosen, std::size_t n, std::size_t first, bool accumulate,
                std::byte* place);

}  // namespace assay::core
