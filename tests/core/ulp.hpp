// How far the vector unit's functions are from the exact values, in units in the last place: the spacing of
// f32 at the exact value, 2^-149 at least.
#pragma once

#include <mpfr.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "bits.hpp"
#include "core/vxu/functions.hpp"
#include "golden/strict/functions.hpp"

namespace assay::test {

struct Function {
  const char* name;
  isa::VectorFunction code;
  float (*strict)(float);
  double (*near)(double);  // within 2^-28 ULP of f32, which sampled values confirm by MPFR
  int (*exact)(mpfr_ptr, mpfr_srcptr, mpfr_rnd_t);
  double bound;  // ULP, of docs/numerics.md
};

inline int mpfr_reciprocal(mpfr_ptr out, mpfr_srcptr x, mpfr_rnd_t mode) {
  return mpfr_ui_div(out, 1, x, mode);
}
inline int mpfr_exp2_(mpfr_ptr out, mpfr_srcptr x, mpfr_rnd_t mode) { return mpfr_exp2(out, x, mode); }
inline int mpfr_ceil_(mpfr_ptr out, mpfr_srcptr x, mpfr_rnd_t) { return mpfr_ceil(out, x); }

inline const Function kFunctions[] = {
    {"exp2", isa::VectorFunction::exp2, golden::strict::exp2, [](double x) { return std::exp2(x); },
     mpfr_exp2_, 0.53},
    {"reciprocal", isa::VectorFunction::reciprocal, golden::strict::reciprocal,
     [](double x) { return 1 / x; }, mpfr_reciprocal, 0.5},
    {"ceil", isa::VectorFunction::ceil, golden::strict::ceil, [](double x) { return std::ceil(x); },
     mpfr_ceil_, 0},
};

// |got - exact| in ULP. From 2^128 on only infinity is right.
inline double ulps(float got, double exact) {
  if (!(std::fabs(exact) < 0x1p128)) return std::isinf(got) && (got > 0) == (exact > 0) ? 0 : INFINITY;
  const int exponent = exact == 0 ? -126 : std::max(std::ilogb(exact), -126);
  const double value = std::isinf(got) ? std::copysign(0x1p128, got) : got;
  return std::fabs(std::ldexp(value, 23 - exponent) - std::ldexp(exact, 23 - exponent));
}

// The exact value to 100 bits, rounded to fp64.
class Exact {
 public:
  Exact() { mpfr_inits2(100, x_, y_, nullptr); }
  ~Exact() { mpfr_clears(x_, y_, nullptr); }
  Exact(const Exact&) = delete;
  Exact& operator=(const Exact&) = delete;
  double operator()(const Function& f, double x) {
    mpfr_set_d(x_, x, MPFR_RNDN);
    f.exact(y_, x_, MPFR_RNDN);
    return mpfr_get_d(y_, MPFR_RNDN);
  }

 private:
  mpfr_t x_, y_;
};

// Compares a function with the scalar model bit by bit and with the exact values, and keeps the worst.
class Sweep {
 public:
  explicit Sweep(const Function& function) : f_(function) {}

  bool within_bound() const { return worst <= f_.bound + 0x1p-28; }

  // Empty, or the first difference. Every `sample`th value is also judged by MPFR.
  std::string run(const std::vector<float>& inputs, std::size_t sample) {
    std::vector<float> y = inputs;
    core::apply(f_.code, y.data(), y.size());
    for (std::size_t i = 0; i < y.size(); ++i) {
      const float x = inputs[i], model = f_.strict(x);
      if (std::isnan(x) && std::isnan(y[i]) && bits_of(model) == kCanonicalNan) continue;
      if (bits_of(y[i]) != bits_of(model)) return describe(x, y[i]) + ", model " + hex(model);
      const double reference = f_.near(x);
      if (i % sample == 0 && ulps(y[i], exact_(f_, x)) > f_.bound) return describe(x, y[i]) + ", by MPFR";
      if (const double error = ulps(y[i], reference); !(error <= worst)) {
        worst = error;
        where = x;
      }
      ++values;
    }
    return "";
  }

  std::string summary() {
    return std::string(f_.name) + ": " + std::to_string(values) + " values, largest error " +
           std::to_string(ulps(f_.strict(where), exact_(f_, where))) + " ulp (by MPFR) at " + hex(where);
  }

  std::uint64_t values = 0;
  double worst = 0;
  float where = 1;

 private:
  static std::string hex(float value) {
    char text[48];
    std::snprintf(text, sizeof text, "%a", static_cast<double>(value));
    return text;
  }
  std::string describe(float x, float y) const {
    return std::string(f_.name) + "(" + hex(x) + ") = " + hex(y);
  }

  const Function& f_;
  Exact exact_;
};

}  // namespace assay::test
