// How far a right result may lie from its reference: docs/numerics.md, "The REAL bound".
#pragma once

#include "golden/backend.hpp"
#include "golden/compare.hpp"

namespace assay::golden {

// Growth of `roundings` successive relative errors of at most `unit`, in units of it: the worst case
// n / (1 - n u), or the smaller 4 sqrt(n) for zero-mean random data. Infinite where n u reaches 1.
double growth(double roundings, double unit, bool zero_mean);

class Bound {
 public:
  Bound(const Expected& expected, const Policy& policy);

  // For a finite reference whose magnitude is judgeable().
  bool accepts(double value, double reference, double magnitude) const;
  // No accepted value is farther from the reference than this.
  double distance(double reference, double magnitude) const;
  // e of n elements, without what the output conversion adds. No magnitudes: |reference| in place of S,
  // which is not above it.
  void errors(const double* reference, const double* magnitude, std::size_t n, double* e) const;
  bool converts() const { return converts_; }

  // The reference's own error alone, of one element and of n.
  double own(double magnitude) const;
  void own(const double* reference, const double* magnitude, std::size_t n, double* e) const;
  // False where S is beyond the accumulator's range: some order of the sum overflows, another does not.
  bool judgeable(double magnitude) const;

 private:
  // e: how far the value before the output conversion may be from the reference.
  double before_conversion(double reference, double magnitude) const;

  DType out_, accumulator_;
  double slope_, floor_;  // e = slope * S + floor
  double own_slope_, own_floor_;
  double unit_, half_smallest_;  // of the output type
  bool converts_;                // the output type is not the accumulator's
  bool doubled_;                 // a recorded reference is itself an output
};

}  // namespace assay::golden
