#include "golden/attention_error.hpp"

#include <algorithm>
#include <cmath>

#include "golden/formats.hpp"

namespace assay::golden {
namespace {

constexpr double kUnit = 0x1p-24, kLog2e = 1.4426950408889634, kJudgeable = 0x1p24;

DType weight_type(DType type) { return type == DType::s8 ? DType::bf16 : type; }

// How far P may be off where it underflows, doubled, in units of kUnit: 1 / sum is at most 2, or 2^-7 for
// e4m3.
double underflow_of(DType type) {
  return 4 * half_smallest(weight_type(type)) / kUnit * (type == DType::e4m3 ? 0x1p-8 : 1);
}

// exp(x) - 1 in units of kUnit, as x is, or slightly more: for x <= 1, e^x - 1 <= x + x^2.
double grown(double units) {
  const double x = units * kUnit;
  return x <= 1 ? units * (1 + x) : std::expm1(x) / kUnit;
}

}  // namespace

double score_error(const AttentionView& view, DType type, double size, double scaled, double capped,
                   double masked) {
  const double depth = static_cast<double>(view.depth);
  double error = std::fabs(double{view.scale}) * depth * (size + 0x1p-126) / (1 - depth * kUnit);
  if (type == DType::s8) error = std::fabs(scaled);  // an exact product, then its own multiplication
  if (view.softcap != 0) {
    error += 2 * std::fabs(scaled);                                    // scale / softcap, and its product
    error += 2 * std::fabs(capped) + double{view.softcap} * 0x1p-100;  // tanh within 0.53 ULP
  }
  if (view.added_mask) error += std::isinf(masked) ? 0 : std::fabs(masked);
  return error;
}

void weigh_values(const AttentionView& view, DType type, const QueryScores& scores,
                  std::vector<double>& weights) {
  double error = 0;
  for (const std::size_t j : scores.seen) {
    const double p = scores.p[j], distance = p > 0 ? scores.greatest - scores.x[j] : 0;
    const double own =
        scores.errors[j] + 2.224 * distance + 1 + kUnit * kLog2e * std::fabs(scores.greatest) + 1.06;
    weights[j] = p > 0 ? grown(own) : 0;
    error += p * weights[j];
  }
  const auto n = static_cast<double>(scores.seen.size());
  const double chain = n / (1 - n * kUnit), added = std::ceil(n / 64) + 6,
               narrowed = type == DType::f32 ? 0 : unit_roundoff(weight_type(type)) / kUnit;
  const double common = (error + chain + added + narrowed + 4) * (1 + 0x1p-7);  // second-order terms
  // A weight of u8 is off by half a unit of 128 at most, or by twice that of the sum.
  const double absolute = view.byte_weights ? 0x1p-7 / kUnit : underflow_of(type);
  for (const std::size_t j : scores.seen) weights[j] = scores.p[j] * (weights[j] + common) + absolute;
}

bool judgeable_score(double greatest) { return std::fabs(greatest) <= kJudgeable; }

}  // namespace assay::golden
