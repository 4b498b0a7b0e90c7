// The CLINT, and interrupts: which, where, and at exactly which instruction, whatever the quantum.
#include <gtest/gtest.h>

#include <algorithm>

#include "machine.hpp"

namespace assay::test {
namespace {

using core::StopReason;

enum : unsigned {
  mstatus = 0x300,
  mie = 0x304,
  mtvec = 0x305,
  mepc = 0x341,
  mcause = 0x342,
  mip = 0x344,
  mcycle = 0xb00,
  time_csr = 0xc01
};
constexpr std::uint64_t kMie = 8, kSoftware = 1u << 3, kTimer = 1u << 7;
constexpr std::size_t kHandler = 32768;
constexpr std::uint64_t kInterrupt = std::uint64_t{1} << 63;
constexpr std::uint64_t kQuanta[] = {1, 2, 3, 7, 64, 1000, 100000};

StopReason run_in_quanta(core::Host& host, std::uint64_t quantum) {
  StopReason reason = StopReason::quantum;
  while (reason == StopReason::quantum) reason = host.run(host.cycle() + Cycle(quantum));
  return reason;
}

// Interrupts on, the timer set; the handler keeps mcycle in s1, mcause in s2, mepc in s3, and stops.
struct TimerMachine : Machine {
  TimerMachine(const Program& program, std::uint64_t compare, std::uint64_t enable = kTimer)
      : Machine(program, costs()) {
    place(kHandler, {csrrs(s1, mcycle, zero), csrrs(s2, mcause, zero), csrrs(s3, mepc, zero),
                     csrrw(zero, mie, zero), wfi});
    host.csrs().write(mtvec, kBase + kHandler, {});
    host.csrs().write(mstatus, kMie, {});
    host.csrs().write(mie, enable, {});
    host.csrs().clint().store(0, ASSAY_CLINT_MTIMECMP, 8, compare);
  }
  static HostCosts costs() {
    HostCosts c;
    c.mul = 5;
    c.trap = 29;
    return c;
  }
};

TEST(Interrupt, IsTakenBeforeTheFirstInstructionAtOrAfterItsCycle) {
  // 600 instructions in one straight run, longer than any block: every third costs 5 cycles, others 1.
  Program program;
  std::vector<std::uint64_t> starts;
  std::uint64_t cycle = 0;
  for (int i = 0; i < 600; ++i) {
    starts.push_back(cycle);
    program.push_back(i % 3 == 0 ? mul(t0, t0, t0) : addi(a0, a0, 1));
    cycle += i % 3 == 0 ? 5 : 1;
  }
  program.push_back(kEnd);
  for (std::uint64_t compare = 0; compare < 1300; compare += 13) {
    const auto first = std::lower_bound(starts.begin(), starts.end(), compare);
    for (const std::uint64_t quantum : kQuanta) {
      TimerMachine m(program, compare);
      ASSERT_EQ(run_in_quanta(m.host, quantum), StopReason::wfi) << compare << ", quantum " << quantum;
      EXPECT_EQ(m.host.x(s2), kInterrupt | 7);
      EXPECT_EQ(m.host.x(s3), kBase + 4 * static_cast<std::uint64_t>(first - starts.begin())) << compare;
      EXPECT_EQ(m.host.x(s1), *first + 29) << compare << ", quantum " << quantum;
    }
  }
}

TEST(Interrupt, IsTakenRightBehindAnAccessThatOutlastsIt) {
  for (const std::uint64_t quantum : kQuanta) {
    TimerMachine m({ld(a0, s0, 0), addi(a1, a1, 1), addi(a1, a1, 1), kEnd}, 10000);
    m.platform.latency = 20000;
    m.host.set_x(s0, kOutside);
    run_in_quanta(m.host, quantum);
    EXPECT_EQ(m.host.x(s3), kBase + 4) << "quantum " << quantum;
    EXPECT_EQ(m.host.x(s1), 20000u + 29) << "quantum " << quantum;
  }
}

// A loop with loads from the port, which take long, calls and traps, interrupted by a timer that the handler
// sets anew; every interrupt leaves its mepc and mcycle in memory.
struct PeriodicMachine : TimerMachine {
  explicit PeriodicMachine(std::uint64_t period) : TimerMachine(loop(), period) {
    place(kHandler, {csrrs(s1, mcycle, zero), csrrs(s3, mepc, zero), sd(s1, s5, 0), sd(s3, s5, 8),
                     addi(s5, s5, 16), ld(s1, s6, 0), add(s1, s1, s7), sd(s1, s6, 0), mret});
    host.set_x(s0, kOutside);
    host.set_x(s5, kBase + 40960);
    host.set_x(s6, ASSAY_CLINT_MTIMECMP);
    host.set_x(s7, period);
    host.set_x(a1, 40);
    platform.latency = 137;
  }
  static Program loop() {
    return {mul(t0, t0, t0), ld(t1, s0, 0),    addi(t4, zero, 20), addi(t4, t4, -1), bne(t4, zero, -4),
            jal(ra, 16),     addi(a1, a1, -1), bne(a1, zero, -28), 0x10500073,  // wfi is the end
            div(t2, t1, t0), jalr(zero, ra, 0)};
  }
};

TEST(Interrupt, HitsTheSameInstructionsForEveryQuantum) {
  for (const std::uint64_t period : {401, 1009, 5003}) {
    PeriodicMachine whole(period);
    whole.host.run(Cycle(12000));
    const std::uint64_t count = (whole.host.x(s5) - kBase - 40960) / 16;
    ASSERT_GE(count, 12000 / period - 1);
    for (const std::uint64_t quantum : kQuanta) {
      PeriodicMachine m(period);
      while (m.host.cycle() < Cycle(12000)) m.host.run(m.host.cycle() + Cycle(quantum));
      for (std::size_t i = 0; i < 2 * count; ++i)
        ASSERT_EQ(m.peek<std::uint64_t>(40960 + 8 * i), whole.peek<std::uint64_t>(40960 + 8 * i))
            << "period " << period << ", quantum " << quantum << ", interrupt " << i / 2;
      // They end up to a quantum apart.
      std::vector<Call>& calls = m.platform.calls;
      calls.resize(std::min(calls.size(), whole.platform.calls.size()));
      ASSERT_GT(calls.size(), 30u);
      EXPECT_TRUE(std::equal(calls.begin(), calls.end(), whole.platform.calls.begin()))
          << "quantum " << quantum;
    }
  }
}

TEST(Interrupt, TakesSoftwareBeforeTimerAndByTheVector) {
  TimerMachine m({sw(a0, a1, 0), nop, wfi}, core::Clint::kNever, kTimer | kSoftware);
  m.place(kHandler + 4 * 3, {csrrs(s2, mcause, zero), csrrs(s3, mepc, zero), csrrs(s4, mip, zero),
                             sw(zero, a1, 0), csrrs(s8, mip, zero), mret});
  m.host.csrs().write(mtvec, kBase + kHandler + 1, {});
  m.host.set_x(a0, 1);
  m.host.set_x(a1, ASSAY_CLINT_MSIP);
  m.run();
  EXPECT_EQ(m.host.x(s2), kInterrupt | 3);
  EXPECT_EQ(m.host.x(s3), kBase + 4) << "right behind the store";
  EXPECT_EQ(m.host.x(s4), kSoftware);
  EXPECT_EQ(m.host.x(s8), 0u);

  TimerMachine both({nop, kEnd}, 0, kTimer | kSoftware);
  both.host.csrs().clint().store(0, ASSAY_CLINT_MSIP, 4, 1);
  both.run();
  EXPECT_EQ(both.host.x(s2), kInterrupt | 3);
  EXPECT_EQ(both.host.x(s3), kBase);
}

TEST(Interrupt, WaitsForItsEnables) {
  // Pending from the start; taken behind the instruction that sets the last enable.
  for (const bool global : {false, true}) {
    TimerMachine m({nop, nop, csrrs(zero, global ? mstatus : mie, a0), nop, kEnd}, 0);
    m.host.csrs().write(global ? mstatus : mie, 0, {});
    m.host.set_x(a0, global ? kMie : kTimer);
    m.run();
    EXPECT_EQ(m.host.x(s2), kInterrupt | 7);
    EXPECT_EQ(m.host.x(s3), kBase + 12);
  }
  TimerMachine off({nop, csrrs(a1, mip, zero), wfi, kEnd}, 0, kSoftware);
  EXPECT_EQ(off.run(), StopReason::wfi) << "the software interrupt will never come";
  EXPECT_EQ(off.host.x(a1), kTimer) << "pending, but not enabled";
}

TEST(Interrupt, WfiWaitsForTheTimerEvenIfInterruptsAreNotTaken) {
  for (const std::uint64_t quantum : kQuanta) {
    TimerMachine m({wfi, csrrs(a0, mcycle, zero), kEnd}, 5000);
    m.host.csrs().write(mstatus, 0, {});
    run_in_quanta(m.host, quantum);
    EXPECT_EQ(m.host.x(a0), 5000u);
    TimerMachine taken({wfi, kEnd}, 5000);
    run_in_quanta(taken.host, quantum);
    EXPECT_EQ(taken.host.x(s1), 5029u);
    EXPECT_EQ(taken.host.x(s3), kBase + 4) << "wfi itself has retired";
  }
  TimerMachine pending({wfi, csrrs(a0, mcycle, zero), kEnd}, 0);
  pending.host.csrs().write(mstatus, 0, {});
  pending.run();
  EXPECT_EQ(pending.host.x(a0), 2u) << "it costs a jump where it need not wait";
}

TEST(Interrupt, TheWatchdogEndsAWaitThatIsTooLong) {
  TimerMachine m({wfi, kEnd}, 5000);
  m.host.set_watchdog(Cycle(3000));
  EXPECT_EQ(m.run(), StopReason::watchdog);
  EXPECT_EQ(m.host.cycle(), Cycle(3000));
  EXPECT_EQ(m.host.pc(), kBase);
}

TEST(Clint, CountsCyclesAndCanBeSet) {
  Machine m({nop, csrrs(a0, time_csr, zero), ld(a1, s0, 0), sd(s1, s0, 0), ld(a2, s0, 0),
             csrrs(a3, time_csr, zero), lw(a4, s0, 4), sw(s2, s0, 4), ld(a5, s0, 0), csrrs(a6, mcycle, zero),
             wfi});
  m.host.set_x(s0, ASSAY_CLINT_MTIME);
  m.host.set_x(s1, 0x500000000);
  m.host.set_x(s2, 7);
  m.run();
  EXPECT_EQ(m.host.x(a0), 1u);
  EXPECT_EQ(m.host.x(a1), 2u);
  EXPECT_EQ(m.host.x(a2), 0x500000000u + 1) << "a store takes a cycle";
  EXPECT_EQ(m.host.x(a3), 0x500000000u + 3) << "a load two";
  EXPECT_EQ(m.host.x(a4), 5u);
  EXPECT_EQ(m.host.x(a5), 0x700000000u + 7);
  EXPECT_EQ(m.host.x(a6), 13u) << "the cycle counter is not mtime";
  EXPECT_TRUE(m.platform.calls.empty()) << "the CLINT is the host's own";
}

TEST(Clint, FaultsWhereItHasNoRegister) {
  struct {
    std::uint32_t word;
    std::uint64_t address, cause;
  } const kRows[] = {
      {ld(a0, s0, 0), ASSAY_CLINT_MSIP, 5},     {sd(a0, s0, 0), ASSAY_CLINT_MSIP, 7},
      {lw(a0, s0, 0), ASSAY_CLINT_MSIP + 4, 5}, {sw(a0, s0, 0), ASSAY_CLINT_MTIME + 8, 7},
      {0x00040503, ASSAY_CLINT_MTIMECMP, 5},  // lb a0, 0(s0)
  };
  for (const auto& row : kRows) {
    Machine m({row.word, wfi});
    m.host.set_x(s0, row.address);
    EXPECT_EQ(m.run(), StopReason::trap_loop);
    EXPECT_EQ(m.host.csrs().mcause(), row.cause);
    EXPECT_EQ(m.host.csrs().mtval(), row.address);
  }
}

}  // namespace
}  // namespace assay::test
