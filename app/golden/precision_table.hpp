// How tight the REAL bound is: right results' errors against it, by operator, element type and data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/dtype.hpp"

namespace assay::app {

struct PrecisionRow {
  std::string op;
  DType dtype = DType::f32;  // of the main operands
  struct Cell {
    std::string data;
    double largest = 0, typical = 0;  // of the cases' largest errors, in bounds: the largest, and the median
    double ulps = 0;                  // the largest error, in units of the output's last place
  };
  std::vector<Cell> cells;
  int cases = 0;  // of each distribution
};

// `cases` random problems for each operator, float type and distribution; the contract's own results (strict)
// judged by the fp64 reference.
std::vector<PrecisionRow> precision_table(int cases, std::uint64_t seed);

}  // namespace assay::app
