#include "golden/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/suggest.hpp"
#include "golden/bound.hpp"
#include "golden/by_bound.hpp"
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
  const bool sized = expected.deferred != nullptr || expected.magnitude.size() == count;
  if (!expected.bits && (expected.values.size() != count || !sized))
    fail(ExitCode::Error, "comparison of '{}': the reference has {} values and {} magnitudes for {} elements",
         expected.name, expected.values.size(), expected.magnitude.size(), count);
}

// Same infinity, or both NaN.
bool same_special(double got, double want) { return std::isnan(want) ? std::isnan(got) : got == want; }

// Judges single elements: by bits where the reference or the mode defines them, else by the bound.
class Judge {
 public:
  Judge(const Expected& expected, const Policy& policy)
      : expected_(expected), bound_(expected, policy), magnitudes_(expected) {
    if (policy.mode == Mode::Bits && !expected.bits)
      fail(ExitCode::Error, "comparison of '{}': bits mode needs a reference to the bit", expected.name);
    if (expected.bits) bits_ = *expected.bits;
    else if (policy.mode == Mode::Exact) bits_ = rounded(expected);  // exact mode: an exact result
    else require_judgeable();
  }

  bool by_bits() const { return bits_.has_value(); }
  double reference(std::size_t i) const {
    return bits_ ? decode(expected_.dtype, element_bits(*bits_, i)) : expected_.values[i];
  }
  std::uint64_t reference_bits(std::size_t i) const {
    return bits_ ? element_bits(*bits_, i) : encode(expected_.dtype, expected_.values[i]);
  }
  double bound(std::size_t i) { return bits_ ? 0 : bound_.distance(expected_.values[i], magnitudes_.at(i)); }
  // By value alone: would this value, whatever element it comes from, be right here?
  bool fits(double value, std::size_t i) {
    const double want = reference(i);
    if (!std::isfinite(want))  // as the output conversion leaves it: fp8 saturates
      return same_special(value, bits_ ? want : round_to(expected_.dtype, want));
    return bits_ ? value == want : bound_.accepts(value, want, magnitudes_.at(i));
  }
  const Bound& bounds() const { return bound_; }
  Magnitudes& magnitudes() { return magnitudes_; }

 private:
  void require_judgeable() {
    if (bound_.judgeable(magnitudes_.limit())) return;
    magnitudes_.evaluate_all();
    for (std::size_t i = 0; i < expected_.values.size(); ++i)
      if (std::isfinite(expected_.values[i]) && !bound_.judgeable(magnitudes_.at(i)))
        fail(ExitCode::Error,
             "comparison of '{}': element {} has a sum of magnitudes of {:.3g}, beyond the accumulator's "
             "range; use bits mode for such data",
             expected_.name, i, magnitudes_.at(i));
  }

  const Expected& expected_;
  Bound bound_;
  Magnitudes magnitudes_;
  std::optional<Tensor> bits_;
};

double ulps_between(DType type, double got, double want) {
  if (got == want || (std::isnan(got) && std::isnan(want))) return 0;
  if (!std::isfinite(got) || !std::isfinite(want)) return kInfinity;
  return std::fabs(got - want) / ulp_at(type, want);
}

// S is asked for, and defined, only for finite references.
std::vector<std::size_t> finite_among(const std::vector<std::size_t>& elements,
                                      const std::vector<double>& values) {
  std::vector<std::size_t> finite;
  for (const std::size_t i : elements)
    if (std::isfinite(values[i])) finite.push_back(i);
  return finite;
}

double in_bounds(double error, double bound) {
  if (error == 0) return 0;
  return bound > 0 ? error / bound : kInfinity;
}

void add(Totals& totals, double got, double want) {
  if (!std::isfinite(got) || !std::isfinite(want)) return;
  totals.got_want += got * want;
  totals.got_got += got * got;
  totals.want_want += want * want;
  totals.noise += (got - want) * (got - want);
}

void report(const Totals& t, Comparison& result) {
  const double norm = std::sqrt(t.got_got) * std::sqrt(t.want_want);
  result.cosine = norm > 0 ? t.got_want / norm : (t.got_got == t.want_want ? 1 : 0);
  result.snr_db = t.noise > 0 ? 10 * std::log10(t.want_want / t.noise) : kInfinity;
  result.max_ulps = t.max_ulps;
}

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

// Where the largest error among a rival's elements is more than twice the rival's, in words.
std::string rival_problem(const Rival& rival, const std::vector<double>& values, const Expected& expected) {
  double largest = 0;
  for (const std::size_t i : rival.elements)
    largest = std::max(largest, std::fabs(values[i] - expected.values[i]));
  if (largest <= 2 * rival.largest_error) return {};
  return fmt::format("the largest error is {:.3g}, more than twice the {:.3g} of an unfused implementation",
                     largest, rival.largest_error);
}

Shape index_of(std::int64_t linear, const Shape& shape) {
  Shape index(shape.size());
  for (std::size_t d = shape.size(); d-- > 0;) {
    index[d] = linear % shape[d];
    linear /= shape[d];
  }
  return index;
}

BadElement describe(const Tensor& got, Judge& judge, std::size_t i) {
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

BoundOutcome compare_bits(const std::vector<double>& values, const Tensor& got, const Judge& judge) {
  BoundOutcome outcome;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double want = judge.reference(i);
    add(outcome.totals, values[i], want);
    if (values[i] != want && std::isfinite(values[i]) && std::isfinite(want)) {
      outcome.max_error_in_bounds = kInfinity;
      const double ulps = std::fabs(values[i] - want) / ulp_at(got.dtype, want);
      outcome.totals.max_ulps = std::max(outcome.totals.max_ulps, ulps);
    }
    if (element_bits(got, i) != judge.reference_bits(i)) outcome.wrong.push_back(i);
  }
  return outcome;
}

// A result against a reference, by the REAL bound.
class TensorSubject final : public BoundSubject {
 public:
  TensorSubject(const Tensor& got, const Expected& expected, Judge& judge)
      : got_(got), expected_(expected), judge_(judge) {}

  const std::vector<double>& wanted() const override { return expected_.values; }

  void read(std::size_t first, std::size_t n, double* got, double* e) const override {
    decode(got_, first, n, got);
    const double* s = judge_.magnitudes().known();
    judge_.bounds().errors(&expected_.values[first], s != nullptr ? s + first : nullptr, n, e);
  }

  void expect(std::size_t doubtful, std::size_t among) override {
    judge_.magnitudes().expect(doubtful, among);
  }
  void prepare(const std::vector<std::size_t>& elements) override {
    judge_.magnitudes().evaluate(finite_among(elements, expected_.values));
  }

  Exact judge(double got, std::size_t i) override {
    const double want = expected_.values[i];
    const bool finite = std::isfinite(want) && std::isfinite(got);
    const bool right = judge_.fits(got, i);
    const double error = finite ? in_bounds(std::fabs(got - want), judge_.bound(i)) : 0;
    // Beyond the type's largest value the distance is the saturation's, not the result's.
    return {right, right ? std::min(error, 1.0) : error};
  }

 private:
  const Tensor& got_;
  const Expected& expected_;
  Judge& judge_;
};

// A reference against another, by the sum of their own bounds.
class PairSubject final : public BoundSubject {
 public:
  PairSubject(const Expected& a, const Expected& b, const Policy& policy)
      : a_(a, policy), b_(b, policy), buffer_() {}

  const std::vector<double>& wanted() const override { return b_.expected.values; }

  void read(std::size_t first, std::size_t n, double* got, double* e) const override {
    std::copy_n(a_.expected.values.begin() + static_cast<std::ptrdiff_t>(first), n, got);
    a_.own(first, n, e);
    buffer_.resize(n);
    b_.own(first, n, buffer_.data());
    for (std::size_t i = 0; i < n; ++i) e[i] += buffer_[i];
  }

  void expect(std::size_t doubtful, std::size_t among) override {
    a_.magnitudes.expect(doubtful, among);
    b_.magnitudes.expect(doubtful, among);
  }
  void prepare(const std::vector<std::size_t>& elements) override {
    a_.magnitudes.evaluate(finite_among(elements, a_.expected.values));
    b_.magnitudes.evaluate(finite_among(elements, b_.expected.values));
  }

  Exact judge(double got, std::size_t i) override {
    const double want = b_.expected.values[i];
    if (!std::isfinite(got) || !std::isfinite(want)) return {same_special(got, want), 0};
    const double error = std::fabs(got - want);
    return {error <= bound(i), in_bounds(error, bound(i))};
  }

  double bound(std::size_t i) {
    return a_.bound.own(a_.magnitudes.at(i)) + b_.bound.own(b_.magnitudes.at(i));
  }

 private:
  struct Side {
    Side(const Expected& e, const Policy& policy) : expected(e), bound(e, policy), magnitudes(e) {}
    void own(std::size_t first, std::size_t n, double* e) const {
      const double* s = magnitudes.known();
      bound.own(&expected.values[first], s != nullptr ? s + first : nullptr, n, e);
    }
    const Expected& expected;
    Bound bound;
    Magnitudes magnitudes;
  };

  Side a_, b_;
  mutable std::vector<double> buffer_;
};

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
  Judge judge(expected, policy);
  const bool wants_values = judge.by_bits() || expected.unit_rows || expected.rival;
  std::vector<double> values = wants_values ? decode(got) : std::vector<double>();
  TensorSubject subject(got, expected, judge);
  const BoundOutcome outcome = judge.by_bits()
                                   ? compare_bits(values, got, judge)
                                   : compare_by_bound(subject, Scan(got.dtype, judge.bounds().converts()));
  const std::vector<std::size_t>& wrong = outcome.wrong;
  Comparison result;
  report(outcome.totals, result);
  result.elements = got.elements();
  result.max_error_in_bounds = outcome.max_error_in_bounds;
  result.mismatches = static_cast<std::int64_t>(wrong.size());
  if (policy.mode == Mode::Real && expected.unit_rows && wrong.empty())
    result.cause = unit_rows_problem(*expected.unit_rows, values);
  if (policy.mode == Mode::Real && expected.rival && wrong.empty())
    result.cause = rival_problem(*expected.rival, values, expected);
  result.passed = wrong.empty() && result.cause.empty();
  if (wrong.empty()) return result;
  if (values.empty()) values = decode(got);
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
  PairSubject subject(a, b, policy);
  const BoundOutcome outcome = compare_by_bound(subject, Scan(a.dtype, false));
  Comparison result;
  report(outcome.totals, result);
  result.elements = element_count(a.shape);
  result.max_error_in_bounds = outcome.max_error_in_bounds;
  result.mismatches = static_cast<std::int64_t>(outcome.wrong.size());
  result.passed = outcome.wrong.empty();
  if (result.passed) return result;
  const std::size_t i = outcome.wrong.front();
  const double x = a.values[i], y = b.values[i];
  const double bound = std::isfinite(x) && std::isfinite(y) ? subject.bound(i) : 0;
  const auto linear = static_cast<std::int64_t>(i);
  result.first = BadElement{linear,
                            index_of(linear, a.shape),
                            x,
                            y,
                            bound,
                            ulps_between(a.dtype, x, y),
                            encode(a.dtype, x),
                            encode(a.dtype, y)};
  result.cause = "two references disagree beyond their own bounds: the suite is wrong";
  return result;
}

UlpHistogram ulp_histogram(const Tensor& got, const Expected& expected) {
  check_comparable(expected, got.dtype, got.shape);
  constexpr double kEdges[] = {0, 0.5, 1, 2, 4, 8, 16, 64, 256, 1024, 65536};
  UlpHistogram histogram;
  for (const double edge : kEdges)
    histogram.counts.emplace_back(edge == 0 ? "0" : fmt::format("up to {}", edge), 0);
  histogram.counts.emplace_back("more", 0);
  histogram.counts.emplace_back("not finite, or only one of them", 0);
  const std::vector<double> want = expected.bits ? decode(*expected.bits) : expected.values;
  const std::vector<double> values = decode(got);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double ulps = ulps_between(got.dtype, values[i], want[i]);
    const auto* edge = std::lower_bound(std::begin(kEdges), std::end(kEdges), ulps);
    const std::size_t at = std::isinf(ulps) ? std::size(kEdges) + 1 : static_cast<std::size_t>(edge - kEdges);
    ++histogram.counts[at].second;
  }
  return histogram;
}

Tensor rounded(const Expected& expected) {
  if (expected.bits) return *expected.bits;
  Tensor bits(expected.name, expected.dtype, expected.shape);
  encode(expected.dtype, expected.values.data(), expected.values.size(), bits.bytes.data());
  return bits;
}

Expected recorded_reference(const Tensor& recorded, const Expected& model) {
  check_comparable(model, recorded.dtype, recorded.shape);
  if (!is_float(recorded.dtype) || model.bits) {  // integers, and what is but copied
    Expected expected = model;
    expected.bits = recorded;
    return expected;
  }
  // With every S: a recorded value, itself rounded, may be above it.
  Expected expected = with_magnitudes(model);
  expected.values = decode(recorded);
  expected.rival.reset();  // measured against the model's
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
