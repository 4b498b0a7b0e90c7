// What one spatial dimension of a convolution reads and multiplies.
#include <algorithm>
#include <map>
#include <numeric>

#include "ops/conv/conv_rules.hpp"

namespace assay::ops {
namespace {

// Whole positions [first, last], none where last < first.
struct Interval {
  std::int64_t first, last;
};

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

std::uint64_t covered(std::vector<Interval> intervals) {
  std::sort(intervals.begin(), intervals.end(),
            [](const Interval& a, const Interval& b) { return a.first < b.first; });
  std::uint64_t count = 0;
  std::int64_t end = -1;  // all positions are at least 0
  for (const Interval& i : intervals) {
    if (i.last < i.first || i.last <= end) continue;
    count += static_cast<std::uint64_t>(i.last - std::max(i.first - 1, end));
    end = i.last;
  }
  return count;
}

std::int64_t signed_of(std::uint64_t value) { return static_cast<std::int64_t>(value); }

// Tap k meets position 0 of the side that steps by the stride at k * dilation - pad of the other side.
std::int64_t base(const ConvAxis& a, std::uint64_t k) { return signed_of(k * a.dilation) - a.pad; }

// Positions x of a tap lie a stride apart: those of each remainder are counted in units of the stride.
std::uint64_t positions_strided(const ConvAxis& a) {
  const std::int64_t stride = signed_of(a.stride), in = signed_of(a.in);
  std::map<std::int64_t, std::vector<Interval>> by_remainder;
  for (std::uint64_t k = 0; k < a.kernel; ++k) {
    const std::int64_t first = floor_div(base(a, k), stride), remainder = base(a, k) - first * stride;
    by_remainder[remainder].push_back(
        {std::max(first, std::int64_t{0}),
         std::min(first + signed_of(a.out) - 1, floor_div(in - 1 - remainder, stride))});
  }
  std::uint64_t count = 0;
  for (auto& [remainder, intervals] : by_remainder) count += covered(std::move(intervals));
  return count;
}

std::uint64_t positions_transposed(const ConvAxis& a) {
  const std::int64_t stride = signed_of(a.stride);
  std::vector<Interval> intervals;
  for (std::uint64_t k = 0; k < a.kernel; ++k) {
    const std::int64_t first = floor_div(-base(a, k) + stride - 1, stride);
    const std::int64_t last = floor_div(signed_of(a.out) - 1 - base(a, k), stride);
    intervals.push_back({std::max(first, std::int64_t{0}), std::min(last, signed_of(a.in) - 1)});
  }
  return covered(std::move(intervals));
}

std::uint64_t remainder_of(const ConvAxis& a, std::uint64_t k) {
  const std::int64_t stride = signed_of(a.stride);
  return static_cast<std::uint64_t>(base(a, k) - floor_div(base(a, k), stride) * stride);
}

}  // namespace

std::uint64_t positions_read(const ConvAxis& axis, bool transposed) {
  return transposed ? positions_transposed(axis) : positions_strided(axis);
}

std::uint64_t taps_used(const ConvAxis& axis, bool transposed) {
  if (!transposed) return axis.kernel;
  std::uint64_t used = 0;
  for (std::uint64_t k = 0; k < axis.kernel; ++k) used += remainder_of(axis, k) < axis.out ? 1 : 0;
  return used;
}

// Taps of one remainder follow one another every stride / gcd(dilation, stride).
std::vector<ConvPhase> phases_of(const ConvAxis& axis, bool transposed) {
  if (!transposed) return {{axis.out, axis.kernel, 1}};
  const std::uint64_t period = axis.stride / std::gcd(axis.dilation, axis.stride);
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> counts;
  for (std::uint64_t k = 0; k < std::min(period, axis.kernel); ++k) {
    const std::uint64_t first = remainder_of(axis, k);
    if (first >= axis.out) continue;
    ++counts[{(axis.out - 1 - first) / axis.stride + 1, (axis.kernel - 1 - k) / period + 1}];
  }
  std::vector<ConvPhase> phases;
  for (const auto& [shape, count] : counts) phases.push_back({shape.first, shape.second, count});
  return phases;
}

}  // namespace assay::ops
