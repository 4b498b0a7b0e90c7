#include "core/vxu/smooth_functions.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "core/clones.hpp"
#include "core/vxu/functions.hpp"

namespace assay::core {
namespace {

constexpr double kLog2e = 0x1.71547652b82fep+0;     // log2 e
constexpr double kLinear = 0x1.26aec21bce759p+1;    // 2 sqrt(2 / pi) log2 e
constexpr double kCubic = 0x1.a5a7cf7572a98p-4;     // 0.044715 of it
constexpr double kRootHalf = 0x1.6a09e667f3bcdp-1;  // sqrt(1/2)
constexpr double kErfSlope = 0x1.20dd750429b6dp+0;  // 2 / sqrt(pi)

// --- Steps ---------------------------------------------------------------------------------------------

template <typename To, typename From>
ASSAY_ALWAYS_INLINE To bit_cast(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

ASSAY_ALWAYS_INLINE std::int32_t high(std::int32_t a, std::int32_t b) {
  return static_cast<std::int32_t>(std::int64_t{a} * b >> 32);
}

// 2^p as exp2 has it, before its rounding; -900 <= p <= 0. Adding kInteger rounds to an integer, which its
// lower bits then are.
ASSAY_ALWAYS_INLINE double power(double p) {
  constexpr double kInteger = 0x1.8p52;
  const double x = (p * 0x1p38 + kInteger) - kInteger;
  const double rounded = x * 0x1p-31 + kInteger;
  const auto k = static_cast<std::int32_t>(bit_cast<std::int64_t>(rounded));
  const auto r = static_cast<std::int32_t>(x - (rounded - kInteger) * 0x1p31);
  const std::int32_t q = high(kExp2Linear + high(kExp2Square, r), r);
  const auto entry = static_cast<std::int32_t>(kExp2Table[k & (kExp2Entries - 1)]);
  const std::int32_t y = entry + (high(entry, q) >> 5);
  return y * bit_cast<double>(static_cast<std::int64_t>((k >> 7) - 30 + 1023) << 52);
}

// |t|, at most `most`; that for NaN too.
ASSAY_ALWAYS_INLINE double size_of(float t, double most) {
  const double a = std::fabs(static_cast<double>(t));
  return a < most ? a : most;
}

ASSAY_ALWAYS_INLINE double at_least(float t, double least) {
  const double x = t;
  return x > least ? x : least;
}

// 1 / (1 + e) where t is not negative, e / (1 + e) where it is.
ASSAY_ALWAYS_INLINE double share(float t, double e) { return (t < 0 ? e : 1.0) / (1 + e); }

// erfc(x) e^(x^2), 0 <= x < 11.4.
ASSAY_ALWAYS_INLINE double scaled_erfc(double x) {
  constexpr double kUnit = 0x1p-40;
  constexpr double kC[] = {1377696929738 * kUnit, -149116984530 * kUnit, -52295293108 * kUnit,
                           142546428640 * kUnit,  -131142785630 * kUnit, 75104483101 * kUnit,
                           -26136677981 * kUnit,  2786710512 * kUnit,    2084129870 * kUnit,
                           -869511993 * kUnit,    -141950181 * kUnit,    137667262 * kUnit,
                           36068040 * kUnit};
  const double w = (x - 3) / (x + 3);
  double sum = kC[12];
  for (int i = 11; i >= 0; --i) sum = sum * w + kC[i];
  return sum / (1 + 2 * x);
}

ASSAY_ALWAYS_INLINE float unless_nan(float t, double result) {
  return t != t ? t : static_cast<float>(result);
}
ASSAY_ALWAYS_INLINE float signed_unless_nan(float t, double result) {
  return unless_nan(t, std::copysign(result, static_cast<double>(t)));
}

// --- Functions -----------------------------------------------------------------------------------------

ASSAY_ALWAYS_INLINE float tanh(float t) {
  const double a = size_of(t, 16), s = a * a;
  const double near =
      a *
      (1 + s * (-1.0 / 3 + s * (2.0 / 15 + s * (-17.0 / 315 + s * (62.0 / 2835 + s * (-1382.0 / 155925))))));
  const double e = power(-(a * (2 * kLog2e)));
  const double far = (1 - e) / (1 + e);
  return signed_unless_nan(t, a < 0.25 ? near : far);
}

ASSAY_ALWAYS_INLINE float sigmoid(float t) {
  return unless_nan(t, share(t, power(-(size_of(t, 128) * kLog2e))));
}

ASSAY_ALWAYS_INLINE float silu(float t) {
  return unless_nan(t, at_least(t, -128) * share(t, power(-(size_of(t, 128) * kLog2e))));
}

ASSAY_ALWAYS_INLINE float gelu_tanh(float t) {
  const double a = size_of(t, 16), e = power(-(a * (kLinear + kCubic * (a * a))));
  return unless_nan(t, at_least(t, -16) * share(t, e));
}

ASSAY_ALWAYS_INLINE float gelu(float t) {
  const double a = size_of(t, 16);
  const double tail = 0.5 * (scaled_erfc(a * kRootHalf) * power(-((a * a) * (0.5 * kLog2e))));
  return unless_nan(t, at_least(t, -16) * (t < 0 ? tail : 1 - tail));
}

ASSAY_ALWAYS_INLINE float erf(float t) {
  const double a = size_of(t, 4), s = a * a;
  const double series =
      1 +
      s * (-1.0 / 3 +
           s * (1.0 / 10 + s * (-1.0 / 42 + s * (1.0 / 216 + s * (-1.0 / 1320 +
                                                                  s * (1.0 / 9360 + s * (-1.0 / 75600)))))));
  const double near = (a * kErfSlope) * series, far = 1 - scaled_erfc(a) * power(-(s * kLog2e));
  return signed_unless_nan(t, a < 0.5 ? near : far);
}

// t = m * 2^e, m from sqrt(1/2) to sqrt 2, and log2 m by the series of the inverse hyperbolic tangent.
ASSAY_ALWAYS_INLINE float log2(float t) {
  constexpr std::uint64_t kBias = 1024;
  const auto bits = bit_cast<std::uint64_t>(static_cast<double>(t));
  const std::uint64_t e = ((bits - bit_cast<std::uint64_t>(kRootHalf) + (kBias << 52)) >> 52) - kBias;
  const auto m = bit_cast<double>(bits - (e << 52));
  const double z = (m - 1) / (m + 1), s = z * z;
  const double series =
      1 + s * (1.0 / 3 + s * (1.0 / 5 + s * (1.0 / 7 + s * (1.0 / 9 + s * (1.0 / 11 + s * (1.0 / 13))))));
  const double result = static_cast<std::int32_t>(e) + (2 * kLog2e) * (z * series);
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const double known = t > 0 ? kInf : t < 0 ? std::numeric_limits<double>::quiet_NaN() : -kInf;
  return unless_nan(t, t > 0 && t < kInf ? result : known);
}

ASSAY_VECTOR_CLONES void tanh(float* t, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) t[i] = tanh(t[i]);
}
ASSAY_VECTOR_CLONES void sigmoid(float* t, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) t[i] = sigmoid(t[i]);
}
ASSAY_VECTOR_CLONES void silu(float* t, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) t[i] = silu(t[i]);
}
ASSAY_VECTOR_CLONES void gelu_tanh(float* t, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) t[i] = gelu_tanh(t[i]);
}
ASSAY_VECTOR_CLONES void gelu(float* t, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) t[i] = gelu(t[i]);
}
ASSAY_VECTOR_CLONES void erf(float* t, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) t[i] = erf(t[i]);
}
ASSAY_VECTOR_CLONES void log2(float* t, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) t[i] = log2(t[i]);
}
ASSAY_VECTOR_CLONES void sqrt(float* t, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) t[i] = std::sqrt(t[i]);
}
ASSAY_VECTOR_CLONES void rsqrt(float* t, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) t[i] = static_cast<float>(1 / std::sqrt(static_cast<double>(t[i])));
}

using Loop = void (*)(float*, std::size_t);

Loop loop_of(isa::VectorFunction function) {
  switch (function) {
    case isa::VectorFunction::tanh: return tanh;
    case isa::VectorFunction::sigmoid: return sigmoid;
    case isa::VectorFunction::silu: return silu;
    case isa::VectorFunction::gelu_tanh: return gelu_tanh;
    case isa::VectorFunction::gelu: return gelu;
    case isa::VectorFunction::erf: return erf;
    case isa::VectorFunction::log2: return log2;
    case isa::VectorFunction::sqrt: return sqrt;
    case isa::VectorFunction::rsqrt: return rsqrt;
    default: return nullptr;
  }
}

}  // namespace

bool is_smooth(isa::VectorFunction function) { return loop_of(function) != nullptr; }

void apply_smooth(isa::VectorFunction function, float* t, std::size_t n) { loop_of(function)(t, n); }

}  // namespace assay::core
