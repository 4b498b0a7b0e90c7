// A comparison by bound, element by element: the many that are right beyond doubt by Scan, the few others
// exactly. S is asked for only where there is doubt, and the outcome is the same as with all of it.
#pragma once

#include <cstddef>
#include <vector>

#include "golden/scan.hpp"

namespace assay::golden {

// What is compared with what, and by which bound.
class BoundSubject {
 public:
  virtual ~BoundSubject() = default;
  virtual const std::vector<double>& wanted() const = 0;
  // Values and bounds e of n elements from `first` on; where S is not known, e for something not above it.
  virtual void read(std::size_t first, std::size_t n, double* got, double* e) const = 0;
  // So many of `among` elements are in doubt, and as many of the rest are to be expected.
  virtual void expect(std::size_t doubtful, std::size_t among) = 0;
  // Makes S of these ascending elements ready.
  virtual void prepare(const std::vector<std::size_t>& elements) = 0;

  struct Exact {
    bool right;
    double error_in_bounds;  // 0 where either side is not finite
  };
  virtual Exact judge(double got, std::size_t element) = 0;
};

struct BoundOutcome {
  std::vector<std::size_t> wrong;  // ascending
  double max_error_in_bounds = 0;
  Totals totals;
};

BoundOutcome compare_by_bound(BoundSubject& subject, const Scan& scan);

}  // namespace assay::golden
