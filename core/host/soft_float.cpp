#include "core/host/soft_float.hpp"

#include <algorithm>
#include <limits>
#include <type_traits>

#include "core/host/arithmetic.hpp"

namespace assay::core {
namespace {

// (-1)^negative * significand * 2^(exponent - 126), exact, or with its lowest bit standing for all that
// lies below it ("jammed").
struct Wide {
  bool negative;
  int exponent;
  UInt128 significand;
};
constexpr int kPoint = 126;

UInt128 shift_right_jam(UInt128 value, int amount) {
  if (amount <= 0) return value;
  if (amount >= 128) return value != 0;
  const UInt128 lost = value << (128 - amount);
  return value >> amount | (lost != 0 ? 1 : 0);
}

int leading_zeros(UInt128 value) {
  const auto high = static_cast<std::uint64_t>(value >> 64);
  return high != 0 ? __builtin_clzll(high) : 64 + __builtin_clzll(static_cast<std::uint64_t>(value));
}

// Drops the low `drop` bits (0 to 129). `inexact` says whether anything was lost.
UInt128 round_off(UInt128 value, int drop, bool negative, Rounding rounding, bool& inexact) {
  if (drop == 0) return inexact = false, value;
  const UInt128 kept = drop >= 128 ? 0 : value >> drop;
  const UInt128 rest = drop >= 128 ? value : value << (128 - drop) >> (128 - drop);
  const UInt128 half = drop > 128 ? 0 : UInt128{1} << (drop - 1);
  inexact = rest != 0;
  const bool above = drop <= 128 && rest > half, tie = drop <= 128 && rest == half;
  bool up = false;
  switch (rounding) {
    case Rounding::nearest_even: up = above || (tie && (kept & 1) != 0); break;
    case Rounding::nearest_away: up = above || tie; break;
    case Rounding::down: up = inexact && negative; break;
    case Rounding::up: up = inexact && !negative; break;
    case Rounding::to_zero:
    case Rounding::dynamic: break;
  }
  return kept + (up ? 1 : 0);
}

template <typename F>
F overflow(bool negative, Rounding rounding, std::uint8_t& flags) {
  flags |= kOverflow | kInexact;
  const bool largest = rounding == Rounding::to_zero || (rounding == Rounding::down && !negative) ||
                       (rounding == Rounding::up && negative);
  return with_sign(F::of(F::kInfinity - (largest ? 1 : 0)), negative);
}

// The one place that rounds to a format.
template <typename F>
F rounded(Wide w, Rounding rounding, std::uint8_t& flags) {
  if (w.significand == 0) return with_sign(F::of(0), w.negative);
  const int zeros = leading_zeros(w.significand);
  const UInt128 significand = w.significand << zeros;  // top bit at 127
  const int exponent = w.exponent + 1 - zeros;         // of that bit
  constexpr int kDrop = 128 - F::kPrecision;
  bool inexact = false;
  const UInt128 normal = round_off(significand, kDrop, w.negative, rounding, inexact);
  const bool carried = (normal >> F::kPrecision) != 0;
  if (exponent >= F::kMinExponent) {
    if (exponent + carried > F::kMaxExponent) return overflow<F>(w.negative, rounding, flags);
    if (inexact) flags |= kInexact;
    const int biased = exponent + F::kMaxExponent - 1;  // the hidden bit adds 1
    const auto bits =
        (static_cast<typename F::Bits>(biased) << F::kFractionBits) + static_cast<typename F::Bits>(normal);
    return with_sign(F::of(bits), w.negative);
  }
  const bool tiny = exponent + carried < F::kMinExponent;
  const int drop = std::min(kDrop + F::kMinExponent - exponent, 129);
  const UInt128 subnormal = round_off(significand, drop, w.negative, rounding, inexact);
  if (inexact) flags |= static_cast<std::uint8_t>(tiny ? kInexact | kUnderflow : kInexact);
  return with_sign(F::of(static_cast<typename F::Bits>(subnormal)), w.negative);
}

// A finite value, normalised: the leading bit of a nonzero significand is at kPoint.
template <typename F>
Wide widened(F a) {
  const int biased = static_cast<int>(a.magnitude() >> F::kFractionBits);
  UInt128 significand = a.bits() & F::kFraction;
  if (biased != 0) significand |= F::kHidden;
  if (significand == 0) return {a.negative(), -100000, 0};
  const int exponent = std::max(biased, 1) - F::kMaxExponent;
  const int shift = leading_zeros(significand) - 1;
  return {a.negative(), exponent + kPoint - F::kFractionBits - shift, significand << shift};
}

// The sum of two finite values whose leading bits are at kPoint.
Wide sum(Wide a, Wide b, Rounding rounding) {
  if (a.exponent < b.exponent) std::swap(a, b);
  b.significand = shift_right_jam(b.significand, a.exponent - b.exponent);
  if (a.negative == b.negative) return {a.negative, a.exponent, a.significand + b.significand};
  if (a.significand == b.significand) return {rounding == Rounding::down, 0, 0};
  if (a.significand < b.significand) std::swap(a.significand, b.significand), a.negative = b.negative;
  return {a.negative, a.exponent, a.significand - b.significand};
}

// The product of two finite values, its leading bit at kPoint.
template <typename F>
Wide product(F a, F b) {
  const Wide x = widened(a), y = widened(b);
  const bool negative = x.negative != y.negative;
  if (x.significand == 0 || y.significand == 0) return {negative, -100000, 0};
  // 63 bits each: exact, as the formats have at most 53.
  const UInt128 significand = (x.significand >> 64) * (y.significand >> 64);  // leading bit at 124 or 125
  const int shift = leading_zeros(significand) - 1;
  return {negative, x.exponent + y.exponent + 2 - shift, significand << shift};
}

template <typename F>
F nan_result(bool invalid, std::uint8_t& flags) {
  if (invalid) flags |= kInvalid;
  return F::nan();
}

template <typename F>
F infinity(bool negative) {
  return with_sign(F::of(F::kInfinity), negative);
}

}  // namespace

template <typename F>
F SoftFloat::add(F a, F b) const {
  if (a.is_nan() || b.is_nan()) return nan_result<F>(a.is_signaling() || b.is_signaling(), flags_);
  if (a.is_infinite() && b.is_infinite() && a.negative() != b.negative()) return nan_result<F>(true, flags_);
  if (a.is_infinite()) return a;
  if (b.is_infinite()) return b;
  return rounded<F>(sum(widened(a), widened(b), rounding_), rounding_, flags_);
}

template <typename F>
F SoftFloat::mul(F a, F b) const {
  if (a.is_nan() || b.is_nan()) return nan_result<F>(a.is_signaling() || b.is_signaling(), flags_);
  if (a.is_infinite() || b.is_infinite()) {
    if (a.is_zero() || b.is_zero()) return nan_result<F>(true, flags_);
    return infinity<F>(a.negative() != b.negative());
  }
  return rounded<F>(product(a, b), rounding_, flags_);
}

template <typename F>
F SoftFloat::div(F a, F b) const {
  const bool negative = a.negative() != b.negative();
  if (a.is_nan() || b.is_nan()) return nan_result<F>(a.is_signaling() || b.is_signaling(), flags_);
  if ((a.is_infinite() && b.is_infinite()) || (a.is_zero() && b.is_zero()))
    return nan_result<F>(true, flags_);
  if (a.is_infinite()) return infinity<F>(negative);
  if (b.is_infinite() || a.is_zero()) return with_sign(F::of(0), negative);
  if (b.is_zero()) {
    flags_ |= kDivideByZero;
    return infinity<F>(negative);
  }
  const Wide x = widened(a), y = widened(b);
  const UInt128 divisor = y.significand >> 64;  // leading bit at 62: the quotient has 64 or 65 bits
  const UInt128 quotient = x.significand / divisor, rest = x.significand % divisor;
  return rounded<F>({negative, x.exponent - y.exponent + kPoint - 65, quotient << 1 | (rest != 0 ? 1 : 0)},
                    rounding_, flags_);
}

template <typename F>
F SoftFloat::sqrt(F a) const {
  if (a.is_nan()) return nan_result<F>(a.is_signaling(), flags_);
  if (a.is_zero()) return a;
  if (a.negative()) return nan_result<F>(true, flags_);
  if (a.is_infinite()) return a;
  const Wide x = widened(a);
  const bool odd = x.exponent % 2 != 0;
  const UInt128 radicand = x.significand << (odd ? 1 : 0);  // times 2^(an even exponent - 126)
  UInt128 root = 0;
  for (int bit = 63; bit >= 0; --bit) {
    const UInt128 candidate = root | UInt128{1} << bit;
    if (candidate * candidate <= radicand) root = candidate;
  }
  const UInt128 jam = root * root != radicand ? 1 : 0;
  const int half = (x.exponent - (odd ? 1 : 0)) / 2;
  return rounded<F>({false, half + kPoint / 2 - 1, root << 1 | jam}, rounding_, flags_);
}

template <typename F>
F SoftFloat::fma(F a, F b, F c) const {
  const bool negative = a.negative() != b.negative();
  const bool zero_by_infinity = (a.is_infinite() && b.is_zero()) || (a.is_zero() && b.is_infinite());
  if (a.is_nan() || b.is_nan() || c.is_nan() || zero_by_infinity)
    return nan_result<F>(zero_by_infinity || a.is_signaling() || b.is_signaling() || c.is_signaling(),
                         flags_);
  if (a.is_infinite() || b.is_infinite()) {
    if (c.is_infinite() && c.negative() != negative) return nan_result<F>(true, flags_);
    return infinity<F>(negative);
  }
  if (c.is_infinite()) return c;
  return rounded<F>(sum(product(a, b), widened(c), rounding_), rounding_, flags_);
}

template <typename F>
bool SoftFloat::equal(F a, F b) const {
  if (a.is_signaling() || b.is_signaling()) flags_ |= kInvalid;
  if (a.is_nan() || b.is_nan()) return false;
  return a.bits() == b.bits() || (a.is_zero() && b.is_zero());
}

template <typename F>
bool SoftFloat::less(F a, F b) const {
  if (a.is_nan() || b.is_nan()) return flags_ |= kInvalid, false;
  return ordered_before(a, b) && !(a.is_zero() && b.is_zero());
}

template <typename F>
bool SoftFloat::less_equal(F a, F b) const {
  if (a.is_nan() || b.is_nan()) return flags_ |= kInvalid, false;
  return !ordered_before(b, a) || (a.is_zero() && b.is_zero());
}

template <typename To, typename From>
To SoftFloat::convert(From a) const {
  if (a.is_nan()) return nan_result<To>(a.is_signaling(), flags_);
  if (a.is_infinite()) return infinity<To>(a.negative());
  return rounded<To>(widened(a), rounding_, flags_);
}

template <typename To, typename Int>
To SoftFloat::from_integer(Int value) const {
  const bool negative = value < 0;
  const auto wide = static_cast<UInt128>(static_cast<Int128>(value));
  return rounded<To>({negative, kPoint, negative ? UInt128{0} - wide : wide}, rounding_, flags_);
}

template <typename Int, typename F>
Int SoftFloat::to_integer(F a, Rounding) const {
  using Limits = std::numeric_limits<Int>;
  const Wide w = a.is_nan() || a.is_infinite() ? Wide{} : widened(a);
  const int drop = kPoint - w.exponent;
  if (a.is_nan() || a.is_infinite() || drop < kPoint - 64) {  // far above every integer type
    flags_ |= kInvalid;
    return a.is_nan() || !a.negative() ? Limits::max() : Limits::min();
  }
  bool inexact = false;
  const UInt128 magnitude = round_off(w.significand, std::min(drop, 129), w.negative, rounding_, inexact);
  const UInt128 limit = w.negative ? UInt128{0} - static_cast<UInt128>(static_cast<Int128>(Limits::min()))
                                   : static_cast<UInt128>(Limits::max());
  if (magnitude > limit) {
    flags_ |= kInvalid;
    return w.negative ? Limits::min() : Limits::max();
  }
  if (inexact) flags_ |= kInexact;
  const auto value = static_cast<std::make_unsigned_t<Int>>(magnitude);
  return static_cast<Int>(w.negative ? std::make_unsigned_t<Int>{0} - value : value);
}

#define ASSAY_SOFT_INTEGERS(F, Int)                      \
  template Int SoftFloat::to_integer(F, Rounding) const; \
  template F SoftFloat::from_integer(Int) const;
#define ASSAY_SOFT_FORMAT(F)                       \
  template F SoftFloat::add(F, F) const;           \
  template F SoftFloat::mul(F, F) const;           \
  template F SoftFloat::div(F, F) const;           \
  template F SoftFloat::sqrt(F) const;             \
  template F SoftFloat::fma(F, F, F) const;        \
  template bool SoftFloat::equal(F, F) const;      \
  template bool SoftFloat::less(F, F) const;       \
  template bool SoftFloat::less_equal(F, F) const; \
  ASSAY_SOFT_INTEGERS(F, std::int32_t)             \
  ASSAY_SOFT_INTEGERS(F, std::uint32_t)            \
  ASSAY_SOFT_INTEGERS(F, std::int64_t)             \
  ASSAY_SOFT_INTEGERS(F, std::uint64_t)
ASSAY_SOFT_FORMAT(F32)
ASSAY_SOFT_FORMAT(F64)
template F64 SoftFloat::convert(F32) const;
template F32 SoftFloat::convert(F64) const;

}  // namespace assay::core
