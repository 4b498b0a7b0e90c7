// Which operators run in which element types on which machine, from the specs themselves.
#pragma once

#include <string>
#include <vector>

#include "base/dtype.hpp"
#include "testgen/case.hpp"

namespace assay::app {

struct Support {
  std::string op;
  DType dtype = DType::f32;
  std::string config;
  std::string why_not;  // empty: supported
  testgen::Case c;      // where it is: a small case, judged to the bit
};

// Every operator, in the order of its list, by element type, by machine. Throws Error(Error) where an
// operator has no example (testgen/operator_examples.cpp).
std::vector<Support> support_of_operators(const std::vector<std::string>& configs);

// The same as the page's table: an operator a row, an element type a column; and why not.
std::string support_page(const std::vector<Support>& list);

}  // namespace assay::app
