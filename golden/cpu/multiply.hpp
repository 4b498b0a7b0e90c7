// fp64 matrix product that carries S = sum |a * b| beside each sum.
#pragma once

#include <cstddef>
#include <vector>

namespace assay::golden::cpu {

// a: m x k, b: k x n, dense and row major. sum and magnitude (m x n) are overwritten. Order of summation
// and use of FMA are not defined: the error of sum is at most gamma_k * magnitude in fp64.
void multiply(const std::vector<double>& a, const std::vector<double>& b, std::vector<double>& sum,
              std::vector<double>& magnitude, std::size_t m, std::size_t n, std::size_t k);

}  // namespace assay::golden::cpu
