// What the comparison with QEMU cannot see of floating point: the two implementations against each other,
// traps, mstatus.FS, and that nobody else's arithmetic is touched. Expected values from IEEE 754 and the
// Unprivileged ISA manual, chapters 11 and 12.
#include <gtest/gtest.h>

#include <cfenv>
#include <random>

#include "core/host/native_float.hpp"
#include "machine.hpp"

namespace assay::test {
namespace {

using core::F32, core::F64, core::FloatState, core::Rounding, core::SoftFloat, core::StopReason;

constexpr unsigned kFflags = 1, kFrm = 2, kFcsr = 3, kMstatus = 0x300;
constexpr std::uint64_t kFloatOn = 3u << 13, kBoxed = 0xffffffff00000000;
enum : std::uint8_t { NX = 1, UF = 2, OF = 4, DZ = 8, NV = 16 };

constexpr std::uint32_t fp(unsigned funct7, unsigned rm, unsigned rd, unsigned rs1, unsigned rs2) {
  return r_type(0x53, rm, funct7, rd, rs1, rs2);
}
constexpr unsigned kAddD = 1, kAddS = 0, kDivD = 13, kMulD = 9;

// A machine with floating point on.
struct FloatMachine : Machine {
  explicit FloatMachine(const Program& program) : Machine(program) {
    host.csrs().write(kMstatus, kFloatOn, {});
  }
  std::uint64_t fcsr() { return *host.csrs().read(kFcsr, {}); }
};

TEST(SoftFloat, RoundsAsEachModeSays) {
  struct {
    Rounding mode;
    std::uint64_t tie, negative_tie, above;  // 1 + 2^-53, -(1 + 2^-53), 1 + 1.5 * 2^-53
  } const kRows[] = {
      {Rounding::nearest_even, 0x3ff0000000000000, 0xbff0000000000000, 0x3ff0000000000001},
      {Rounding::to_zero, 0x3ff0000000000000, 0xbff0000000000000, 0x3ff0000000000000},
      {Rounding::down, 0x3ff0000000000000, 0xbff0000000000001, 0x3ff0000000000000},
      {Rounding::up, 0x3ff0000000000001, 0xbff0000000000000, 0x3ff0000000000001},
      {Rounding::nearest_away, 0x3ff0000000000001, 0xbff0000000000001, 0x3ff0000000000001},
  };
  for (const auto& row : kRows) {
    std::uint8_t flags = 0;
    const SoftFloat soft(row.mode, flags);
    const F64 one{1.0}, tie{0x1p-53}, above{0x1.8p-53};
    EXPECT_EQ(soft.add(one, tie).bits(), row.tie);
    EXPECT_EQ(soft.sub(negated(one), tie).bits(), row.negative_tie);
    EXPECT_EQ(soft.add(one, above).bits(), row.above);
    EXPECT_EQ(flags, NX);
  }
}

TEST(SoftFloat, DetectsTininessAfterRounding) {
  std::uint8_t flags = 0;
  const SoftFloat soft(Rounding::nearest_even, flags);
  EXPECT_EQ(soft.fma(F64{0x1p-1022}, F64{1.0}, F64{-0x1p-1074}).bits(), 0x000fffffffffffffu);
  EXPECT_EQ(flags, 0) << "exact";
  EXPECT_EQ(soft.fma(F64{0x1p-511}, F64{0x1p-511}, F64{-0x1p-1074}).bits(), 0x000fffffffffffffu);
  const F64 nearly = soft.mul(F64::of(0x3fefffffffffffff), F64::of(0x0010000000000001));
  EXPECT_EQ(nearly.bits(), 0x0010000000000000u);
  EXPECT_EQ(flags, NX) << "above the smallest normal";
  // 2^-1022 * (1 - 2^-54): 53 bits round it up to the smallest normal, so it is not tiny.
  EXPECT_EQ(soft.mul(F64{1 - 0x1p-27}, F64{(1 + 0x1p-27) * 0x1p-1022}).bits(), 0x0010000000000000u);
  EXPECT_EQ(flags, NX);
  EXPECT_EQ(soft.mul(F64{0x1p-1022}, F64::of(0x3fefffffffffffff)).bits(), 0x0010000000000000u);
  EXPECT_EQ(flags, NX | UF) << "53 bits would hold it, below the smallest normal: tiny, and inexact";
}

// Sparse fractions at all exponents, and the special values.
template <typename F>
F random_value(std::mt19937_64& random) {
  using Bits = typename F::Bits;
  const Bits sign = random() % 2 != 0 ? F::kSign : 0;
  Bits fraction = static_cast<Bits>(random()) & F::kFraction;
  if (random() % 2 != 0) fraction &= static_cast<Bits>(~Bits{0} << random() % F::kPrecision);
  switch (random() % 9) {
    case 0: return F::of(sign);
    case 1: return F::of(sign | F::kInfinity);
    case 2: return F::of(sign | F::kInfinity | fraction | 1);
    case 3: return F::of(sign | fraction);
    case 4: return F::of(static_cast<Bits>(random()));
    case 5: return F::of(sign | fraction | (F::kInfinity - F::kHidden));
    default: break;
  }
  const int exponent = F::kMaxExponent + static_cast<int>(random() % 140) - 70;
  return F::of(sign | fraction | static_cast<Bits>(exponent) << F::kFractionBits);
}

template <typename F, typename Arithmetic>
std::vector<std::uint64_t> all_operations(const Arithmetic& fp, F a, F b, F c) {
  const auto dynamic = Rounding::dynamic;
  return {fp.add(a, b).bits(),
          fp.sub(a, b).bits(),
          fp.mul(a, b).bits(),
          fp.div(a, b).bits(),
          fp.sqrt(a).bits(),
          fp.fma(a, b, c).bits(),
          fp.equal(a, b),
          fp.less(a, b),
          fp.less_equal(a, b),
          static_cast<std::uint64_t>(fp.template to_integer<std::int32_t>(a, dynamic)),
          fp.template to_integer<std::uint32_t>(a, dynamic),
          static_cast<std::uint64_t>(fp.template to_integer<std::int64_t>(a, dynamic)),
          fp.template to_integer<std::uint64_t>(a, dynamic),
          fp.template from_integer<F>(a.bits()).bits(),
          fp.template from_integer<F>(static_cast<std::int64_t>(std::uint64_t{a.bits()})).bits(),
          fp.template from_integer<F>(static_cast<std::int32_t>(a.bits())).bits()};
}

template <typename F>
void compare_soft_and_native(Rounding mode) {
  std::mt19937_64 random(static_cast<unsigned>(mode) + 1);
  for (int i = 0; i < 40000; ++i) {
    const F a = random_value<F>(random), b = random_value<F>(random), c = random_value<F>(random);
    std::uint8_t soft_flags = 0;
    FloatState state{mode, 0, core::have_native_fma()};
    core::FloatEnvironment environment;
    environment.enter(mode);
    const auto native = all_operations(core::NativeFloat(state), a, b, c);
    state.flags |= environment.leave();
    const auto soft = all_operations(SoftFloat(mode, soft_flags), a, b, c);
    ASSERT_EQ(native, soft) << std::hex << a.bits() << " " << b.bits() << " " << c.bits();
    ASSERT_EQ(state.flags, soft_flags) << std::hex << a.bits() << " " << b.bits() << " " << c.bits();
  }
}

TEST(NativeFloat, AgreesWithSoftFloatInEveryModeThatItHas) {
  for (const Rounding mode : {Rounding::nearest_even, Rounding::to_zero, Rounding::down, Rounding::up}) {
    compare_soft_and_native<F32>(mode);
    compare_soft_and_native<F64>(mode);
  }
}

TEST(NativeFloat, DetectsTininessAsSoftFloatDoes) {
  for (const double factor : {1 - 0x1p-27, 1 - 0x1p-53, 1.0 + 0x1p-52}) {
    FloatState state{Rounding::nearest_even, 0, core::have_native_fma()};
    std::uint8_t soft_flags = 0;
    const F64 a{factor}, b{(1 + 0x1p-27) * 0x1p-1022};
    core::FloatEnvironment environment;
    environment.enter(state.rounding);
    const F64 native = core::NativeFloat(state).mul(a, b);
    state.flags |= environment.leave();
    EXPECT_EQ(native.bits(), SoftFloat(Rounding::nearest_even, soft_flags).mul(a, b).bits());
    EXPECT_EQ(state.flags, soft_flags) << factor;
  }
}

TEST(HostFloat, FusedOperationsAreTheProcessors) {
  FloatMachine m({});
  EXPECT_EQ(m.host.csrs().float_state().native_fma, core::have_native_fma());
}

TEST(HostFloat, IsIllegalUntilFsIsOn) {
  for (const std::uint32_t word :
       {fp(kAddD, 7, 0, 0, 0), fp(0x79, 0, 0, 0, 0), i_type(0x07, 3, 0, s0, 0), csrrs(a0, kFcsr, 0)}) {
    Machine off({word, wfi});
    off.host.set_x(s0, kBase);
    EXPECT_EQ(off.run(), StopReason::trap_loop) << std::hex << word;
    EXPECT_EQ(off.host.csrs().mcause(), std::uint64_t{core::kIllegalInstruction});
    EXPECT_EQ(off.host.csrs().mtval(), word);
    FloatMachine on({word, wfi});
    on.host.set_x(s0, kBase);
    EXPECT_EQ(on.run(), StopReason::wfi) << std::hex << word;
  }
}

TEST(HostFloat, FsMayBeSwitchedByTheProgramBetweenTwoRunsOfTheSameCode) {
  // The same fadd.d with FS on, then off.
  Machine m({csrrs(zero, kMstatus, s0), fp(kAddD, 7, 1, 2, 3), addi(a0, a0, 1), csrrc(zero, kMstatus, s0),
             jal(zero, -12), wfi});
  m.host.set_x(s0, kFloatOn);
  EXPECT_EQ(m.run(), StopReason::trap_loop);
  EXPECT_EQ(m.host.csrs().mepc(), kBase + 4);
  EXPECT_EQ(m.host.x(a0), 1u);
}

TEST(HostFloat, ReservedRoundingModesTrap) {
  for (const unsigned rm : {5u, 6u}) {
    FloatMachine m({fp(kAddD, rm, 0, 0, 0), wfi});
    EXPECT_EQ(m.run(), StopReason::trap_loop);
    EXPECT_EQ(m.host.csrs().mtval(), fp(kAddD, rm, 0, 0, 0));
  }
  for (unsigned frm = 0; frm < 8; ++frm) {
    FloatMachine m({csrrw(zero, kFrm, s0), fp(kAddD, 0, 0, 0, 0), fp(kAddD, 7, 0, 0, 0), wfi});
    m.host.set_x(s0, frm);
    EXPECT_EQ(m.run(), frm > 4 ? StopReason::trap_loop : StopReason::wfi) << frm;
    EXPECT_EQ(m.host.pc() == kBase + 12, frm <= 4) << frm;
    EXPECT_EQ(m.host.csrs().mepc() == kBase + 8, frm > 4) << "static modes still work";
  }
}

TEST(HostFloat, DynamicRoundingFollowsFrmAndStaticDoesNot) {
  for (unsigned frm = 0; frm < 5; ++frm) {
    FloatMachine m(
        {csrrw(zero, kFrm, s0), fp(kAddD, 7, 1, 2, 3), fp(kAddD, 4, 4, 2, 3), fp(kAddD, 1, 5, 2, 3), wfi});
    m.host.set_x(s0, frm);
    m.host.set_f(2, 0x3ff0000000000000);
    m.host.set_f(3, 0x3ca0000000000000);  // 2^-53
    EXPECT_EQ(m.run(), StopReason::wfi);
    EXPECT_EQ(m.host.f(1), 0x3ff0000000000000u + (frm >= 3)) << frm;
    EXPECT_EQ(m.host.f(4), 0x3ff0000000000001u) << frm;
    EXPECT_EQ(m.host.f(5), 0x3ff0000000000000u) << frm;
    EXPECT_EQ(m.fcsr(), frm << 5 | NX);
  }
}

TEST(HostFloat, SinglesOutOfTheirBoxAreNan) {
  FloatMachine m({fp(kAddS, 7, 1, 2, 3), wfi});
  m.host.set_f(2, 0x3f800000);  // 1.0f without its box
  m.host.set_f(3, kBoxed | 0x3f800000);
  m.run();
  EXPECT_EQ(m.host.f(1), kBoxed | 0x7fc00000);
  EXPECT_EQ(m.fcsr(), 0u) << "the NaN is quiet";
}

TEST(HostFloat, SinglesLoadedFromOutsideTcmAreBoxed) {
  FloatMachine m({i_type(0x07, 2, 1, s0, 0), wfi});
  m.host.set_x(s0, kOutside);
  m.platform.memory[kOutside] = 0xbf800000;
  m.run();
  EXPECT_EQ(m.host.f(1), kBoxed | 0xbf800000);
}

// Notes what arithmetic looks like from within a port call, and leaves its own flags.
struct CallerArithmetic : PaperPlatform {
  int mode = -1, flags = -1;
  core::PortAccess load(Cycle now, std::uint64_t address, unsigned bytes) override {
    mode = std::fegetround();
    flags = std::fetestexcept(FE_ALL_EXCEPT);
    std::feraiseexcept(FE_DIVBYZERO);
    return PaperPlatform::load(now, address, bytes);
  }
};

TEST(HostFloat, KeepsItsFlagsAndModeApartFromTheCallers) {
  std::vector<std::byte> tcm(4096);
  const Program program = {csrrw(zero, kFrm, s1), fp(kDivD, 7, 1, 2, 3), ld(a0, s0, 0),
                           csrrs(a1, kFcsr, 0),   fp(kMulD, 7, 1, 2, 2), wfi};
  std::memcpy(tcm.data(), program.data(), program.size() * 4);
  CallerArithmetic platform;
  core::Host host({}, {tcm.data(), tcm.size(), kBase}, platform);
  host.csrs().write(kMstatus, kFloatOn, {});
  host.set_x(s0, kOutside);
  host.set_x(s1, 3);                  // round up
  host.set_f(2, 0x3ff0000000000001);  // inexact when squared
  host.set_f(3, 0x4008000000000000);  // and when divided by 3
  std::feclearexcept(FE_ALL_EXCEPT);
  std::fesetround(FE_DOWNWARD);
  EXPECT_EQ(host.run(Cycle(1000)), StopReason::wfi);
  const int mode_after = std::fegetround(), flags_after = std::fetestexcept(FE_ALL_EXCEPT);
  std::fesetround(FE_TONEAREST);
  std::feclearexcept(FE_ALL_EXCEPT);
  EXPECT_EQ(platform.mode, FE_DOWNWARD);
  EXPECT_EQ(platform.flags, 0);
  EXPECT_EQ(mode_after, FE_DOWNWARD);
  EXPECT_EQ(flags_after, FE_DIVBYZERO) << "the caller's own";
  EXPECT_EQ(host.x(a1), 3u << 5 | NX) << "the port's division by zero is not the program's";
  EXPECT_EQ(host.f(1), 0x3ff0000000000003u) << "still rounding up after the port call";
}

TEST(HostFloat, FlagsAreWhatTheInstructionsRaisedWhateverTheQuantum) {
  for (const std::uint64_t quantum : {1u, 7u, 1000u}) {
    FloatMachine m({csrrw(zero, kFflags, zero), fp(kDivD, 7, 1, 2, 3), jal(zero, 4), jal(zero, 4),
                    csrrs(a0, kFflags, zero), wfi});
    m.host.set_f(2, 0x3ff0000000000000);  // 1 / 0
    StopReason reason = StopReason::quantum;
    while (reason == StopReason::quantum) reason = m.host.run(m.host.cycle() + Cycle(quantum));
    EXPECT_EQ(m.host.x(a0), DZ);
  }
}

}  // namespace
}  // namespace assay::test
