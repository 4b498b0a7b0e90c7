// The quick part of a comparison by bound: which elements are right beyond doubt, and the totals of all.
#pragma once

#include <cstddef>
#include <vector>

#include "base/dtype.hpp"

namespace assay::golden {

// Over the elements that are finite on both sides.
struct Totals {
  double got_want = 0, got_got = 0, want_want = 0, noise = 0;
  double max_ulps = 0;  // of the output type, at the wanted value
};

class Scan {
 public:
  // `converts`: the values compared were rounded to `output` after the error that e bounds.
  Scan(DType output, bool converts);

  // Appends first + i for each i in [0, n) that is in doubt: not finite, or neither within e[i] of want[i]
  // nor the value to which want[i] rounds, or its error exceeds worst times Bound::distance() for e[i].
  void operator()(const double* got, const double* want, const double* e, std::size_t n, double worst,
                  std::size_t first, std::vector<std::size_t>& doubtful, Totals& totals) const;

  struct Format {
    double least_power = 0, greatest_power = 0;  // 2^e of the smallest and the largest normal numbers
    double ulp = 1;                              // in units of 2^e
    double unit = 0, half_smallest = 0;          // of the conversion; 0 where there is none
  };

 private:
  Format format_;
};

}  // namespace assay::golden
