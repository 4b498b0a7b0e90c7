// The multiply-add units of a PE against exact arithmetic (MPFR) and against core/: random operands, corners
// and cancellations, bit for bit.
#include <gtest/gtest.h>
#include <mpfr.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "core/mxu/tile_multiply.hpp"
#include "rtl/pe_model.hpp"

namespace assay {
namespace {

constexpr std::uint32_t kCanonicalNan = 0x7FC00000;

struct Operands {
  std::uint32_t a, b, c;
};

float as_float(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

std::uint32_t as_bits(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}

unsigned operand_bits(DType dtype) { return dtype == DType::f32 ? 32 : 16; }
unsigned fraction_bits(DType dtype) { return dtype == DType::f32 ? 23 : dtype == DType::f16 ? 10 : 7; }

// Exact values, from the formats' definitions.
double widen(DType dtype, std::uint32_t bits) {
  const unsigned places = fraction_bits(dtype), sign_place = operand_bits(dtype) - 1;
  const int bias = dtype == DType::f16 ? 15 : 127;
  const int exponent = static_cast<int>((bits & ~(1U << sign_place)) >> places);
  const std::uint32_t fraction = bits & ((1U << places) - 1);
  const double sign = (bits >> sign_place & 1) != 0 ? -1 : 1;
  if (exponent == 2 * bias + 1) return fraction != 0 ? NAN : sign * INFINITY;
  const double significand = fraction + (exponent != 0 ? 1U << places : 0U);
  return sign * std::ldexp(significand, std::max(exponent, 1) - bias - static_cast<int>(places));
}

// fma rounded once to binary32, by MPFR with the range of binary32.
class Exact {
 public:
  Exact() {
    mpfr_set_emin(-148);
    mpfr_set_emax(128);
    mpfr_inits2(64, a_, b_, c_, static_cast<mpfr_ptr>(nullptr));
    mpfr_init2(r_, 24);
  }
  ~Exact() {
    mpfr_clears(a_, b_, c_, static_cast<mpfr_ptr>(nullptr));
    mpfr_clear(r_);
  }

  std::uint32_t fma(double a, double b, float c) {
    // Operands far below binary32's range are exact all the same: the range is narrowed for the result alone.
    mpfr_set_emin(-1000);
    mpfr_set_d(a_, a, MPFR_RNDN);
    mpfr_set_d(b_, b, MPFR_RNDN);
    mpfr_set_flt(c_, c, MPFR_RNDN);
    int ternary = mpfr_fma(r_, a_, b_, c_, MPFR_RNDN);
    mpfr_set_emin(-148);
    ternary = mpfr_check_range(r_, ternary, MPFR_RNDN);
    mpfr_subnormalize(r_, ternary, MPFR_RNDN);
    return mpfr_nan_p(r_) != 0 ? kCanonicalNan : as_bits(mpfr_get_flt(r_, MPFR_RNDN));
  }

 private:
  mpfr_t a_, b_, c_, r_;
};

// All operands through core's MXU: row i of A against column i of B would be wasteful, so a tile of 1 x 1
// each.
std::uint32_t core_fma(DType dtype, const Operands& o) {
  std::uint32_t acc = o.c;
  core::TileProduct p;
  p.dtype = dtype;
  p.a.data = reinterpret_cast<const std::byte*>(&o.a);
  p.b.data = reinterpret_cast<const std::byte*>(&o.b);
  p.acc = reinterpret_cast<std::byte*>(&acc);
  p.m = p.n = p.k = 1;
  p.accumulate = true;
  core::multiply(p);
  return acc;
}

class Fma : public testing::TestWithParam<DType> {
 protected:
  void check(const Operands& o, const char* kind) {
    const std::uint32_t got = pe.fma(GetParam(), o.a, o.b, o.c);
    const std::uint32_t expected = exact.fma(widen(GetParam(), o.a), widen(GetParam(), o.b), as_float(o.c));
    ++counts[kind];
    count_result(got, o);
    ASSERT_EQ(got, expected) << std::hex << kind << ": fma(" << o.a << ", " << o.b << ", " << o.c
                             << ") = " << got << ", exactly " << expected;
    ASSERT_EQ(core_fma(GetParam(), o), expected)
        << std::hex << kind << ", core: " << o.a << ", " << o.b << ", " << o.c;
  }

  void count_result(std::uint32_t r, const Operands& o) {
    const std::uint32_t magnitude = r & 0x7FFFFFFF;
    if (r == kCanonicalNan) ++counts["result: NaN"];
    else if (magnitude == 0x7F800000) ++counts["result: infinity"];
    else if (magnitude == 0) ++counts["result: zero"];
    else if (magnitude < 0x00800000) ++counts["result: subnormal"];
    if (magnitude < (o.c & 0x7FFFFFFF) / 2) ++counts["result: cancellation"];
  }

  void expect_counts(std::initializer_list<const char*> kinds) {
    for (const auto& [kind, count] : counts)
      std::printf("  %-24s %8llu\n", kind.c_str(), static_cast<unsigned long long>(count));
    for (const char* kind : kinds) EXPECT_GT(counts[kind], 0u) << kind;
  }

  // Any bits; subnormal or zero; or few significant bits, whose products are ties more often.
  std::uint32_t random_operand() {
    const std::uint32_t sign = 1U << (operand_bits(GetParam()) - 1),
                        fraction = (1U << fraction_bits(GetParam())) - 1;
    const std::uint32_t bits = static_cast<std::uint32_t>(random()) & (2 * sign - 1);
    switch (random() % 4) {
      case 0: return bits & (sign | fraction);
      case 1: return GetParam() == DType::f32 ? bits & ~0x7FFU : bits;
      default: return bits;
    }
  }

  // An addend near -a * b: close in exponent, with the product's leading bits or not.
  std::uint32_t near(std::uint32_t a, std::uint32_t b) {
    const double product = widen(GetParam(), a) * widen(GetParam(), b);
    const auto value = static_cast<float>(-product);
    const std::uint32_t bits = as_bits(value);
    switch (random() % 4) {
      case 0: return bits;
      case 1: return bits + static_cast<std::uint32_t>(random() % 5) - 2;
      case 2: return bits ^ static_cast<std::uint32_t>(random() & 0x80FFFFFF);
      default:
        return as_bits(std::ldexp(value, static_cast<int>(random() % 61) - 30)) ^ (random() % 2 == 0 ? 0 : 1);
    }
  }

  rtl::PeModel pe;
  Exact exact;
  std::mt19937_64 random{20261121};
  std::map<std::string, std::uint64_t> counts;
};

// Zero, subnormals, the least and greatest normal numbers, one, infinity, NaNs.
std::vector<std::uint32_t> corners(DType dtype) {
  const std::uint32_t least = 1U << fraction_bits(dtype),
                      infinity = (1U << (operand_bits(dtype) - 1)) - least;
  const std::uint32_t one = dtype == DType::f16 ? 0x3C00 : dtype == DType::bf16 ? 0x3F80 : 0x3F800000;
  return {0,
          1,
          2,
          least - 1,
          least,
          least + 1,
          one - 1,
          one,
          one + 1,
          infinity - 1,
          infinity,
          infinity + 1,
          infinity + least / 2};
}

TEST_P(Fma, CornersOfEveryKindWithOneAnother) {
  const std::vector<std::uint32_t> magnitudes = corners(GetParam());
  const unsigned sign = operand_bits(GetParam()) - 1;
  const std::array<std::uint32_t, 20> addends = {0,          1,          2,          3,          0x007FFFFF,
                                                 0x00800000, 0x00800001, 0x33800000, 0x33800001, 0x3F7FFFFF,
                                                 0x3F800000, 0x3F800001, 0x47800000, 0x7E800000, 0x7F000000,
                                                 0x7F7FFFFF, 0x7F800000, 0x7F800001, 0x7FC00000, 0x7FFFFFFF};
  for (const std::uint32_t a : magnitudes)
    for (const std::uint32_t b : magnitudes)
      for (const std::uint32_t c : addends)
        for (unsigned signs = 0; signs < 8; ++signs)
          ASSERT_NO_FATAL_FAILURE(check(
              {a | (signs & 1) << sign, b | (signs >> 1 & 1) << sign, c | (signs & 4) << 29}, "corners"));
  expect_counts({"corners", "result: NaN", "result: infinity", "result: zero"});
}

TEST_P(Fma, RandomOperands) {
  for (int i = 0; i < 150000; ++i) {
    const std::uint32_t a = random_operand(), b = random_operand();
    ASSERT_NO_FATAL_FAILURE(check({a, b, static_cast<std::uint32_t>(random())}, "random"));
    ASSERT_NO_FATAL_FAILURE(check({a, b, near(a, b)}, "near the product"));
    ASSERT_NO_FATAL_FAILURE(check({a, b, static_cast<std::uint32_t>(random() & 0x80000000)}, "zero addend"));
    ASSERT_NO_FATAL_FAILURE(
        check({a, b, static_cast<std::uint32_t>(random() & 0x80FFFFFF)}, "subnormal or small addend"));
  }
  expect_counts({"random", "near the product", "result: NaN", "result: infinity", "result: zero",
                 "result: cancellation"});
  EXPECT_GE(counts["result: subnormal"], GetParam() == DType::f16 ? 1u : 1000u);
}

INSTANTIATE_TEST_SUITE_P(Pe, Fma, testing::Values(DType::bf16, DType::f16, DType::f32),
                         [](const auto& p) { return std::string(to_string(p.param)); });

// Bytes of either sign less a zero point: nine bits.
TEST(Pe, EveryPairOfNineBitIntegersAndWraparound) {
  rtl::PeModel pe;
  std::mt19937_64 random(1);
  const auto pair = [](int low, int high) {
    return static_cast<std::uint32_t>(low & 0x1FF) | static_cast<std::uint32_t>(high & 0x1FF) << 16;
  };
  for (int a = -256; a < 256; ++a) {
    for (int b = -256; b < 256; ++b) {
      for (const std::uint32_t c : {0x7FFFFFFFu, 0x80000000u, static_cast<std::uint32_t>(random())})
        for (const bool second : {false, true}) {
          const int a1 = static_cast<int>(random() % 512) - 256, b1 = static_cast<int>(random() % 512) - 256;
          ASSERT_EQ(pe.multiply_add_integers(pair(a, a1), pair(b, b1), second, c),
                    c + static_cast<std::uint32_t>(a * b) + static_cast<std::uint32_t>(second ? a1 * b1 : 0))
              << a << " * " << b << " + " << a1 << " * " << b1 << " + " << c;
        }
    }
  }
}

}  // namespace
}  // namespace assay
