// The reference machine's host: its floating point against this processor's, its traps against the manual.
#include <gtest/gtest.h>

#include <array>
#include <cfenv>
#include <cmath>
#include <cstring>
#include <random>

#include "base/error.hpp"
#include "base/machine_yaml.hpp"
#include "golden/machine/reference.hpp"
#include "golden/machine/soft_float.hpp"
#include "isa/abi.h"

namespace assay::golden::machine {
namespace {

template <typename T, typename Bits>
T value_of(Bits bits) {
  T value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
template <typename Bits, typename T>
Bits bits_of(T value) {
  Bits bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

constexpr std::array kModes{FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};  // by RISC-V's numbers

unsigned native_flags() {
  const int raised = std::fetestexcept(FE_ALL_EXCEPT);
  return ((raised & FE_INEXACT) != 0 ? kInexact : 0U) | ((raised & FE_UNDERFLOW) != 0 ? kUnderflow : 0U) |
         ((raised & FE_OVERFLOW) != 0 ? kOverflow : 0U) |
         ((raised & FE_DIVBYZERO) != 0 ? kDivideByZero : 0U) | ((raised & FE_INVALID) != 0 ? kInvalid : 0U);
}

template <typename T, typename Bits>
class FloatPair {
 public:
  explicit FloatPair(FloatFormat format) : format_(format) {}

  // Small and huge exponents, subnormals, specials.
  Bits operand() {
    const auto any = static_cast<Bits>(random_());
    const auto fraction = static_cast<Bits>((Bits{1} << format_.fraction_bits) - 1);
    const auto sign = static_cast<Bits>(any & format_.sign());
    switch (random_() % 8) {
      case 0: return static_cast<Bits>(sign | (any & fraction));
      case 1: return static_cast<Bits>(sign | format_.infinity() | (random_() % 2 != 0 ? any & fraction : 0));
      case 2: return sign;
      case 3:
      case 4: return static_cast<Bits>(sign | bits_of<Bits>(T{1}) | (any & fraction & ~Bits{0xFFF}));
      default: return any;
    }
  }

  template <typename Native, typename Soft>
  void compare(const char* what, Native native, Soft soft, int count) {
    for (int n = 0; n < count; ++n) {
      const unsigned mode = static_cast<unsigned>(random_() % 4);
      const Bits a = operand(), b = operand(), c = operand();
      std::fesetround(kModes[mode]);
      std::feclearexcept(FE_ALL_EXCEPT);
      const volatile T x = value_of<T>(a), y = value_of<T>(b), z = value_of<T>(c);
      const volatile T result = native(x, y, z);
      const unsigned expected_flags = native_flags();
      std::fesetround(FE_TONEAREST);
      unsigned flags = 0;
      SoftFloat unit(format_, mode, flags);
      const auto got = static_cast<Bits>(soft(unit, a, b, c));
      const T plain = result;
      const Bits expected = std::isnan(plain) ? static_cast<Bits>(format_.nan()) : bits_of<Bits>(plain);
      ASSERT_EQ(got, expected) << what << std::hex << " " << a << " " << b << " " << c << " mode " << mode;
      // A fused zero times infinity with a NaN: x86 may leave the flag out, RISC-V may not.
      const bool open = format_.is_nan(c) && flags == kInvalid;
      if (!open) {
        ASSERT_EQ(flags, expected_flags)
            << what << std::hex << " " << a << " " << b << " " << c << " mode " << mode;
      }
    }
  }

 private:
  FloatFormat format_;
  std::mt19937_64 random_{1};
};

template <typename T, typename Bits>
void compare_all(FloatFormat format) {
  FloatPair<T, Bits> pair(format);
  constexpr int kCount = 200'000;
  pair.compare(
      "add", [](T a, T b, T) { return a + b; },
      [](SoftFloat& u, auto a, auto b, auto) { return u.add(a, b); }, kCount);
  pair.compare(
      "mul", [](T a, T b, T) { return a * b; },
      [](SoftFloat& u, auto a, auto b, auto) { return u.multiply(a, b); }, kCount);
  pair.compare(
      "div", [](T a, T b, T) { return a / b; },
      [](SoftFloat& u, auto a, auto b, auto) { return u.divide(a, b); }, kCount);
  pair.compare(
      "sqrt", [](T a, T, T) { return std::sqrt(a); },
      [](SoftFloat& u, auto a, auto, auto) { return u.root(a); }, kCount);
  pair.compare(
      "fma", [](T a, T b, T c) { return std::fma(a, b, c); },
      [](SoftFloat& u, auto a, auto b, auto c) { return u.fma(a, b, c); }, kCount);
}

TEST(SoftFloat, IsTheProcessorsInSingle) { compare_all<float, std::uint32_t>(kSingle); }
TEST(SoftFloat, IsTheProcessorsInDouble) { compare_all<double, std::uint64_t>(kDouble); }

TEST(SoftFloat, RoundsTiesAwayWhereAsked) {
  unsigned flags = 0;
  SoftFloat away(kSingle, kNearestAway, flags), even(kSingle, kNearestEven, flags);
  const std::uint64_t one = 0x3F800000, half_ulp = 0x33800000;  // 1, 2^-24
  EXPECT_EQ(away.add(one, half_ulp), 0x3F800001U);
  EXPECT_EQ(even.add(one, half_ulp), 0x3F800000U);
  EXPECT_EQ(away.to_integer(0x3F000000, true, 32), 1U);  // 0.5
  EXPECT_EQ(even.to_integer(0x3F000000, true, 32), 0U);
}

TEST(SoftFloat, ConvertsToIntegersAsTheManualSays) {
  unsigned flags = 0;
  SoftFloat unit(kDouble, kNearestEven, flags);
  EXPECT_EQ(unit.to_integer(kDouble.nan(), true, 32), 0x7FFFFFFFU);
  EXPECT_EQ(unit.to_integer(bits_of<std::uint64_t>(-1.0), false, 64), 0U);
  EXPECT_EQ(unit.to_integer(bits_of<std::uint64_t>(4294967295.0), false, 32),
            ~std::uint64_t{0});  // sign-extended
  EXPECT_EQ(flags, kInvalid);
}

// ---------------------------------------------------------------------------------------------- the host

class Program {
 public:
  explicit Program(const std::vector<std::uint32_t>& words)
      : machine_(find_machine("tests/tiny4")), reference_(machine_) {
    std::int64_t at = 0x1000;
    for (const std::uint32_t word : words) {
      const unsigned bytes = (word & 3) == 3 ? 4 : 2;
      reference_.memories().store({Space::tcm, at}, bytes, word);
      at += bytes;
    }
    reference_.set_pc(ASSAY_TEXT_BASE);
  }
  ReferenceResult run() { return reference_.run(1000); }
  const Hart& hart() const { return reference_.hart(); }

 private:
  Machine machine_;
  ReferenceMachine reference_;
};

TEST(ReferenceHart, CompressedInstructionsExpand) {
  // c.li a0, 5; c.addi a0, -1; c.mv a1, a0; c.add a1, a0; c.slli a1, 3; ecall without a handler
  Program program({0x4515, 0x157D, 0x85AA, 0x95AA, 0x058E, 0x00000073});
  const ReferenceResult result = program.run();
  EXPECT_EQ(result.end, End::trap);
  EXPECT_EQ(program.hart().x[10], 4U);
  EXPECT_EQ(program.hart().x[11], 64U);
  EXPECT_EQ(program.hart().mcause, kEcall);
  EXPECT_EQ(program.hart().retired, 5U);
}

TEST(ReferenceHart, FloatingPointIsIllegalUntilItIsOn) {
  Program program({0x02007053});  // fadd.d ft0, ft0, ft0
  program.run();
  EXPECT_EQ(program.hart().mcause, kIllegal);
  EXPECT_EQ(program.hart().mtval, 0x02007053U);
}

TEST(ReferenceHart, AnOperandOutOfItsRangeTraps) {
  Program program({0x0400300B});  // fence.ai zero: no engine
  program.run();
  EXPECT_EQ(program.hart().mcause, kAiOperand);
  EXPECT_EQ(program.hart().mtval, 0U);
}

TEST(ReferenceHart, TimeIsRefusedByName) {
  Program program({0xC0002573});  // rdcycle a0
  EXPECT_THROW(program.run(), Error);
}

}  // namespace
}  // namespace assay::golden::machine
