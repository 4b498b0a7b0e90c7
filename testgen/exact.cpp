// EXACT mode: how large integer operands may be (docs/numerics.md, "EXACT mode").
#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "golden/formats.hpp"
#include "ops/gemm/gemm_spec.hpp"
#include "testgen/data.hpp"

namespace assay::testgen {
namespace {

constexpr std::int32_t kLargest = 16;
constexpr double kExactIntegers = 0x1p24;  // fp32 holds every integer up to here

// The largest power of two that divides a factor: its unit in the last place. 1 for 0.
double unit_of(double factor) {
  if (factor == 0) return 1;
  int exponent = 0;
  double fraction = std::frexp(std::fabs(factor), &exponent);
  while (fraction != std::floor(fraction)) {
    fraction *= 2;
    --exponent;
  }
  return std::ldexp(1, exponent);
}

}  // namespace

std::int32_t exact_limit(const ops::Problem& problem) {
  const ops::GemmForm form = ops::gemm_form(problem);
  if (!is_float(form.operand)) return kLargest;
  const auto k = static_cast<double>(form.k);
  const double alpha = form.alpha;
  const double beta = form.has_c ? static_cast<double>(form.beta) : 0;
  const double unit = std::min({1.0, unit_of(alpha), unit_of(beta)});
  // Largest sum that a limit q leads to, before and after the epilogue.
  const auto products = [&](double q) { return k * q * q; };
  const auto result = [&](double q) { return std::fabs(alpha) * k * q * q + std::fabs(beta) * q; };
  const double finite = golden::largest_finite(form.out);
  std::int32_t limit = 0;
  for (std::int32_t q = 1; q <= kLargest; ++q) {
    const bool exact = products(q) <= kExactIntegers && result(q) / unit <= kExactIntegers;
    if (exact && (q == 1 || result(q) <= finite)) limit = q;  // no overflow where it can be avoided
  }
  if (limit == 0)
    fail(ExitCode::Usage,
         "{}: exact mode: with K = {}, alpha = {} and beta = {} not even operands of 1 and -1 keep every sum "
         "exact "
         "in fp32; use a smaller K, or factors with few significant bits",
         problem.op, form.k, form.alpha, form.beta);
  return limit;
}

}  // namespace assay::testgen
