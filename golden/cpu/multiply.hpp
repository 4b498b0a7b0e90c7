// fp64 matrix product of fp32 operands.
#pragma once

#include <cstddef>
#include <vector>

namespace assay::golden::cpu {

// m or n lines of k elements each: rows of the left operand, columns of the right one. Line i starts at
// lines[i]; its elements are `stride` apart.
template <typename T>
struct LinesOf {
  std::vector<const T*> lines;
  std::size_t stride = 1;
};
using Lines = LinesOf<float>;

enum class Terms { signed_products, magnitudes };  // a * b, or |a * b|

// Lines of b that are multiplied together: one of them costs as much as all.
std::size_t panel_columns();

// sum[i * n + j] becomes the sum of the products of a's line i with b's line j, or of their magnitudes.
template <typename A>
struct ProductOf {
  LinesOf<A> a;
  Lines b;
  double* sum;
};
using Product = ProductOf<float>;
using WideProduct = ProductOf<double>;

// A product of two fp32 values is exact in fp64; of a wide one each product may round before its sum does.
// Sums of 256 consecutive products are made from 0 in ascending order, and added up in ascending order: an
// element's bits depend on its own two lines alone, and |sum| never exceeds the sum of magnitudes. The error
// of either is at most gamma_k times the latter (wide: gamma_2k).
//
// All lines have k elements. Matrices that share lines, or have neighbouring ones, are faster together.
void multiply(const std::vector<Product>& products, std::size_t k, Terms terms);
void multiply(const std::vector<WideProduct>& products, std::size_t k, Terms terms);

}  // namespace assay::golden::cpu
