#include "golden/strict/functions.hpp"

#include <array>
#include <cstdint>

#include "golden/strict/conversions.hpp"

namespace assay::golden::strict {
namespace {

constexpr std::uint32_t kSign = 0x80000000U;
constexpr std::uint32_t kInfinity = 0x7F800000U;

float infinity(bool negative) { return from_bits((negative ? kSign : 0) | kInfinity); }
float zero(bool negative) { return from_bits(negative ? kSign : 0); }

// floor(a / 2^shift)
std::int64_t floor_shift(std::int64_t a, int shift) {
  const std::int64_t unit = std::int64_t{1} << shift;
  return a >= 0 ? a / unit : -((-a + unit - 1) / unit);
}

// --- exp2 ----------------------------------------------------------------------------------------------

// 2^(i/128) = e^x for x = i ln 2 / 128, by its series in units of 2^-60, then rounded to units of 2^-30.
std::array<std::int64_t, 128> exp2_table() {
  __extension__ using Wide = unsigned __int128;
  constexpr std::uint64_t kLn2 = 799144290325165979;  // ln 2 in units of 2^-60
  std::array<std::int64_t, 128> table{};
  for (std::uint64_t i = 0; i < table.size(); ++i) {
    const Wide x = kLn2 * Wide{i} / 128;
    Wide term = Wide{1} << 60, sum = 0;
    for (std::uint64_t j = 1; term != 0; ++j) {
      sum += term;
      term = (term * x >> 60) / j;
    }
    table[i] = static_cast<std::int64_t>((sum + (Wide{1} << 29)) >> 30);
  }
  return table;
}

float exp2_finite(const Parts& t) {
  if (t.exponent >= 8 - 23) return t.negative ? zero(false) : infinity(false);  // |t| >= 256
  const int shift = t.exponent + 38;
  std::int64_t x = 0;
  if (shift >= 0) x = t.significand << shift;
  else if (shift > -24) x = t.significand >> -shift;
  if (t.negative) x = -x;
  if (x >= std::int64_t{128} << 38) return infinity(false);
  if (x < -(std::int64_t{151} << 38)) return zero(false);

  const Power power = power_of_two(x);
  return rounded(false, static_cast<std::uint64_t>(power.y), power.exponent);
}

// --- reciprocal ----------------------------------------------------------------------------------------

struct ReciprocalEntry {
  std::int64_t k0, k1, k2;
};

std::int64_t nearest_quotient(std::int64_t a, std::int64_t b) { return (2 * a + b) / (2 * b); }

std::array<ReciprocalEntry, 128> reciprocal_table() {
  std::array<ReciprocalEntry, 128> table{};
  for (std::int64_t i = 0; i < 128; ++i) {
    const std::int64_t p = 257 + 2 * i;
    constexpr std::int64_t kOne = 1;
    table[static_cast<std::size_t>(i)] = {
        nearest_quotient(kOne << 37, p),
        nearest_quotient((kOne << 38) * p * p + 3 * (kOne << 36), p * p * p * p),
        nearest_quotient(kOne << 38, p * p * p),
    };
  }
  return table;
}

float reciprocal_finite(const Parts& t) {
  static const std::array<ReciprocalEntry, 128> kTable = reciprocal_table();
  const std::int64_t m = t.significand, d = m % 65536 - 32768;
  const ReciprocalEntry& entry = kTable[static_cast<std::size_t>(m / 65536 - 128)];
  const std::int64_t s = entry.k1 - floor_shift(entry.k2 * d, 15);
  std::int64_t quotient = floor_shift(entry.k0 - floor_shift(s * d, 16), 4);
  std::int64_t rest = (std::int64_t{1} << 48) - quotient * m;
  if (rest < 0) {
    --quotient;
    rest += m;
  } else if (rest >= m) {
    ++quotient;
    rest -= m;
  }
  const std::uint64_t sticky = rest != 0 ? 1 : 0;
  return rounded(t.negative, 2 * static_cast<std::uint64_t>(quotient) + sticky, -49 - t.exponent);
}

// --- ceil ----------------------------------------------------------------------------------------------

float ceil_finite(const Parts& t, float value) {
  if (t.exponent >= 0) return value;
  const int fraction_bits = -t.exponent;
  std::int64_t integer = fraction_bits > 24 ? 0 : t.significand >> fraction_bits;
  const bool exact = fraction_bits <= 24 && (integer << fraction_bits) == t.significand;
  if (!t.negative && !exact) ++integer;
  if (integer == 0) return zero(t.negative);
  return rounded(t.negative, static_cast<std::uint64_t>(integer), 0);
}

}  // namespace

Parts parts_of(float value) {
  const std::uint32_t bits = bits_of(value);
  const int biased = static_cast<int>((bits >> 23) & 0xFF);
  Parts p{(bits & kSign) != 0, bits & 0x7FFFFF, biased == 0 ? -149 : biased - 150};
  if (biased != 0) p.significand |= 1 << 23;
  while (p.significand < 1 << 23) {
    p.significand *= 2;
    --p.exponent;
  }
  return p;
}

float rounded(bool negative, std::uint64_t significand, int exponent) {
  int top = 63;
  while ((significand >> top) == 0) --top;
  const int unit =
      top + exponent - 23 > -149 ? top + exponent - 23 : -149;  // 2^unit: the result's last place
  const int drop = unit - exponent;
  std::uint64_t kept = 0;
  if (drop <= 0) {
    kept = significand << -drop;
  } else if (drop <= top + 1) {
    kept = significand >> drop;
    const std::uint64_t rest = significand - (kept << drop), half = std::uint64_t{1} << (drop - 1);
    if (rest > half || (rest == half && kept % 2 == 1)) ++kept;
  }
  const std::uint64_t bits = (static_cast<std::uint64_t>(unit + 149) << 23) + kept;
  if (bits >= kInfinity) return infinity(negative);
  return from_bits((negative ? kSign : 0) | static_cast<std::uint32_t>(bits));
}

Power power_of_two(std::int64_t x) {
  static const std::array<std::int64_t, 128> kTable = exp2_table();
  constexpr std::int64_t kStep = std::int64_t{1} << 31;
  std::int64_t k = floor_shift(x, 31);
  const std::int64_t over = x - k * kStep;
  if (over > kStep / 2 || (over == kStep / 2 && k % 2 != 0)) ++k;
  const std::int64_t r = x - k * kStep;
  const std::int64_t q = floor_shift((1488523600 + floor_shift(8060664 * r, 32)) * r, 32);
  const std::int64_t n = floor_shift(k, 7), entry = kTable[static_cast<std::size_t>(k - 128 * n)];
  return {entry + floor_shift(entry * q, 37), static_cast<int>(n) - 30};
}

float relu(float t) {
  if (is_nan(t)) return canonical(t);
  return t > 0 ? t : 0.0F;
}

float exp2(float t) {
  const std::uint32_t magnitude = bits_of(t) & ~kSign;
  if (magnitude > kInfinity) return canonical(t);
  if (magnitude == kInfinity) return t > 0 ? t : zero(false);
  return magnitude == 0 ? 1.0F : exp2_finite(parts_of(t));
}

float reciprocal(float t) {
  const std::uint32_t magnitude = bits_of(t) & ~kSign;
  const bool negative = (bits_of(t) & kSign) != 0;
  if (magnitude > kInfinity) return canonical(t);
  if (magnitude == kInfinity) return zero(negative);
  return magnitude == 0 ? infinity(negative) : reciprocal_finite(parts_of(t));
}

float ceil(float t) {
  const std::uint32_t magnitude = bits_of(t) & ~kSign;
  if (magnitude > kInfinity) return canonical(t);
  return magnitude == kInfinity || magnitude == 0 ? t : ceil_finite(parts_of(t), t);
}

}  // namespace assay::golden::strict
