// "Smooth functions" of docs/numerics.md. Every operation of binary64 there is one here.
#include <cstdint>
#include <cstring>
#include <limits>

#include "golden/strict/conversions.hpp"
#include "golden/strict/functions.hpp"
#include "golden/strict/reduction.hpp"

namespace assay::golden::strict {
namespace {

constexpr double kLog2e = 0x1.71547652b82fep+0;
constexpr float kInf = std::numeric_limits<float>::infinity();

double magnitude(float t, double most) {
  const double a = t < 0 ? -double{t} : double{t};
  return a > most ? most : a;
}
double no_less(float t, double least) { return t < least ? least : double{t}; }
float with_sign_of(float t, double magnitude) {
  return from_bits((bits_of(t) & 0x80000000U) | bits_of(static_cast<float>(magnitude)));
}

// The nearest integer, ties to even; |value| < 2^62.
std::int64_t nearest(double value) {
  auto integer = static_cast<std::int64_t>(value);
  if (value < static_cast<double>(integer)) --integer;  // now the floor
  const double rest = value - static_cast<double>(integer);
  if (rest > 0.5 || (rest == 0.5 && integer % 2 != 0)) ++integer;
  return integer;
}

// POWER(p)
double power(double p) {
  const Power power = power_of_two(nearest(p * 0x1p38));
  const auto biased = static_cast<std::uint64_t>(power.exponent + 1023);
  const std::uint64_t scale_bits = biased << 52;
  double scale = 0;
  std::memcpy(&scale, &scale_bits, sizeof scale);
  return static_cast<double>(power.y) * scale;
}

// S(e)
double share(float t, double e) { return t < 0 ? e / (1 + e) : 1 / (1 + e); }

// H(x)
double scaled_erfc(double x) {
  constexpr std::int64_t kC[13] = {1377696929738, -149116984530, -52295293108, 142546428640, -131142785630,
                                   75104483101,   -26136677981,  2786710512,   2084129870,   -869511993,
                                   -141950181,    137667262,     36068040};
  const double w = (x - 3) / (x + 3);
  double sum = 0;
  for (int i = 12; i >= 0; --i) {
    const double c = static_cast<double>(kC[i]) * 0x1p-40;
    sum = i == 12 ? c : sum * w + c;
  }
  return sum / (1 + 2 * x);
}

// c[0] + s * (c[1] + s * (...))
template <int n>
double horner(const double (&c)[n], double s) {
  double sum = c[n - 1];
  for (int i = n - 2; i >= 0; --i) sum = c[i] + s * sum;
  return sum;
}

__extension__ using Wide = unsigned __int128;

// The largest integer whose square does not exceed `value`.
std::uint64_t root_of(Wide value) {
  std::uint64_t root = 0;
  for (std::uint64_t bit = std::uint64_t{1} << 60; bit != 0; bit >>= 1)
    if (Wide{root + bit} * (root + bit) <= value) root += bit;
  return root;
}

// m * 2^e with e even.
struct Even {
  std::uint64_t m;
  int e;
};
Even even_parts(float t) {
  const Parts p = parts_of(t);
  const auto m = static_cast<std::uint64_t>(p.significand);
  return p.exponent % 2 == 0 ? Even{m, p.exponent} : Even{2 * m, p.exponent - 1};
}

}  // namespace

float tanh(float t) {
  if (is_nan(t)) return canonical(t);
  const double a = magnitude(t, 16);
  if (a < 0.25) {
    const double c[] = {1, -1.0 / 3, 2.0 / 15, -17.0 / 315, 62.0 / 2835, -1382.0 / 155925};
    return with_sign_of(t, a * horner(c, a * a));
  }
  const double e = power(-(a * (2 * kLog2e)));
  return with_sign_of(t, (1 - e) / (1 + e));
}

float sigmoid(float t) {
  if (is_nan(t)) return canonical(t);
  return static_cast<float>(share(t, power(-(magnitude(t, 128) * kLog2e))));
}

float silu(float t) {
  if (is_nan(t)) return canonical(t);
  return static_cast<float>(no_less(t, -128) * share(t, power(-(magnitude(t, 128) * kLog2e))));
}

float gelu_tanh(float t) {
  if (is_nan(t)) return canonical(t);
  const double a = magnitude(t, 16), s = a * a;
  const double e = power(-(a * (0x1.26aec21bce759p+1 + 0x1.a5a7cf7572a98p-4 * s)));
  return static_cast<float>(no_less(t, -16) * share(t, e));
}

float gelu(float t) {
  if (is_nan(t)) return canonical(t);
  const double a = magnitude(t, 16), s = a * a;
  const double tail = 0.5 * (scaled_erfc(a * 0x1.6a09e667f3bcdp-1) * power(-(s * (0.5 * kLog2e))));
  return static_cast<float>(no_less(t, -16) * (t < 0 ? tail : 1 - tail));
}

float erf(float t) {
  if (is_nan(t)) return canonical(t);
  const double a = magnitude(t, 4), s = a * a;
  if (a >= 0.5) return with_sign_of(t, 1 - scaled_erfc(a) * power(-(s * kLog2e)));
  const double c[] = {1, -1.0 / 3, 1.0 / 10, -1.0 / 42, 1.0 / 216, -1.0 / 1320, 1.0 / 9360, -1.0 / 75600};
  return with_sign_of(t, (a * 0x1.20dd750429b6dp+0) * horner(c, s));
}

float log2(float t) {
  if (is_nan(t) || t < 0) return from_bits(kCanonicalNan);
  if (t == 0) return -kInf;
  if (t == kInf) return kInf;
  const Parts p = parts_of(t);
  int e = p.exponent + 23;
  double m = static_cast<double>(p.significand) * 0x1p-23;
  if (m >= 2 * 0x1.6a09e667f3bcdp-1) {
    m *= 0.5;
    ++e;
  }
  const double z = (m - 1) / (m + 1);
  const double c[] = {1, 1.0 / 3, 1.0 / 5, 1.0 / 7, 1.0 / 9, 1.0 / 11, 1.0 / 13};
  return static_cast<float>(e + (2 * kLog2e) * (z * horner(c, z * z)));
}

float sqrt(float t) {
  if (is_nan(t) || t < 0) return from_bits(kCanonicalNan);
  if (t == 0 || t == kInf) return t;
  const Even v = even_parts(t);
  const Wide square = Wide{v.m} << 40;
  const std::uint64_t root = root_of(square), sticky = Wide{root} * root != square ? 1 : 0;
  return rounded(false, 2 * root + sticky, v.e / 2 - 21);
}

float rsqrt(float t) {
  if (t == 0) return from_bits((bits_of(t) & 0x80000000U) | bits_of(kInf));
  if (is_nan(t) || t < 0) return from_bits(kCanonicalNan);
  if (t == kInf) return 0;
  const Even v = even_parts(t);
  const std::uint64_t root = root_of((Wide{1} << 90) / v.m);
  const std::uint64_t sticky = Wide{root} * root * v.m != Wide{1} << 90 ? 1 : 0;
  return rounded(false, 2 * root + sticky, -v.e / 2 - 46);
}

float clip(float t, float lo, float hi) {
  const float least = maximum(t, lo);
  if (is_nan(least) || is_nan(hi)) return from_bits(kCanonicalNan);
  if (least == hi) return bits_of(least) != 0 ? least : hi;
  return least < hi ? least : hi;
}

std::int32_t clip(std::int32_t t, std::int32_t lo, std::int32_t hi) {
  const std::int32_t least = t > lo ? t : lo;
  return least < hi ? least : hi;
}

}  // namespace assay::golden::strict
