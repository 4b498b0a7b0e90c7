// Event counters: mhpmevent selects, mhpmcounter and hpmcounter show, and the platform is asked at the exact
// cycle.
#include <gtest/gtest.h>

#include "machine.hpp"

namespace assay::test {
namespace {

using core::StopReason;

enum CsrNumber : unsigned {
  mcountinhibit = 0x320,
  mhpmevent3 = 0x323,
  mhpmevent31 = 0x33f,
  mhpmcounter3 = 0xb03,
  mhpmcounter31 = 0xb1f,
  hpmcounter3 = 0xc03,
  hpmcounter31 = 0xc1f,
  mtvec = 0x305,
};

TEST(EventCounters, ReadZeroWithoutAnEventWhateverIsWritten) {
  Machine m({csrrw(zero, mhpmcounter3, s0), csrrs(a0, mhpmcounter3, zero), csrrs(a1, hpmcounter31, zero),
             csrrs(a2, mhpmevent31, zero), wfi});
  m.host.set_x(s0, 99);
  EXPECT_EQ(m.run(), StopReason::wfi);
  EXPECT_EQ(m.host.x(a0), 0u);
  EXPECT_EQ(m.host.x(a1), 0u);
  EXPECT_EQ(m.host.x(a2), 0u);
}

TEST(EventCounters, ShowTheEventsCountOnceItIsSelected) {
  Machine m({csrrw(zero, mhpmevent3, s0), csrrs(a0, mhpmevent3, zero), csrrs(a1, mhpmcounter3, zero),
             csrrs(a2, hpmcounter3, zero), csrrs(a3, mhpmcounter31, zero), wfi});
  m.host.set_x(s0, kEvent);
  m.run();
  EXPECT_EQ(m.host.x(a0), kEvent);
  EXPECT_EQ(m.host.x(a1), 7u * 2);
  EXPECT_EQ(m.host.x(a2), 7u * 3);
  EXPECT_EQ(m.host.x(a3), 0u) << "each has an event of its own";
}

TEST(EventCounters, AnEventThatIsNoneIsTakenAsZero) {
  Machine m({csrrw(zero, mhpmevent3, s0), csrrw(a0, mhpmevent3, s1), csrrs(a1, mhpmevent3, zero),
             csrrs(a2, mhpmcounter3, zero), wfi});
  m.host.set_x(s0, kEvent);
  m.host.set_x(s1, kEvent + 1);
  m.run();
  EXPECT_EQ(m.host.x(a0), kEvent);
  EXPECT_EQ(m.host.x(a1), 0u);
  EXPECT_EQ(m.host.x(a2), 0u);
}

TEST(EventCounters, CountOnFromWhatIsWritten) {
  Machine m({csrrw(zero, mhpmevent31, s0), csrrw(a0, mhpmcounter31, s1), csrrs(a1, mhpmcounter31, zero), nop,
             csrrs(a2, mhpmcounter31, zero), csrrw(zero, mhpmevent31, s0), csrrs(a3, mhpmcounter31, zero),
             wfi});
  m.host.set_x(s0, kEvent);
  m.host.set_x(s1, 1000);
  m.run();
  EXPECT_EQ(m.host.x(a0), 7u) << "the write reads what was there";
  EXPECT_EQ(m.host.x(a1), 1000u) << "the next instruction reads what was written";
  EXPECT_EQ(m.host.x(a2), 1000u + 7 * 2);
  EXPECT_EQ(m.host.x(a3), 7u * 6) << "selecting again brings the whole count back";
}

TEST(EventCounters, TheUsersNumbersAreReadOnlyAndNoneIsInhibited) {
  Machine m({csrrw(zero, mtvec, zero), csrrw(zero, mhpmevent3, s0), csrrw(zero, mcountinhibit, s1),
             csrrs(a0, mcountinhibit, zero), csrrs(a1, mhpmcounter3, zero), csrrw(zero, hpmcounter3, s1),
             wfi});
  m.host.set_x(s0, kEvent);
  m.host.set_x(s1, ~std::uint64_t{0});
  EXPECT_EQ(m.run(), StopReason::trap_loop);
  EXPECT_EQ(m.host.csrs().mcause(), 2u);
  EXPECT_EQ(m.host.x(a0), 5u);
  EXPECT_EQ(m.host.x(a1), 7u * 4);
}

// The platform must be brought to the instruction's own cycle before its count is taken, in any quantum.
TEST(EventCounters, ThePlatformIsCaughtUpAtTheInstructionsCycle) {
  for (const std::uint64_t quantum : {1u, 5u, 1000u}) {
    Machine m({nop, nop, csrrw(zero, mhpmevent3, s0), nop, csrrs(a0, hpmcounter3, zero),
               csrrs(a1, 0x300, zero), wfi});
    m.host.set_x(s0, kEvent);
    StopReason reason = StopReason::quantum;
    while (reason == StopReason::quantum) reason = m.host.run(m.host.cycle() + Cycle(quantum));
    EXPECT_EQ(m.platform.calls, (std::vector<Call>{{'e', 2, 0, 0, 0}, {'e', 4, 0, 0, 0}}))
        << "quantum " << quantum;
    EXPECT_EQ(m.host.x(a0), 7u * 4);
  }
}

}  // namespace
}  // namespace assay::test
