#include "golden/scan.hpp"

#include <algorithm>
#include <cstdint>

#include "golden/formats.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "golden/scan.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace assay::golden {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using F64 = hn::ScalableTag<double>;
using Lanes = hn::Vec<F64>;
using Mask = hn::Mask<F64>;

// The power of two at or below |x|, within the format's normal range; x finite.
HWY_INLINE Lanes PowerOf(F64 d, Lanes x, const Scan::Format& f) {
  const hn::RebindToUnsigned<F64> bits;
  const Lanes power =
      hn::BitCast(d, hn::And(hn::BitCast(bits, x), hn::Set(bits, std::uint64_t{0x7FF} << 52)));
  return hn::Min(hn::Max(power, hn::Set(d, f.least_power)), hn::Set(d, f.greatest_power));
}

struct Sums {
  Lanes got_want, got_got, want_want, noise, max_ulps;
};

// One vector: adds to the sums, returns which lanes are beyond doubt.
HWY_INLINE Mask Step(F64 d, Lanes got, Lanes want, Lanes e, double worst, const Scan::Format& f, Sums& sums) {
  const Lanes zero = hn::Zero(d);
  const Mask finite = hn::And(hn::IsFinite(got), hn::IsFinite(want));
  got = hn::IfThenElse(finite, got, zero);
  want = hn::IfThenElse(finite, want, zero);
  const Lanes error = hn::Abs(hn::Sub(got, want));
  const Lanes ulp = hn::Mul(PowerOf(d, want, f), hn::Set(d, f.ulp));
  sums.got_want = hn::MulAdd(got, want, sums.got_want);
  sums.got_got = hn::MulAdd(got, got, sums.got_got);
  sums.want_want = hn::MulAdd(want, want, sums.want_want);
  sums.noise = hn::MulAdd(error, error, sums.noise);
  sums.max_ulps = hn::Max(sums.max_ulps, hn::Div(error, ulp));
  // As Bound::distance(), in its order: the same rounding, so that it grows with e as that does.
  const Lanes reach = hn::Mul(hn::Set(d, f.unit), hn::Add(hn::Abs(want), e));
  const Lanes distance = hn::Add(hn::Add(e, reach), hn::Set(d, f.half_smallest));
  Mask right = hn::Le(error, e);
  // A value of the format nearer than half a unit in the last place is what `want` rounds to; below a power
  // of two the units are half as large, and no value is that near.
  if (f.unit > 0) right = hn::Or(right, hn::Lt(error, hn::Mul(hn::Set(d, 0.5), ulp)));
  const Mask beyond = hn::Gt(hn::Div(error, distance), hn::Set(d, worst));
  return hn::AndNot(beyond, hn::And(finite, right));
}

void Block(const double* got, const double* want, const double* e, std::size_t n, double worst,
           const Scan::Format& f, std::size_t first, std::vector<std::size_t>& doubtful, Totals& totals) {
  const F64 d;
  const std::size_t lanes = hn::Lanes(d);
  const Lanes zero = hn::Zero(d);
  Sums sums{zero, zero, zero, zero, hn::Set(d, totals.max_ulps)};
  for (std::size_t i = 0; i < n; i += lanes) {
    Mask right;
    if (i + lanes <= n) {
      right = Step(d, hn::LoadU(d, got + i), hn::LoadU(d, want + i), hn::LoadU(d, e + i), worst, f, sums);
    } else {  // zeros beyond the end: right, and nothing in any sum
      double tail[3][HWY_MAX_BYTES / sizeof(double)] = {};
      std::copy(got + i, got + n, tail[0]);
      std::copy(want + i, want + n, tail[1]);
      std::copy(e + i, e + n, tail[2]);
      right = Step(d, hn::LoadU(d, tail[0]), hn::LoadU(d, tail[1]), hn::LoadU(d, tail[2]), worst, f, sums);
    }
    if (hn::AllTrue(d, right)) continue;
    std::uint8_t bits[8] = {};
    hn::StoreMaskBits(d, right, bits);
    for (std::size_t lane = 0; lane < std::min(lanes, n - i); ++lane)
      if ((bits[lane / 8] >> (lane % 8) & 1) == 0) doubtful.push_back(first + i + lane);
  }
  totals.got_want += hn::GetLane(hn::SumOfLanes(d, sums.got_want));
  totals.got_got += hn::GetLane(hn::SumOfLanes(d, sums.got_got));
  totals.want_want += hn::GetLane(hn::SumOfLanes(d, sums.want_want));
  totals.noise += hn::GetLane(hn::SumOfLanes(d, sums.noise));
  totals.max_ulps = hn::GetLane(hn::MaxOfLanes(d, sums.max_ulps));
}

}  // namespace HWY_NAMESPACE
}  // namespace assay::golden
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::golden {

HWY_EXPORT(Block);

Scan::Scan(DType output, bool converts) {
  if (is_float(output)) {
    const double smallest = 2 * half_smallest(output);
    format_.ulp = 2 * unit_roundoff(output);
    format_.least_power = smallest / format_.ulp;
    format_.greatest_power = ulp_at(output, largest_finite(output)) / format_.ulp;
  } else {
    format_.least_power = format_.greatest_power = 1;  // the same unit everywhere
  }
  if (!converts) return;
  format_.unit = unit_roundoff(output);
  format_.half_smallest = half_smallest(output);
}

void Scan::operator()(const double* got, const double* want, const double* e, std::size_t n, double worst,
                      std::size_t first, std::vector<std::size_t>& doubtful, Totals& totals) const {
  HWY_DYNAMIC_DISPATCH(Block)(got, want, e, n, worst, format_, first, doubtful, totals);
}

}  // namespace assay::golden
#endif  // HWY_ONCE
