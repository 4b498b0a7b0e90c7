#include "golden/given.hpp"

#include <cmath>

#include "golden/formats.hpp"

namespace assay::golden {

Expected given_reference(const Tensor& given, const GivenTolerance& tolerance) {
  Expected expected;
  expected.name = given.name;
  expected.dtype = given.dtype;
  expected.shape = given.shape;
  if (tolerance.relative == 0 && tolerance.absolute == 0) {
    expected.bits = given;
    return expected;
  }
  // The kernel's own error is nothing; all that is allowed counts as the reference's: one rounding of a unit
  // u that grows to u / (1 - u) = relative.
  expected.tolerance.accumulator = given.dtype;
  expected.own = {tolerance.relative / (1 + tolerance.relative), 1, tolerance.absolute};
  const auto count = static_cast<std::size_t>(given.elements());
  for (std::size_t i = 0; i < count; ++i) {
    const double value = decode(given.dtype, element_bits(given, i));
    expected.values.push_back(value);
    expected.magnitude.push_back(std::isfinite(value) ? std::fabs(value) : 0);
  }
  return expected;
}

}  // namespace assay::golden
