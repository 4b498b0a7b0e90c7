// How far a right result may lie from its reference: docs/numerics.md, "The REAL bound".
#pragma once

#include "golden/backend.hpp"
#include "golden/compare.hpp"

namespace assay::golden {

// Growth of `roundings` successive relative errors of at most `unit`, in units of it: the worst case
// n / (1 - n u), or the smaller 4 sqrt(n) for zero-mean random data. Infinite where n u reaches 1.
double growth(double roundings, double unit, bool zero_mean);

// The values that pass for one element.
struct Interval {
  double low = 0, high = 0;
  double bound = 0;  // no accepted value is farther from the reference
  bool contains(double value) const { return low <= value && value <= high; }
};

class Bound {
 public:
  Bound(const Expected& expected, const Policy& policy);

  // The accumulator's error e, for an element of magnitude S: the operator's and the reference's own.
  double before_conversion(double magnitude) const;
  // The reference's own error alone.
  double own(double magnitude) const;
  // reference finite and magnitude within judgeable().
  Interval interval(double reference, double magnitude) const;
  // False where S is beyond the accumulator's range: some order of the sum overflows, another does not.
  bool judgeable(double magnitude) const;

 private:
  DType out_, accumulator_;
  double slope_, floor_;  // e = slope * S + floor
  double own_slope_, own_floor_;
  bool converts_;  // the output type is not the accumulator's
  bool doubled_;
};

}  // namespace assay::golden
