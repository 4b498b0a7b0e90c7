// Random valid problems of every operator: small, over attributes, shapes and optional inputs, where each
// matters.
#pragma once

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "ops/operator.hpp"

namespace assay::testgen {

using Generator = std::mt19937_64;  // its sequence is defined by the standard

// low to high.
inline std::int64_t pick(Generator& random, std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low + 1));
}

// Main operands of that type; a few million products at most. Throws Error(Unsupported) for a type that the
// operator does not take, Error(Error) for an operator without a generator.
ops::Problem random_problem(std::string_view op, DType type, Generator& random);

// The element types of the operator's main operands for which there is a problem.
std::vector<DType> problem_types(std::string_view op);

// Those of single families; random_conv.hpp has the convolutions.
struct RandomAttention {
  ops::Problem problem;
  std::string masks;  // what hides keys or changes scores
};
RandomAttention random_attention(DType type, Generator& random);
ops::Problem random_gemm(std::string_view op, DType type, Generator& random);  // gemm, matmul
ops::Problem random_quantised(const std::string& op, Generator& random);       // matmulinteger, qlinearmatmul
ops::Problem random_grouped(DType type, Generator& random);
ops::Problem random_nbits(DType type, Generator& random);  // of B

}  // namespace assay::testgen
