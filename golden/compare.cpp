#include "golden/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/error.hpp"
#include "base/suggest.hpp"
#include "golden/bound.hpp"
#include "golden/diagnose.hpp"
#include "golden/formats.hpp"

namespace assay::golden {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

void check_comparable(const Expected& expected, DType dtype, const Shape& shape) {
  if (expected.dtype != dtype || expected.shape != shape)
    fail(ExitCode::Error, "comparison of '{}': {} {} with a reference that is {} {}", expected.name,
         assay::to_string(dtype), assay::to_string(shape), assay::to_string(expected.dtype),
         assay::to_string(expected.shape));
  if (element_count(shape) == 0)
    fail(ExitCode::Error, "comparison of '{}': no element to compare", expected.name);
  const auto count = static_cast<std::size_t>(element_count(shape));
  if (!expected.bits && (expected.values.size() != count || expected.magnitude.size() != count))
    fail(ExitCode::Error, "comparison of '{}': the reference has {} values and {} magnitudes for {} elements",
         expected.name, expected.values.size(), expected.magnitude.size(), count);
}

// Same infinity, or both NaN.
bool same_special(double got, double want) { return std::isnan(want) ? std::isnan(got) : got == want; }

// Bits for a reference that has only values: exact mode, where the conversion rounds an exact result.
Tensor rounded_reference(const Expected& expected) {
  Tensor bits(expected.name, expected.dtype, expected.shape);
  const std::size_t size = size_of(expected.dtype);
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    const std::uint64_t element = encode(expected.dtype, expected.values[i]);
    std::memcpy(bits.bytes.data() + i * size, &element, size);  // little endian
  }
  return bits;
}

// Judges single elements: by bits where the reference or the mode defines them, else by the bound.
class Judge {
 public:
  Judge(const Expected& expected, const Policy& policy) : expected_(expected), bound_(expected, policy) {
    if (policy.mode == Mode::Bits && !expected.bits)
      fail(ExitCode::Error, "comparison of '{}': bits mode needs a reference to the bit", expected.name);
    if (expected.bits) bits_ = *expected.bits;
    else if (policy.mode == Mode::Exact) bits_ = rounded_reference(expected);
  }

  double reference(std::size_t i) const {
    return bits_ ? decode(expected_.dtype, element_bits(*bits_, i)) : expected_.values[i];
  }
  std::uint64_t reference_bits(std::size_t i) const {
    return bits_ ? element_bits(*bits_, i) : encode(expected_.dtype, expected_.values[i]);
  }
  double bound(std::size_t i) const {
    return bits_ ? 0 : bound_.distance(expected_.values[i], expected_.magnitude[i]);
  }
  bool accepts(std::uint64_t bits, double value, std::size_t i) const {
    return bits_ ? bits == element_bits(*bits_, i) : fits(value, i);
  }
  // By value alone: would this value, whatever element it comes from, be right here?
  bool fits(double value, std::size_t i) const {
    const double want = reference(i);
    if (!std::isfinite(want)) return same_special(value, want);
    if (bits_) return value == want;
    const double magnitude = expected_.magnitude[i];
    if (!bound_.judgeable(magnitude))
      fail(
          ExitCode::Error,
          "comparison of '{}': element {} has a sum of magnitudes of {:.3g}, beyond the accumulator's range; "
          "use bits mode for such data",
          expected_.name, i, magnitude);
    return bound_.accepts(value, want, magnitude);
  }

 private:
  const Expected& expected_;
  Bound bound_;
  std::optional<Tensor> bits_;
};

double ulps_between(DType type, double got, double want) {
  if (got == want || (std::isnan(got) && std::isnan(want))) return 0;
  if (!std::isfinite(got) || !std::isfinite(want)) return kInfinity;
  return std::fabs(got - want) / ulp_at(type, want);
}

double in_bounds(double error, double bound) {
  if (error == 0) return 0;
  return bound > 0 ? error / bound : kInfinity;
}

// Running totals of what is reported beside the verdict.
class Statistics {
 public:
  void add(double got, double want) {
    if (!std::isfinite(got) || !std::isfinite(want)) return;
    dot_ += got * want;
    got_ += got * got;
    want_ += want * want;
    noise_ += (got - want) * (got - want);
  }
  void finish(Comparison& result) const {
    const double norm = std::sqrt(got_) * std::sqrt(want_);
    result.cosine = norm > 0 ? dot_ / norm : (got_ == want_ ? 1 : 0);
    result.snr_db = noise_ > 0 ? 10 * std::log10(want_ / noise_) : kInfinity;
  }

 private:
  double dot_ = 0, got_ = 0, want_ = 0, noise_ = 0;
};

// The first row that does not sum to 1, in words; empty where all do, or hold a NaN, which is judged apart.
std::string unit_rows_problem(const UnitRows& rows, const std::vector<double>& values) {
  for (std::size_t row = 0; row < values.size() / rows.length; ++row) {
    const double* first = &values[row / rows.inner * rows.length * rows.inner + row % rows.inner];
    double sum = 0;
    for (std::size_t j = 0; j < rows.length; ++j) sum += first[j * rows.inner];
    if (std::fabs(sum - 1) > rows.bound)
      return fmt::format("row {} sums to 1 {:+.3g}, bound {:.3g}", row, sum - 1, rows.bound);
  }
  return {};
}

Shape index_of(std::int64_t linear, const Shape& shape) {
  Shape index(shape.size());
  for (std::size_t d = shape.size(); d-- > 0;) {
    index[d] = linear % shape[d];
    linear /= shape[d];
  }
  return index;
}

BadElement describe(const Tensor& got, const Judge& judge, std::size_t i) {
  BadElement bad;
  bad.linear = static_cast<std::int64_t>(i);
  bad.index = index_of(bad.linear, got.shape);
  bad.got_bits = element_bits(got, i);
  bad.expected_bits = judge.reference_bits(i);
  bad.got = decode(got.dtype, bad.got_bits);
  bad.expected = judge.reference(i);
  bad.bound = std::isfinite(bad.expected) ? judge.bound(i) : 0;
  bad.ulps = ulps_between(got.dtype, bad.got, bad.expected);
  return bad;
}

}  // namespace

std::string_view to_string(Mode mode) {
  switch (mode) {
    case Mode::Bits: return "bits";
    case Mode::Exact: return "exact";
    case Mode::Real: return "real";
  }
  return "?";
}

Mode parse_mode(std::string_view name) {
  for (const Mode mode : {Mode::Bits, Mode::Exact, Mode::Real})
    if (to_string(mode) == name) return mode;
  fail(ExitCode::Usage, "unknown mode '{}'; {}", name, expected_one_of(name, {"bits", "exact", "real"}));
}

Comparison compare(const Tensor& got, const Expected& expected, const Policy& policy) {
  check_comparable(expected, got.dtype, got.shape);
  const Judge judge(expected, policy);
  const std::vector<double> values = decode(got);
  Comparison result;
  Statistics statistics;
  std::vector<std::size_t> wrong;
  result.elements = static_cast<std::int64_t>(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double want = judge.reference(i);
    statistics.add(values[i], want);
    if (std::isfinite(want) && std::isfinite(values[i])) {
      const double error = std::fabs(values[i] - want);
      if (error > 0) {
        result.max_error_in_bounds = std::max(result.max_error_in_bounds, in_bounds(error, judge.bound(i)));
        result.max_ulps = std::max(result.max_ulps, error / ulp_at(got.dtype, want));
      }
    }
    if (!judge.accepts(element_bits(got, i), values[i], i)) wrong.push_back(i);
  }
  statistics.finish(result);
  result.mismatches = static_cast<std::int64_t>(wrong.size());
  if (policy.mode == Mode::Real && expected.unit_rows && wrong.empty())
    result.cause = unit_rows_problem(*expected.unit_rows, values);
  result.passed = wrong.empty() && result.cause.empty();
  if (wrong.empty()) return result;
  result.first = describe(got, judge, wrong.front());
  const Evidence evidence{got.shape,
                          wrong,
                          values,
                          [&](std::size_t i) { return judge.reference(i); },
                          [&](double value, std::size_t i) { return judge.fits(value, i); },
                          policy.tile_rows,
                          policy.tile_cols};
  const Diagnosis diagnosis = diagnose(evidence);
  result.pattern = diagnosis.pattern;
  result.cause = diagnosis.cause;
  return result;
}

Comparison compare(const Expected& a, const Expected& b, const Policy& policy) {
  if (a.bits) return compare(*a.bits, b, policy);
  if (b.bits) return compare(*b.bits, a, policy);
  check_comparable(b, a.dtype, a.shape);
  check_comparable(a, a.dtype, a.shape);
  const Bound bound_a(a, policy);
  const Bound bound_b(b, policy);
  Comparison result;
  Statistics statistics;
  result.elements = element_count(a.shape);
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    const double x = a.values[i];
    const double y = b.values[i];
    statistics.add(x, y);
    const double bound = bound_a.own(a.magnitude[i]) + bound_b.own(b.magnitude[i]);
    const double error = std::fabs(x - y);
    const bool same = std::isfinite(x) && std::isfinite(y) ? error <= bound : same_special(x, y);
    if (std::isfinite(error)) {
      result.max_error_in_bounds = std::max(result.max_error_in_bounds, in_bounds(error, bound));
      result.max_ulps = std::max(result.max_ulps, error / ulp_at(a.dtype, y));
    }
    if (same) continue;
    if (result.mismatches++ == 0) {
      const auto linear = static_cast<std::int64_t>(i);
      result.first = BadElement{linear,
                                index_of(linear, a.shape),
                                x,
                                y,
                                bound,
                                ulps_between(a.dtype, x, y),
                                encode(a.dtype, x),
                                encode(a.dtype, y)};
    }
  }
  statistics.finish(result);
  result.passed = result.mismatches == 0;
  if (!result.passed) result.cause = "two references disagree beyond their own bounds: the suite is wrong";
  return result;
}

Expected recorded_reference(const Tensor& recorded, const Expected& model) {
  check_comparable(model, recorded.dtype, recorded.shape);
  Expected expected = model;
  if (!is_float(recorded.dtype)) {
    expected.bits = recorded;
    return expected;
  }
  if (model.bits)
    fail(ExitCode::Error, "comparison of '{}': a recorded output needs a reference with magnitudes",
         model.name);
  expected.values = decode(recorded);
  return expected;
}

std::string Comparison::to_line() const {
  if (passed)
    return fmt::format("PASS {} elements, largest error {:.3g} of the bound, {:.3g} ulp", elements,
                       max_error_in_bounds, max_ulps);
  std::string line = fmt::format("FAIL {} of {} elements", mismatches, elements);
  if (first)
    line +=
        fmt::format("; first at {}: got {:.9g} (0x{:x}), expected {:.9g} (0x{:x}), bound {:.3g}, {:.4g} ulp",
                    assay::to_string(first->index), first->got, first->got_bits, first->expected,
                    first->expected_bits, first->bound, first->ulps);
  return cause.empty() ? line : line + "; " + cause;
}

}  // namespace assay::golden
