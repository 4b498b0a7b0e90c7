// The axes of a problem, by which relations cut, permute and extend it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ops/operator.hpp"
#include "testgen/metamorphic/tensors.hpp"

namespace assay::testgen::metamorphic {

struct InputPlace {
  std::size_t input;  // of the problem
  Place place;
};

// An axis along which the results are independent: those of entry i need the inputs' entries i alone. Inputs
// without a place serve every entry. GEMM: m and n; attention: items, kv heads, the query heads of a kv head,
// the columns of V, and the queries where no position counts.
struct Axis {
  std::string name;
  std::int64_t size = 0;
  std::vector<InputPlace> inputs;  // at least one
  std::vector<Place> outputs;      // one, or more where a dimension of the output is a diagonal
  std::string attribute;           // that holds the size (conv's group); empty: none
};
std::vector<Axis> free_axes(const ops::Problem& problem);

// An axis along which products are summed, and what makes a product that keeps every sum's bits: -0 for
// floats, 0 for integers.
struct SummedAxis {
  struct Filled {
    InputPlace at;
    std::uint64_t bits;
  };
  std::string name;
  std::int64_t size = 0;
  std::vector<Filled> inputs;
};
// `tensors`: the problem's inputs, whose zero points count.
std::vector<SummedAxis> summed_axes(const ops::Problem& problem, const std::vector<Tensor>& tensors);

// The labels of an einsum's dimensions: letters, and "0", "1", ... for those of "...", counted from the last.
struct EinsumLabels {
  std::vector<std::vector<std::string>> operands;
  std::vector<std::string> output;
  std::vector<std::string> summed;  // in the order of their first appearance
};
EinsumLabels einsum_labels(const ops::Problem& problem);

// The problem's attribute, or its fallback.
std::int64_t attribute_int(const ops::Problem& problem, std::string_view name);
float attribute_float(const ops::Problem& problem, std::string_view name);
std::string attribute_string(const ops::Problem& problem, std::string_view name);
bool has_attribute(const ops::Problem& problem, std::string_view name);  // whether the operator knows it

bool is_one_of(std::string_view name, const std::vector<std::string_view>& names);
bool is_convolution(const ops::Problem& problem);
bool is_transformed(const ops::Problem& problem);  // by Winograd or FFT
bool is_pointwise(const ops::Problem& problem);
// Whether the input has the output's type, whatever that is: a residual; the bias of a convolution of fp8.
bool has_output_type(const ops::Problem& problem, std::string_view input);

}  // namespace assay::testgen::metamorphic
