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

inline int mpfr_log2_(mpfr_ptr out, mpfr_srcptr x, mpfr_rnd_t mode) { return mpfr_log2(out, x, mode); }
inline int mpfr_tanh_(mpfr_ptr out, mpfr_srcptr x, mpfr_rnd_t mode) { return mpfr_tanh(out, x, mode); }
inline int mpfr_erf_(mpfr_ptr out, mpfr_srcptr x, mpfr_rnd_t mode) { return mpfr_erf(out, x, mode); }
inline int mpfr_sqrt_(mpfr_ptr out, mpfr_srcptr x, mpfr_rnd_t mode) { return mpfr_sqrt(out, x, mode); }
inline int mpfr_rsqrt(mpfr_ptr out, mpfr_srcptr x, mpfr_rnd_t mode) {
  if (mpfr_zero_p(x) != 0 && mpfr_signbit(x) != 0) return mpfr_set_inf(out, -1), 0;
  return mpfr_rec_sqrt(out, x, mode);
}
// x / (1 + e^-u), or without the x.
inline int mpfr_logistic(mpfr_ptr out, mpfr_srcptr x, mpfr_srcptr u, bool times_x) {
  mpfr_t e;
  mpfr_init2(e, 300);
  mpfr_neg(e, u, MPFR_RNDN);
  mpfr_exp(e, e, MPFR_RNDN);
  mpfr_add_ui(e, e, 1, MPFR_RNDN);
  if (mpfr_inf_p(e) != 0) mpfr_set_si(out, 0, MPFR_RNDN);
  else if (times_x) mpfr_div(out, x, e, MPFR_RNDN);
  else mpfr_ui_div(out, 1, e, MPFR_RNDN);
  mpfr_clear(e);
  return 0;
}
inline int mpfr_sigmoid(mpfr_ptr out, mpfr_srcptr x, mpfr_rnd_t) { return mpfr_logistic(out, x, x, false); }
inline int mpfr_silu(mpfr_ptr out, mpfr_srcptr x, mpfr_rnd_t) { return mpfr_logistic(out, x, x, true); }
inline int mpfr_gelu(mpfr_ptr out, mpfr_srcptr x, mpfr_rnd_t mode) {
  if (mpfr_inf_p(x) != 0 && mpfr_sgn(x) < 0) return mpfr_set_si(out, 0, mode);
  mpfr_t y;
  mpfr_init2(y, 300);
  mpfr_sqrt_ui(y, 2, mode);
  mpfr_div(y, x, y, mode);
  mpfr_neg(y, y, mode);
  mpfr_erfc(y, y, mode);
  mpfr_div_ui(y, y, 2, mode);
  mpfr_mul(out, x, y, mode);
  mpfr_clear(y);
  return 0;
}
// u = 2 sqrt(2 / pi) (x + 0.044715 x^3)
inline int mpfr_gelu_tanh(mpfr_ptr out, mpfr_srcptr x, mpfr_rnd_t mode) {
  mpfr_t u, c;
  mpfr_inits2(300, u, c, nullptr);
  mpfr_sqr(u, x, mode);
  mpfr_mul(u, u, x, mode);
  mpfr_mul_ui(u, u, 44715, mode);
  mpfr_div_ui(u, u, 1000000, mode);
  mpfr_add(u, u, x, mode);
  mpfr_const_pi(c, mode);
  mpfr_ui_div(c, 8, c, mode);
  mpfr_sqrt(c, c, mode);
  mpfr_mul(u, u, c, mode);
  mpfr_logistic(out, x, u, true);
  mpfr_clears(u, c, nullptr);
  return 0;
}

inline long double logistic(long double u) { return 1 / (1 + std::exp(-u)); }
inline double near_silu(double x) { return x < -1000 ? -0.0 : static_cast<double>(x * logistic(x)); }
inline double near_gelu(double x) {
  if (x < -1000) return -0.0;
  return static_cast<double>(x * std::erfc(-x * std::sqrt(0.5L)) / 2);
}
inline double near_gelu_tanh(double x) {
  if (x < -1000) return -0.0;
  const long double y = x;
  return static_cast<double>(
      y * logistic(std::sqrt(8 / 3.14159265358979323846264L) * (y + 0.044715L * y * y * y)));
}

inline const Function kFunctions[] = {
    {"exp2", isa::VectorFunction::exp2, golden::strict::exp2, [](double x) { return std::exp2(x); },
     mpfr_exp2_, 0.53},
    {"reciprocal", isa::VectorFunction::reciprocal, golden::strict::reciprocal,
     [](double x) { return 1 / x; }, mpfr_reciprocal, 0.5},
    {"ceil", isa::VectorFunction::ceil, golden::strict::ceil, [](double x) { return std::ceil(x); },
     mpfr_ceil_, 0},
    {"tanh", isa::VectorFunction::tanh, golden::strict::tanh, [](double x) { return std::tanh(x); },
     mpfr_tanh_, 0.56},
    {"sigmoid", isa::VectorFunction::sigmoid, golden::strict::sigmoid,
     [](double x) { return static_cast<double>(logistic(x)); }, mpfr_sigmoid, 0.55},
    {"silu", isa::VectorFunction::silu, golden::strict::silu, near_silu, mpfr_silu, 0.55},
    {"gelu", isa::VectorFunction::gelu, golden::strict::gelu, near_gelu, mpfr_gelu, 0.55},
    {"gelu_tanh", isa::VectorFunction::gelu_tanh, golden::strict::gelu_tanh, near_gelu_tanh, mpfr_gelu_tanh,
     0.55},
    {"erf", isa::VectorFunction::erf, golden::strict::erf, [](double x) { return std::erf(x); }, mpfr_erf_,
     0.55},
    {"log2", isa::VectorFunction::log2, golden::strict::log2, [](double x) { return std::log2(x); },
     mpfr_log2_, 0.5001},
    {"sqrt", isa::VectorFunction::sqrt, golden::strict::sqrt, [](double x) { return std::sqrt(x); },
     mpfr_sqrt_, 0.5},
    {"rsqrt", isa::VectorFunction::rsqrt, golden::strict::rsqrt, [](double x) { return 1 / std::sqrt(x); },
     mpfr_rsqrt, 0.5},
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
    core::apply(f_.code, {}, y.data(), y.size());
    for (std::size_t i = 0; i < y.size(); ++i) {
      const float x = inputs[i], model = f_.strict(x);
      const bool no_number = std::isnan(x) || (std::isnan(y[i]) && x < 0);  // a logarithm, a root
      if (no_number && std::isnan(y[i]) && bits_of(model) == kCanonicalNan) continue;
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
