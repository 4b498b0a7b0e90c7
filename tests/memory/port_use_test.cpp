// The ports of a local memory: what fits at once, what must wait, and that nothing is lost.
#include "memory/port_use.hpp"

#include <gtest/gtest.h>

#include <random>

namespace assay {
namespace {

using memory::PortUse;

TEST(PortUse, WhatFitsTakesItsOwnTime) {
  PortUse ports(64);
  EXPECT_EQ(ports.fit(Cycle(10), Cycle(100), 6400), Cycle(110)) << "all of the width, alone";
  PortUse shared(64);
  shared.book(Cycle(0), Cycle(1000), 32 * 1000);
  EXPECT_EQ(shared.fit(Cycle(10), Cycle(100), 3200), Cycle(110)) << "the other half";
}

TEST(PortUse, WhatIsBookedHoldsUpTheRest) {
  PortUse ports(64);
  ports.book(Cycle(0), Cycle(320), 48 * 320);  // leaves a quarter
  EXPECT_EQ(ports.fit(Cycle(0), Cycle(64), 32 * 64), Cycle(128)) << "half of the width through a quarter";
  PortUse full(64);
  full.book(Cycle(0), Cycle(320), 64 * 320);
  EXPECT_EQ(full.fit(Cycle(0), Cycle(32), 32), Cycle(352)) << "nothing is left before cycle 320";
}

TEST(PortUse, MoreThanTheWidthTakesAsLongAsTheWidthNeeds) {
  PortUse ports(16);
  EXPECT_EQ(ports.fit(Cycle(0), Cycle(1), 16 * 4096), Cycle(4096));
  EXPECT_EQ(ports.fit(Cycle(4096), Cycle(10), 0), Cycle(4106)) << "no bytes wait for nothing";
}

TEST(PortUse, OneFitIsInTheWayOfTheNext) {
  PortUse ports(64);
  EXPECT_EQ(ports.fit(Cycle(0), Cycle(32), 48 * 32), Cycle(32));
  EXPECT_EQ(ports.fit(Cycle(0), Cycle(32), 48 * 32), Cycle(32 + 22))
      << "32 cycles at the 16 bytes that are left, then the other 1,024 bytes at 48 a cycle";
}

// The windows never carry more than their width, and a fit never ends before its bytes can have passed.
TEST(PortUse, BytesAreConserved) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 200; ++round) {
    const std::uint64_t width = 1 + random() % 100;
    PortUse ports(width);
    std::uint64_t total = 0;
    Cycle last;
    for (int i = 0; i < 50; ++i) {
      const std::uint64_t cycles = 1 + random() % 200, bytes = random() % (2 * width * cycles);
      const Cycle end = ports.fit(Cycle(0), Cycle(cycles), bytes);
      ASSERT_GE(end, Cycle(cycles));
      last = std::max(last, end);
      ASSERT_GE((last.count() / PortUse::kWindow + 1) * PortUse::kWindow * width, total + bytes)
          << "more has passed than the ports carry";
      total += bytes;
    }
  }
}

TEST(PortUse, ABookingBeyondAllMeasureIsHarmless) {
  PortUse ports(64);
  ports.book(Cycle(0), Cycle(std::uint64_t{1} << 32), std::uint64_t{1} << 38);
  EXPECT_EQ(ports.fit(Cycle(0), Cycle(32), 0), Cycle(32));
}

}  // namespace
}  // namespace assay
