#include "golden/machine/soft_float.hpp"

#include <algorithm>
#include <utility>

namespace assay::golden::machine {
namespace {

__extension__ using Wide = unsigned __int128;

int top_bit(Wide value) {
  int top = 127;
  while ((value >> top) == 0) --top;
  return top;
}

// value >> by, the last bit set where something was cut off.
Wide shifted_to_odd(Wide value, int by) {
  if (by == 0) return value;
  if (by > 127) return value != 0 ? 1 : 0;
  const Wide kept = value >> by;
  return kept << by == value ? kept : kept | 1;
}

}  // namespace

SoftFloat::Number SoftFloat::unpack(FloatFormat format, std::uint64_t v) const {
  const std::uint64_t fraction = v & ((std::uint64_t{1} << format.fraction_bits) - 1);
  const auto field = static_cast<int>(v >> format.fraction_bits & ((1U << format.exponent_bits) - 1));
  const std::uint64_t hidden = field == 0 ? 0 : std::uint64_t{1} << format.fraction_bits;
  return {format.is_negative(v), hidden | fraction,
          std::max(field, 1) - format.bias() - format.fraction_bits};
}

// significand / 2^cut by the rounding mode; `rest`: something lies below it.
SoftFloat::Wide SoftFloat::rounded(Wide significand, int cut, bool rest, bool negative, bool& inexact) const {
  if (cut <= 0) {
    inexact = rest;
    significand <<= -cut;
    const bool up = rest && ((mode_ == kUp && !negative) || (mode_ == kDown && negative));
    return significand + (up ? 1 : 0);
  }
  const Wide kept = cut > 127 ? 0 : significand >> cut;
  const Wide lost = cut > 127 ? significand : significand - (kept << cut);
  inexact = lost != 0 || rest;
  bool up = false;
  const Wide half = cut > 127 ? ~Wide{0} : Wide{1} << (cut - 1);
  const bool above = lost > half || (lost == half && rest);
  switch (mode_) {
    case kNearestEven: up = above || (lost == half && (kept & 1) != 0); break;
    case kNearestAway: up = above || lost == half; break;
    case kDown: up = negative && inexact; break;
    case kUp: up = !negative && inexact; break;
    default: break;
  }
  return kept + (up ? 1 : 0);
}

std::uint64_t SoftFloat::overflow(bool negative) {
  flags_ |= kOverflow | kInexact;
  const bool to_largest = mode_ == kTowardZero || (mode_ == kDown && !negative) || (mode_ == kUp && negative);
  return signed_value(negative, f_.infinity() - (to_largest ? 1 : 0));
}

std::uint64_t SoftFloat::pack(Number n, bool rest) {
  const int precision = f_.fraction_bits + 1;
  const int top = top_bit(n.significand);
  const int normal_cut = top - (precision - 1);
  const int cut = std::max(normal_cut, f_.least() - f_.fraction_bits - n.exponent);
  bool inexact = false;
  const Wide kept = rounded(n.significand, cut, rest, n.negative, inexact);
  // Tiny: below the normal numbers even when rounded as if exponents had no end.
  bool ignored = false;
  const bool carries = rounded(n.significand, normal_cut, rest, n.negative, ignored) >> precision != 0;
  const bool tiny = n.exponent + top + (carries ? 1 : 0) < f_.least();
  if (inexact) flags_ |= kInexact | (tiny ? kUnderflow : 0U);
  if (kept == 0) return signed_value(n.negative, 0);
  const int unit = n.exponent + cut;  // the last place's exponent
  if (unit + top_bit(kept) > f_.bias()) return overflow(n.negative);
  // A carry out of the fraction goes into the exponent's field by itself.
  const auto field = static_cast<std::uint64_t>(unit + f_.fraction_bits - f_.least());
  return signed_value(n.negative, (field << f_.fraction_bits) + static_cast<std::uint64_t>(kept));
}

std::uint64_t SoftFloat::invalid() {
  flags_ |= kInvalid;
  return f_.nan();
}

std::uint64_t SoftFloat::nan_of(std::initializer_list<std::uint64_t> operands) {
  for (const std::uint64_t v : operands)
    if (f_.is_signalling(v)) flags_ |= kInvalid;
  return f_.nan();
}

// Neither is infinite.
std::uint64_t SoftFloat::sum(Number a, Number b) {
  if (a.significand == 0 && b.significand == 0) {
    const bool negative = a.negative == b.negative ? a.negative : mode_ == kDown;
    return signed_value(negative, 0);
  }
  if (b.significand == 0) return pack(a, false);
  if (a.significand == 0) return pack(b, false);
  constexpr int kTop = 124;
  for (Number* n : {&a, &b}) {
    const int shift = kTop - top_bit(n->significand);
    n->significand <<= shift;
    n->exponent -= shift;
  }
  if (a.exponent < b.exponent) std::swap(a, b);
  b.significand = shifted_to_odd(b.significand, a.exponent - b.exponent);
  if (a.negative == b.negative) return pack({a.negative, a.significand + b.significand, a.exponent}, false);
  if (a.significand == b.significand) return signed_value(mode_ == kDown, 0);
  if (a.significand > b.significand)
    return pack({a.negative, a.significand - b.significand, a.exponent}, false);
  return pack({b.negative, b.significand - a.significand, a.exponent}, false);
}

std::uint64_t SoftFloat::add(std::uint64_t a, std::uint64_t b) {
  if (f_.is_nan(a) || f_.is_nan(b)) return nan_of({a, b});
  if (f_.is_infinite(a) && f_.is_infinite(b)) return a == b ? a : invalid();
  if (f_.is_infinite(a)) return a;
  if (f_.is_infinite(b)) return b;
  return sum(unpack(f_, a), unpack(f_, b));
}

std::uint64_t SoftFloat::multiply(std::uint64_t a, std::uint64_t b) {
  if (f_.is_nan(a) || f_.is_nan(b)) return nan_of({a, b});
  const bool negative = f_.is_negative(a) != f_.is_negative(b);
  if (f_.is_infinite(a) || f_.is_infinite(b))
    return f_.is_zero(a) || f_.is_zero(b) ? invalid() : signed_value(negative, f_.infinity());
  const Number x = unpack(f_, a), y = unpack(f_, b);
  if (x.significand == 0 || y.significand == 0) return signed_value(negative, 0);
  return pack({negative, x.significand * y.significand, x.exponent + y.exponent}, false);
}

std::uint64_t SoftFloat::divide(std::uint64_t a, std::uint64_t b) {
  if (f_.is_nan(a) || f_.is_nan(b)) return nan_of({a, b});
  const bool negative = f_.is_negative(a) != f_.is_negative(b);
  if (f_.is_infinite(a)) return f_.is_infinite(b) ? invalid() : signed_value(negative, f_.infinity());
  if (f_.is_infinite(b)) return signed_value(negative, 0);
  if (f_.is_zero(b)) {
    if (f_.is_zero(a)) return invalid();
    flags_ |= kDivideByZero;
    return signed_value(negative, f_.infinity());
  }
  if (f_.is_zero(a)) return signed_value(negative, 0);
  Number x = unpack(f_, a);
  const Number y = unpack(f_, b);
  const int shift = 124 - top_bit(x.significand);
  x.significand <<= shift;
  const Wide quotient = x.significand / y.significand;
  return pack({negative, quotient, x.exponent - shift - y.exponent},
              quotient * y.significand != x.significand);
}

std::uint64_t SoftFloat::root(std::uint64_t a) {
  if (f_.is_nan(a)) return nan_of({a});
  if (f_.is_zero(a)) return a;
  if (f_.is_negative(a)) return invalid();
  if (f_.is_infinite(a)) return a;
  Number x = unpack(f_, a);
  int shift = 122 - top_bit(x.significand);
  if ((x.exponent - shift) % 2 != 0) ++shift;
  x.significand <<= shift;
  Wide result = 0;
  for (int bit = 62; bit >= 0; --bit) {
    const Wide trial = result | Wide{1} << bit;
    if (trial * trial <= x.significand) result = trial;
  }
  return pack({false, result, (x.exponent - shift) / 2}, result * result != x.significand);
}

std::uint64_t SoftFloat::fma(std::uint64_t a, std::uint64_t b, std::uint64_t c) {
  const bool zero_times_infinity =
      (f_.is_infinite(a) && f_.is_zero(b)) || (f_.is_zero(a) && f_.is_infinite(b));
  if (zero_times_infinity) return invalid();
  if (f_.is_nan(a) || f_.is_nan(b) || f_.is_nan(c)) return nan_of({a, b, c});
  const bool negative = f_.is_negative(a) != f_.is_negative(b);
  if (f_.is_infinite(a) || f_.is_infinite(b)) {
    if (f_.is_infinite(c) && f_.is_negative(c) != negative) return invalid();
    return signed_value(negative, f_.infinity());
  }
  if (f_.is_infinite(c)) return c;
  const Number x = unpack(f_, a), y = unpack(f_, b);
  return sum({negative, x.significand * y.significand, x.exponent + y.exponent}, unpack(f_, c));
}

std::uint64_t SoftFloat::convert_from(FloatFormat from, std::uint64_t v) {
  if (from.is_nan(v)) {
    if (from.is_signalling(v)) flags_ |= kInvalid;
    return f_.nan();
  }
  if (from.is_infinite(v)) return signed_value(from.is_negative(v), f_.infinity());
  if (from.is_zero(v)) return signed_value(from.is_negative(v), 0);
  return pack(unpack(from, v), false);
}

std::uint64_t SoftFloat::from_integer(bool negative, std::uint64_t magnitude) {
  return magnitude == 0 ? 0 : pack({negative, magnitude, 0}, false);
}

std::uint64_t SoftFloat::to_integer(std::uint64_t v, bool is_signed, unsigned width) {
  const bool negative = f_.is_negative(v) && !f_.is_nan(v);
  const std::uint64_t sign_bit = std::uint64_t{1} << (width - 1);
  const std::uint64_t all = sign_bit | (sign_bit - 1);
  const auto in_register = [&](std::uint64_t bits) {  // words are sign-extended, unsigned ones too
    return width == 32 ? static_cast<std::uint64_t>(std::int64_t{static_cast<std::int32_t>(bits)}) : bits;
  };
  const std::uint64_t most = is_signed ? (negative ? sign_bit : sign_bit - 1) : negative ? 0 : all;
  const auto beyond = [&] {
    flags_ |= kInvalid;
    return in_register(most);
  };
  if (f_.is_nan(v) || f_.is_infinite(v)) return beyond();
  if (f_.is_zero(v)) return 0;
  const Number n = unpack(f_, v);
  if (n.exponent + top_bit(n.significand) > 65) return beyond();
  bool inexact = false;
  const Wide magnitude = rounded(n.significand, -n.exponent, false, negative, inexact);
  const Wide limit =
      negative ? (is_signed ? Wide{sign_bit} : Wide{0}) : (is_signed ? Wide{sign_bit} - 1 : Wide{all});
  if (magnitude > limit) return beyond();
  if (inexact) flags_ |= kInexact;
  const auto value = static_cast<std::uint64_t>(magnitude);
  return in_register(negative ? std::uint64_t{0} - value : value);
}

bool SoftFloat::equal(std::uint64_t a, std::uint64_t b) {
  if (f_.is_nan(a) || f_.is_nan(b)) return nan_of({a, b}), false;
  return a == b || (f_.is_zero(a) && f_.is_zero(b));
}

bool SoftFloat::less(std::uint64_t a, std::uint64_t b, bool or_equal) {
  if (f_.is_nan(a) || f_.is_nan(b)) return invalid(), false;
  if (a == b || (f_.is_zero(a) && f_.is_zero(b))) return or_equal;
  if (f_.is_negative(a) != f_.is_negative(b)) return f_.is_negative(a);
  return f_.is_negative(a) ? a > b : a < b;
}

std::uint64_t SoftFloat::least_of(std::uint64_t a, std::uint64_t b) {
  nan_of({a, b});
  if (f_.is_nan(a)) return f_.is_nan(b) ? f_.nan() : b;
  if (f_.is_nan(b)) return a;
  if (f_.is_zero(a) && f_.is_zero(b)) return f_.is_negative(a) ? a : b;
  return less(a, b, false) ? a : b;
}

std::uint64_t SoftFloat::greatest_of(std::uint64_t a, std::uint64_t b) {
  nan_of({a, b});
  if (f_.is_nan(a)) return f_.is_nan(b) ? f_.nan() : b;
  if (f_.is_nan(b)) return a;
  if (f_.is_zero(a) && f_.is_zero(b)) return f_.is_negative(a) ? b : a;
  return less(a, b, false) ? b : a;
}

std::uint64_t SoftFloat::classify(std::uint64_t v) const {
  const bool negative = f_.is_negative(v);
  if (f_.is_nan(v)) return f_.is_signalling(v) ? 1U << 8 : 1U << 9;
  if (f_.is_infinite(v)) return negative ? 1U << 0 : 1U << 7;
  if (f_.is_zero(v)) return negative ? 1U << 3 : 1U << 4;
  const bool subnormal = (v & f_.infinity()) == 0;
  if (subnormal) return negative ? 1U << 2 : 1U << 5;
  return negative ? 1U << 1 : 1U << 6;
}

}  // namespace assay::golden::machine
