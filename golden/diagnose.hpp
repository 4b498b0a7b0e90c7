// From the places and values of mismatches to a likely cause. A guess for the reader; decides nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/tensor.hpp"
#include "golden/compare.hpp"

namespace assay::golden {

struct Evidence {
  const Shape& shape;
  const std::vector<std::size_t>& wrong;  // linear indices, ascending, not empty
  const std::vector<double>& got;         // every element
  std::function<double(std::size_t)> reference;
  std::function<bool(double, std::size_t)> fits;  // would this value be right at that element?
  std::int64_t tile_rows, tile_cols;              // 0: unknown
};

struct Diagnosis {
  Pattern pattern = Pattern::Scattered;
  std::string cause;
};

Diagnosis diagnose(const Evidence& evidence);

}  // namespace assay::golden
