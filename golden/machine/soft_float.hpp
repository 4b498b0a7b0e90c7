// The host's floating point in integers: every operation exact, then rounded once, with RISC-V's flags.
//
// Source: IEEE 754-2008; RISC-V Unprivileged ISA 20191213, chapters 11 and 12 (tininess after rounding,
// canonical NaNs). Values are bit patterns of binary32 or binary64, right-aligned.
#pragma once

#include <cstdint>
#include <initializer_list>

namespace assay::golden::machine {

enum FloatFlag : unsigned { kInexact = 1, kUnderflow = 2, kOverflow = 4, kDivideByZero = 8, kInvalid = 16 };
enum RoundingMode : unsigned { kNearestEven, kTowardZero, kDown, kUp, kNearestAway };

struct FloatFormat {
  int exponent_bits, fraction_bits;

  int bias() const { return (1 << (exponent_bits - 1)) - 1; }
  int least() const { return 1 - bias(); }  // exponent of the smallest normal number
  std::uint64_t infinity() const { return ((std::uint64_t{1} << exponent_bits) - 1) << fraction_bits; }
  std::uint64_t quiet_bit() const { return std::uint64_t{1} << (fraction_bits - 1); }
  std::uint64_t nan() const { return infinity() | quiet_bit(); }
  std::uint64_t sign() const { return std::uint64_t{1} << (exponent_bits + fraction_bits); }
  bool is_nan(std::uint64_t v) const { return (v & (sign() - 1)) > infinity(); }
  bool is_signalling(std::uint64_t v) const { return is_nan(v) && (v & quiet_bit()) == 0; }
  bool is_infinite(std::uint64_t v) const { return (v & (sign() - 1)) == infinity(); }
  bool is_zero(std::uint64_t v) const { return (v & (sign() - 1)) == 0; }
  bool is_negative(std::uint64_t v) const { return (v & sign()) != 0; }
};
inline constexpr FloatFormat kSingle{8, 23}, kDouble{11, 52};

class SoftFloat {
 public:
  SoftFloat(FloatFormat format, unsigned mode, unsigned& flags) : f_(format), mode_(mode), flags_(flags) {}

  std::uint64_t add(std::uint64_t a, std::uint64_t b);
  std::uint64_t multiply(std::uint64_t a, std::uint64_t b);
  std::uint64_t divide(std::uint64_t a, std::uint64_t b);
  std::uint64_t root(std::uint64_t a);
  std::uint64_t fma(std::uint64_t a, std::uint64_t b, std::uint64_t c);
  std::uint64_t convert_from(FloatFormat from, std::uint64_t v);
  std::uint64_t from_integer(bool negative, std::uint64_t magnitude);
  // To an integer of `width` bits, as it is in a register of 64 (words sign-extended).
  std::uint64_t to_integer(std::uint64_t v, bool is_signed, unsigned width);

  bool equal(std::uint64_t a, std::uint64_t b);
  bool less(std::uint64_t a, std::uint64_t b, bool or_equal);
  std::uint64_t least_of(std::uint64_t a, std::uint64_t b);
  std::uint64_t greatest_of(std::uint64_t a, std::uint64_t b);
  std::uint64_t classify(std::uint64_t v) const;

 private:
  __extension__ using Wide = unsigned __int128;
  // significand * 2^exponent, the significand not 0 unless the value is.
  struct Number {
    bool negative;
    Wide significand;
    int exponent;
  };

  Number unpack(FloatFormat format, std::uint64_t v) const;
  Wide rounded(Wide significand, int cut, bool rest, bool negative, bool& inexact) const;
  std::uint64_t pack(Number n, bool rest);
  std::uint64_t overflow(bool negative);
  std::uint64_t sum(Number a, Number b);
  std::uint64_t invalid();
  std::uint64_t nan_of(std::initializer_list<std::uint64_t> operands);
  std::uint64_t signed_value(bool negative, std::uint64_t magnitude) const {
    return (negative ? f_.sign() : 0) | magnitude;
  }

  FloatFormat f_;
  unsigned mode_;
  unsigned& flags_;
};

}  // namespace assay::golden::machine
