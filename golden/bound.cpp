#include "golden/bound.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "golden/formats.hpp"

namespace assay::golden {
namespace {

constexpr double kLambda = 4;

}  // namespace

double growth(double roundings, double unit, bool zero_mean) {
  const double product = roundings * unit;
  const double worst = product < 1 ? roundings / (1 - product) : std::numeric_limits<double>::infinity();
  return zero_mean ? std::min(kLambda * std::sqrt(roundings), worst) : worst;
}

Bound::Bound(const Expected& expected, const Policy& policy)
    : out_(expected.dtype),
      accumulator_(expected.tolerance.accumulator),
      unit_(unit_roundoff(out_)),
      half_smallest_(half_smallest(out_)),
      converts_(expected.dtype != expected.tolerance.accumulator),
      doubled_(policy.doubled) {
  const double unit = unit_roundoff(accumulator_);
  slope_ = growth(expected.tolerance.roundings, unit, policy.zero_mean) * unit;
  floor_ = expected.tolerance.eta_terms * half_smallest(accumulator_);
  if (doubled_) {
    slope_ *= 2;
    floor_ *= 2;
  }
  own_slope_ = growth(expected.own.roundings, expected.own.unit, policy.zero_mean) * expected.own.unit;
  own_floor_ = expected.own.floor;
}

double Bound::own(double magnitude) const { return own_slope_ * magnitude + own_floor_; }

double Bound::before_conversion(double reference, double magnitude) const {
  const double e = slope_ * magnitude + floor_ + own(magnitude);
  return doubled_ && converts_ ? e + unit_ * std::fabs(reference) + half_smallest_ : e;
}

bool Bound::accepts(double value, double reference, double magnitude) const {
  const double e = before_conversion(reference, magnitude);
  if (std::fabs(value - reference) <= e) return true;  // inside before any conversion
  if (!converts_) return false;
  return round_to(out_, reference - e) <= value && value <= round_to(out_, reference + e);
}

double Bound::distance(double reference, double magnitude) const {
  const double e = before_conversion(reference, magnitude);
  if (!converts_) return e;
  return e + unit_ * (std::fabs(reference) + e) + half_smallest_;
}

void Bound::errors(const double* reference, const double* magnitude, std::size_t n, double* e) const {
  for (std::size_t i = 0; i < n; ++i)
    e[i] = before_conversion(reference[i], magnitude != nullptr ? magnitude[i] : std::fabs(reference[i]));
}

void Bound::own(const double* reference, const double* magnitude, std::size_t n, double* e) const {
  for (std::size_t i = 0; i < n; ++i)
    e[i] = own(magnitude != nullptr ? magnitude[i] : std::fabs(reference[i]));
}

bool Bound::judgeable(double magnitude) const {
  return magnitude + slope_ * magnitude + floor_ <= largest_finite(accumulator_);
}

}  // namespace assay::golden
