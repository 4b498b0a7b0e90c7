// The activation of a gemm or matmul for the fp64 goldens: its value, and what it makes of a bound's
// magnitude S.
#pragma once

#include <string>

#include "ops/operator.hpp"

namespace assay::golden {

struct Activation {
  std::string name = "none";
  double low = 0, high = 6;  // of clip

  bool present() const { return name != "none"; }
  double value(double x) const;
  // docs/numerics.md, "The REAL bound": S of f(x) where that of x is s.
  double magnitude(double s) const;
};

Activation read_activation(const ops::Problem& problem);

}  // namespace assay::golden
