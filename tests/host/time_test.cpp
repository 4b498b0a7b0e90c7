// Cycles and instruction counts, exactly, whatever the quantum; and code that changes.
#include <gtest/gtest.h>

#include "machine.hpp"

namespace assay::test {
namespace {

using core::StopReason;

enum : unsigned {
  mcountinhibit = 0x320,
  mcycle = 0xb00,
  minstret = 0xb02,
  cycle_view = 0xc00,
  instret_view = 0xc02
};

// Every class with a cost of its own, so that no two can be mixed up.
constexpr HostCosts kCosts = {1, 5, 23, 2, 7, 11, 3, 4, 6, 13, 17, 19, 29, 31, 37, 41};

TEST(Host, EveryInstructionCostsWhatItsClassSays) {
  struct {
    const char* name;
    std::uint32_t word;
    std::uint64_t cost;
  } const kRows[] = {
      {"addi", addi(a0, a0, 1), 1},
      {"lui", lui(a0, 1), 1},
      {"c.li", 0x4505, 1},
      {"mul", mul(a0, a0, a1), 5},
      {"div", div(a0, a0, a1), 23},
      {"branch not taken", bne(zero, zero, 8), 2},
      {"branch taken", beq(zero, zero, 4), 7},
      {"jal", jal(zero, 4), 11},
      {"jalr", jalr(zero, s1, 4), 11},
      {"load", ld(a0, s0, 0), 3},
      {"load, misaligned", ld(a0, s0, 3), 3},
      {"store", sd(a0, s0, 0), 4},
      {"csr", csrrs(a0, 0x340, zero), 6},
      {"amo", amo(0, true, a0, a1, s0), 13},
      {"lr", amo(2, true, a0, 0, s0), 13},
      {"fence", fence, 17},
      {"fence.i", fence_i, 17},
      {"custom-0", r_type(0x0b, 0, 0, 0, 0, 0), 19},
  };
  for (const auto& row : kRows) {
    Machine m({row.word, wfi}, kCosts);
    m.host.set_x(s0, kBase + 4096);
    m.host.set_x(s1, kBase);
    m.platform.latency = 0;
    EXPECT_EQ(m.run(), StopReason::wfi) << row.name;
    EXPECT_EQ(m.host.cycle().count(), row.cost) << row.name;
    EXPECT_EQ(m.host.instret(), 1u) << row.name;
  }
  Machine trap({ecall}, kCosts);
  trap.run();
  EXPECT_EQ(trap.host.cycle().count(), 29u);
  EXPECT_EQ(trap.host.instret(), 0u) << "ecall does not retire";
}

TEST(Host, CountersReadWhatHasPassedBeforeTheInstruction) {
  Machine m({nop, csrrs(a0, mcycle, zero), csrrs(a1, minstret, zero), mul(t0, t0, t0),
             csrrs(a2, cycle_view, zero), csrrs(a3, instret_view, zero), beq(zero, zero, 8), nop,
             csrrs(a4, mcycle, zero), csrrs(a5, minstret, zero), wfi},
            kCosts);
  m.run();
  EXPECT_EQ(m.host.x(a0), 1u);
  EXPECT_EQ(m.host.x(a1), 2u);
  EXPECT_EQ(m.host.x(a2), 1u + 6 + 6 + 5);
  EXPECT_EQ(m.host.x(a3), 5u);
  EXPECT_EQ(m.host.x(a4), 18u + 6 + 6 + 7);
  EXPECT_EQ(m.host.x(a5), 8u);
}

TEST(Host, AWrittenCounterIsReadBackExactlyByTheNextInstruction) {
  Machine m({csrrw(zero, mcycle, s0), csrrs(a0, mcycle, zero), csrrw(zero, minstret, s0),
             csrrs(a1, minstret, zero), csrrs(a2, mcycle, zero), wfi},
            kCosts);
  m.host.set_x(s0, 1000);
  m.run();
  EXPECT_EQ(m.host.x(a0), 1000u);
  EXPECT_EQ(m.host.x(a1), 1000u);
  EXPECT_EQ(m.host.x(a2), 1000u + 3 * 6);
  EXPECT_EQ(m.host.cycle().count(), 30u) << "the host's own time is not the CSR";
  EXPECT_EQ(m.host.instret(), 5u);
}

TEST(Host, InhibitedCountersStandStill) {
  Machine m({csrrw(zero, mcountinhibit, s0), nop, nop, csrrs(a0, mcycle, zero), csrrs(a1, minstret, zero),
             csrrw(zero, mcountinhibit, zero), nop, csrrs(a2, mcycle, zero), csrrs(a3, minstret, zero), wfi},
            kCosts);
  m.host.set_x(s0, 5);
  m.run();
  EXPECT_EQ(m.host.x(a0), 6u);
  EXPECT_EQ(m.host.x(a1), 1u);
  EXPECT_EQ(m.host.x(a2), 7u);
  EXPECT_EQ(m.host.x(a3), 3u);
}

TEST(Host, PortTimeCountsFromTheInstructionsStart) {
  Machine m({mul(t0, t0, t0), ld(a1, s0, 0), nop, csrrs(a0, mcycle, zero), wfi}, kCosts);
  m.host.set_x(s0, kOutside);
  m.platform.latency = 100;
  m.run();
  EXPECT_EQ(m.platform.calls.at(0).cycle, 5u);
  EXPECT_EQ(m.host.x(a0), 5u + 100 + 1);
}

TEST(Host, APortThatAnswersInThePastStillTakesACycle) {
  Machine m({ld(a1, s0, 0), sd(a1, s0, 0), wfi}, kCosts);
  m.host.set_x(s0, kOutside);
  m.platform.latency = 0;
  m.run();
  EXPECT_EQ(m.host.cycle().count(), 2u);
}

// Loops, calls, traps, port and AI accesses: a1 rounds of it.
Program busy_program() {
  return {
      csrrw(zero, 0x305, s11),  // mtvec
      add(t0, t0, a1),
      mul(t1, t0, t0),
      bne(t0, t1, 8),
      nop,  // round:
      sd(t1, s0, 8),
      ld(t2, s0, 16),
      r_type(0x0b, 0, 0, 0, t0, a1),  // port, port, AI
      jal(ra, 40),
      ecall,
      csrrs(t3, mcycle, zero),
      sd(t3, s0, 0),  // call; trap; the time, to the port
      addi(t4, zero, 20),
      addi(t4, t4, -1),
      bne(t4, zero, -4),  // a small loop
      addi(a1, a1, -1),
      bne(a1, zero, -60),
      0x9002,  // c.ebreak ends the program
      0x0001,  // c.nop: alignment is nothing special
      addi(t5, t5, 1),
      jalr(zero, ra, 0),
  };
}

struct BusyMachine : Machine {
  explicit BusyMachine(std::uint64_t rounds) : Machine(busy_program(), kCosts) {
    // The handler skips an ecall and stops at an ebreak.
    place(1024, {csrrs(t6, 0x342, zero), addi(t6, t6, -3), beq(t6, zero, 20), csrrs(t6, 0x341, zero),
                 addi(t6, t6, 4), csrrw(zero, 0x341, t6), mret, wfi});
    host.set_x(s11, kBase + 1024);
    host.set_x(s0, kOutside);
    host.set_x(a1, rounds);
  }
};

TEST(Host, TheQuantumChangesNeitherTheCallsNorTheirCycles) {
  constexpr std::uint64_t kRounds = 50;
  BusyMachine whole(kRounds);
  ASSERT_EQ(whole.run(), StopReason::wfi);
  ASSERT_EQ(whole.platform.calls.size(), 4 * kRounds);
  for (const std::uint64_t quantum : {1, 2, 3, 7, 10, 64, 1000, 4096}) {
    BusyMachine m(kRounds);
    StopReason reason = StopReason::quantum;
    while (reason == StopReason::quantum) reason = m.host.run(m.host.cycle() + Cycle(quantum));
    EXPECT_EQ(reason, StopReason::wfi);
    EXPECT_EQ(m.platform.calls, whole.platform.calls) << "quantum " << quantum;
    EXPECT_EQ(m.host.cycle(), whole.host.cycle()) << "quantum " << quantum;
    EXPECT_EQ(m.host.instret(), whole.host.instret()) << "quantum " << quantum;
  }
}

TEST(Host, SteppingIsTheSameRunOneInstructionATime) {
  constexpr std::uint64_t kRounds = 20;
  BusyMachine whole(kRounds), m(kRounds);
  ASSERT_EQ(whole.run(), StopReason::wfi);
  std::uint64_t traps = 0;
  StopReason reason = StopReason::quantum;
  for (std::uint64_t before = 0; (reason = m.host.step()) == StopReason::quantum; before = m.host.instret()) {
    ASSERT_LE(m.host.instret() - before, 1u);
    traps += m.host.instret() == before ? 1 : 0;
  }
  EXPECT_EQ(reason, StopReason::wfi);
  EXPECT_EQ(traps, kRounds + 1) << "an ecall a round and the ebreak";
  EXPECT_EQ(m.platform.calls, whole.platform.calls);
  EXPECT_EQ(m.host.cycle(), whole.host.cycle());
  EXPECT_EQ(m.host.instret(), whole.host.instret());
  for (unsigned r = 0; r < 32; ++r) EXPECT_EQ(m.host.x(r), whole.host.x(r)) << r;
}

TEST(Host, StepsAndRunsMayAlternate) {
  BusyMachine whole(20), m(20);
  whole.run();
  StopReason reason = StopReason::quantum;
  for (unsigned i = 0; reason == StopReason::quantum; ++i)
    reason = i % 5 != 0 ? m.host.step() : m.host.run(m.host.cycle() + Cycle(i % 97));
  EXPECT_EQ(reason, StopReason::wfi);
  EXPECT_EQ(m.platform.calls, whole.platform.calls);
  EXPECT_EQ(m.host.cycle(), whole.host.cycle());
}

TEST(Host, RunReturnsOnceTheQuantumIsReached) {
  Machine m({addi(a0, a0, 1), jal(zero, -4)});
  EXPECT_EQ(m.host.run(Cycle(300)), StopReason::quantum);
  EXPECT_EQ(m.host.cycle().count(), 300u);
  EXPECT_EQ(m.host.x(a0), 100u);
  EXPECT_EQ(m.host.run(Cycle(300)), StopReason::quantum);
  EXPECT_EQ(m.host.cycle().count(), 300u) << "nothing is left of this quantum";
}

TEST(Host, TheWatchdogEndsARunawayAtTheSameCycleInEveryQuantum) {
  const auto end = [](std::uint64_t quantum) {
    Machine m({addi(a0, a0, 1), jal(zero, -4)});
    m.host.set_watchdog(Cycle(1000));
    StopReason reason = StopReason::quantum;
    while (reason == StopReason::quantum) reason = m.host.run(m.host.cycle() + Cycle(quantum));
    EXPECT_EQ(reason, StopReason::watchdog);
    return m.host.cycle().count();
  };
  EXPECT_EQ(end(1000000), 1002u);
  EXPECT_EQ(end(7), 1002u);
  EXPECT_EQ(end(1), 1002u);
}

TEST(Host, AStraightRunLongerThanABlockIsCountedExactly) {
  constexpr int kLength = 1000;
  Program program(kLength, addi(a0, a0, 1));
  program.push_back(csrrs(a1, mcycle, zero));
  program.push_back(csrrs(a2, minstret, zero));
  program.push_back(wfi);
  Machine m(program);
  m.run();
  EXPECT_EQ(m.host.x(a0), std::uint64_t{kLength});
  EXPECT_EQ(m.host.x(a1), std::uint64_t{kLength});
  EXPECT_EQ(m.host.x(a2), std::uint64_t{kLength} + 1);
}

TEST(Host, ChangedCodeIsSeenAfterFenceI) {
  // Calls a function at 512 that returns 1; rewrites it to return 2; fence.i; calls it again.
  Machine m(
      {jal(ra, 512), add(s0, a0, zero), sw(s1, s2, 0), fence_i, jal(ra, 512 - 16), add(s3, a0, zero), wfi});
  m.place(512, {addi(a0, zero, 1), jalr(zero, ra, 0)});
  m.host.set_x(s1, addi(a0, zero, 2));
  m.host.set_x(s2, kBase + 512);
  EXPECT_EQ(m.run(), StopReason::wfi);
  EXPECT_EQ(m.host.x(s0), 1u);
  EXPECT_EQ(m.host.x(s3), 2u);
}

TEST(Host, CodeChangedFromOutsideIsSeenAfterInvalidation) {
  Machine m({addi(a0, a0, 1), jal(zero, -4)});
  m.run(300);
  m.place(0, {wfi});
  m.host.invalidate_code();
  EXPECT_EQ(m.run(), StopReason::wfi);
}

TEST(Host, MoreCodeThanTheCacheHoldsRunsTheSame) {
  // A jump into every halfword of a long run of c.addi makes a block for each.
  constexpr std::size_t kHalfwords = 30000, kStart = 64;
  Machine m({}, {}, 1u << 17);
  for (std::size_t i = 0; i < kHalfwords; ++i) m.poke<std::uint16_t>(kStart + 2 * i, 0x0505);  // c.addi a0, 1
  m.poke<std::uint16_t>(kStart + 2 * kHalfwords, 0x8082);                                      // ret
  // loop: jalr ra, s0; addi s0, s0, 20; bltu s0, s1, loop; wfi
  m.place(0, {jalr(ra, s0, 0), addi(s0, s0, 20), b_type(6, s0, s1, -8), wfi});
  m.host.set_x(s0, kBase + kStart);
  m.host.set_x(s1, kBase + kStart + 2 * kHalfwords);
  EXPECT_EQ(m.run(1u << 30), StopReason::wfi);
  constexpr std::uint64_t kCalls = kHalfwords / 10;
  EXPECT_EQ(m.host.x(a0), 10 * kCalls * (kCalls + 1) / 2);
  EXPECT_EQ(m.host.instret(), m.host.x(a0) + 4 * kCalls);
}

}  // namespace
}  // namespace assay::test
