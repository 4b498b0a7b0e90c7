#include "golden/activation.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace assay::golden {
namespace {

double logistic(double u) { return 1 / (1 + std::exp(-u)); }

// x * logistic(u), which at -Inf is -0.
double gated(double x, double u) { return x < -1e4 ? -0.0 : x * logistic(u); }

}  // namespace

double Activation::value(double x) const {
  if (name == "none" || std::isnan(x)) return x;
  if (name == "relu") return x > 0 ? x : 0.0;
  if (name == "clip") return std::clamp(x, low, high);
  if (name == "tanh") return std::tanh(x);
  if (name == "sigmoid") return logistic(x);
  if (name == "silu") return gated(x, x);
  if (name == "gelu") return x < -1e4 ? -0.0 : x * std::erfc(-x * std::sqrt(0.5)) / 2;
  if (name == "gelu_tanh") {
    const double pi = 3.14159265358979323846;
    return gated(x, std::sqrt(8 / pi) * (x + 0.044715 * x * x * x));
  }
  fail(ExitCode::Error, "golden: no activation '{}'", name);
}

double Activation::magnitude(double s) const {
  if (name == "none" || name == "relu") return s;
  if (name == "clip") return s + std::max(std::fabs(low), std::fabs(high));
  if (name == "sigmoid") return 2.2 * 0.25 * s + 0.6;
  return 2.2 * 1.13 * s;
}

Activation read_activation(const ops::Problem& problem) {
  Activation a;
  const auto& set = problem.attributes;
  if (const auto* name = set.find("activation")) a.name = std::get<std::string>(*name);
  const auto number = [&](const char* key, double& into) {
    const ops::AttributeValue* value = set.find(key);
    if (value == nullptr) return;
    if (const auto* integer = std::get_if<std::int64_t>(value)) into = static_cast<double>(*integer);
    else into = double{std::get<float>(*value)};
  };
  number("low", a.low);
  number("high", a.high);
  return a;
}

}  // namespace assay::golden
