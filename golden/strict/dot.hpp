// The matrix unit's arithmetic to the bit: docs/numerics.md, "Matrix unit: dot products".
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/dtype.hpp"

namespace assay::golden::strict {

// acc = fma(a[k], b[k], acc), k ascending, from `start`. With count 0 the start passes bit-unchanged;
// otherwise a NaN result is canonical.
float dot_chain(float start, const float* a, const float* b, std::size_t count);
// Exact products, sum modulo 2^32.
std::int32_t dot_chain(std::int32_t start, const std::int8_t* a, const std::int8_t* b, std::size_t count);
// The same of operands of any integer type, less their zero points: exact products (a - a_zero) * (b -
// b_zero).
std::int32_t dot_chain(std::int32_t start, const std::int32_t* a, std::int32_t a_zero, const std::int32_t* b,
                       std::int32_t b_zero, std::size_t count);
// The chain of floats that passes by every product whose a is -0. If all are, the start is unchanged.
float dot_chain_skipping(float start, const float* a, const float* b, std::size_t count);

// An element of a quantised stationary operand: the exact (q - zero) * scale, a zero of the scale's sign,
// rounded once to `to` (f16 or bf16); its bits.
std::uint16_t dequantised(std::int32_t q, std::int32_t zero, float scale, DType to);

// Many chains at once: acc[i][j] continues through the products a[i][k] * b[k][j], k ascending. All dense
// and row major: a is m x k, b is k x n, acc is m x n. Each chain is the one above.
void multiply(const float* a, const float* b, float* acc, std::size_t m, std::size_t n, std::size_t k);
void multiply_skipping(const float* a, const float* b, float* acc, std::size_t m, std::size_t n,
                       std::size_t k);
// Of integers that have lost their zero points already.
void multiply(const std::int32_t* a, const std::int32_t* b, std::int32_t* acc, std::size_t m, std::size_t n,
              std::size_t k);
void multiply(const std::int8_t* a, const std::int8_t* b, std::int32_t* acc, std::size_t m, std::size_t n,
              std::size_t k);

}  // namespace assay::golden::strict
