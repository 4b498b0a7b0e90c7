// One channel, command by command: each rule is legal at its time and not a picosecond earlier. Expected
// values come from the tables in configs/memory alone.
#include <gtest/gtest.h>

#include <algorithm>

#include "tables.hpp"

namespace assay {
namespace {

using test::Channel;
using test::ps;

class HbmStandard : public testing::TestWithParam<const char*> {
 protected:
  Channel channel{test::table_named(GetParam())};
  const HbmTable& t = channel.t;
};
INSTANTIATE_TEST_SUITE_P(Tables, HbmStandard, testing::Values("hbm2_1563", "lpddr4_3200", "ddr3_2133"));

TEST_P(HbmStandard, FirstReadTakesActivateColumnAndBurst) {
  EXPECT_EQ(channel.read(1000, 0, 0), 1000 + ps(t.tRCDRD_ns) + ps(t.tCL_ns) + channel.burst());
}

TEST_P(HbmStandard, FirstWriteTakesActivateColumnAndBurst) {
  EXPECT_EQ(channel.write(0, 0, 0), ps(t.tRCDWR_ns) + ps(t.tCWL_ns) + channel.burst());
}

TEST_P(HbmStandard, ReadAfterActivateIsLegalAtTrcdNotBefore) {
  const std::uint64_t legal = ps(t.tRCDRD_ns) + channel.burst();  // behind the read that opened the row
  for (const std::uint64_t at : {std::uint64_t{0}, legal - 1, legal, legal + 1, legal + 5000}) {
    Channel c(t);
    c.read(0, 0, 0);
    EXPECT_EQ(c.read(at, 0, 0), std::max(at, legal) + c.read_data()) << "arrival " << at;
  }
}

TEST_P(HbmStandard, OpenRowIsHitAndAnotherRowOfTheBankIsMissed) {
  channel.read(0, 0, 0);
  EXPECT_EQ(channel.read(100'000, 0, 0), 100'000 + channel.read_data());
  EXPECT_EQ(channel.read(200'000, 0, 1), 200'000 + ps(t.tRP_ns) + channel.first_read());
  EXPECT_EQ(channel.timing.counters().row_hits, 1u);
  EXPECT_EQ(channel.timing.counters().row_misses, 2u);
}

TEST_P(HbmStandard, PrechargeIsLegalAtTrasNotBefore) {
  const std::uint64_t legal = std::max(ps(t.tRAS_ns), ps(t.tRCDRD_ns) + ps(t.tRTP_ns));
  for (const std::uint64_t at : {std::uint64_t{0}, legal - 1, legal, legal + 1}) {
    Channel c(t);
    c.read(0, 0, 0);
    EXPECT_EQ(c.read(at, 0, 1), std::max(at, legal) + ps(t.tRP_ns) + c.first_read()) << "arrival " << at;
  }
}

TEST_P(HbmStandard, PrechargeFollowsTheLastReadCommandByTrtp) {
  channel.read(0, 0, 0);
  const std::uint32_t bursts = t.interleave_bytes / t.burst_bytes();
  const std::uint64_t at = 200'000, last_command = at + (bursts - 1) * channel.burst();
  channel.read(at, 0, 0, t.interleave_bytes);
  EXPECT_EQ(channel.read(at, 0, 1), last_command + ps(t.tRTP_ns) + ps(t.tRP_ns) + channel.first_read());
}

TEST_P(HbmStandard, PrechargeFollowsTheEndOfWriteDataByTwr) {
  channel.write(0, 0, 0);
  const std::uint64_t end_of_data = channel.write(200'000, 0, 0);
  EXPECT_EQ(end_of_data, 200'000 + channel.write_data());
  EXPECT_EQ(channel.write(200'000, 0, 1), end_of_data + ps(t.tWR_ns) + ps(t.tRP_ns) + channel.first_write());
}

TEST_P(HbmStandard, ActivatesOfTwoBanksAreTrrdApart) {
  channel.read(0, 0, 0);
  EXPECT_EQ(channel.read(0, 1, 0), std::max(ps(t.tRRD_S_ns), channel.burst()) + channel.first_read());
  Channel c(t);
  c.read(0, 0, 0);
  const std::uint64_t late = ps(t.tRRD_S_ns) + 1;
  EXPECT_EQ(c.read(late, 1, 0), std::max(late, channel.burst()) + channel.first_read());
}

TEST_P(HbmStandard, FifthActivateWaitsForTfaw) {
  for (std::uint64_t bank = 0; bank < 4; ++bank) channel.read(0, bank, 0);
  const std::uint64_t fifth = std::max(ps(t.tFAW_ns), 4 * ps(t.tRRD_S_ns));
  EXPECT_EQ(channel.read(0, 4, 0), fifth + channel.first_read());
  EXPECT_EQ(channel.read(0, 5, 0),
            std::max({fifth + ps(t.tRRD_S_ns), ps(t.tRRD_S_ns) + ps(t.tFAW_ns), fifth + channel.burst()}) +
                channel.first_read());
}

TEST_P(HbmStandard, ActivateOverlapsTheDataOfAnotherBank) {
  const std::uint64_t transfer = t.interleave_bytes / t.burst_bytes() * channel.burst();
  const std::uint64_t first = channel.read(0, 0, 0, t.interleave_bytes);
  ASSERT_GE(transfer, ps(t.tRRD_S_ns));
  EXPECT_EQ(channel.read(0, 1, 0, t.interleave_bytes), first + transfer) << "no gap on the data bus";
}

TEST_P(HbmStandard, ReadAfterWriteWaitsForTheEndOfItsDataAndTwtr) {
  channel.write(0, 0, 0);
  const std::uint64_t end_of_data = channel.write(100'000, 0, 0);
  const std::uint64_t legal = end_of_data + ps(t.tWTR_ns);
  EXPECT_EQ(channel.read(100'000, 0, 0), legal + channel.read_data());
  Channel later(t);
  later.write(0, 0, 0);
  later.write(100'000, 0, 0);
  EXPECT_EQ(later.read(legal + 1, 0, 0), legal + 1 + channel.read_data());
}

TEST_P(HbmStandard, WriteAfterReadWaitsForTheBurstAndTrtw) {
  channel.read(0, 0, 0);
  channel.read(100'000, 0, 0);
  EXPECT_EQ(channel.write(100'000, 0, 0), 100'000 + channel.burst() + ps(t.tRTW_ns) + channel.write_data());
}

TEST_P(HbmStandard, EveryBurstThatIsTouchedIsPaidFor) {
  const std::uint32_t burst = t.burst_bytes();
  channel.read(0, 0, 0);
  const auto read_at = [&](std::uint64_t at, std::uint64_t offset, std::uint32_t bytes) {
    return channel.timing.access(Cycle(at), offset, bytes, false).count() - at - ps(t.tCL_ns);
  };
  EXPECT_EQ(read_at(100'000, 0, 1), channel.burst());
  EXPECT_EQ(read_at(200'000, burst - 1, 1), channel.burst());
  EXPECT_EQ(read_at(300'000, burst - 1, 2), 2 * channel.burst());
  EXPECT_EQ(read_at(400'000, burst / 2, 2 * burst), 3 * channel.burst());
}

TEST_P(HbmStandard, RefreshBlocksTheChannelForTrfcAndClosesItsRows) {
  const std::uint64_t due = ps(t.tREFI_ns);  // the only channel's
  for (const std::uint64_t at : {due, due + 1, due + ps(t.tRFC_ns) - 1, due + ps(t.tRFC_ns)}) {
    Channel c(t);
    c.read(0, 0, 0);
    EXPECT_EQ(c.read(at, 0, 0), due + ps(t.tRFC_ns) + c.first_read()) << "arrival " << at;
    EXPECT_EQ(c.timing.counters().row_misses, 2u);
    EXPECT_EQ(c.timing.counters().refresh_waits, at < due + ps(t.tRFC_ns) ? 1u : 0u);
  }
  Channel before(t);
  before.read(0, 0, 0);
  EXPECT_EQ(before.read(due - 1, 0, 0), due - 1 + before.read_data());
}

TEST_P(HbmStandard, RefreshComesEveryTrefi) {
  for (std::uint64_t n = 1; n <= 20; ++n) {
    const std::uint64_t due = n * ps(t.tREFI_ns);
    EXPECT_EQ(channel.read(due, 0, 0), due + ps(t.tRFC_ns) + channel.first_read()) << "refresh " << n;
  }
}

TEST_P(HbmStandard, RefreshWaitsForThePrechargeOfOpenRows) {
  const std::uint64_t due = ps(t.tREFI_ns), activated = due - 1000;
  channel.read(activated, 0, 0);
  const std::uint64_t precharge = activated + std::max(ps(t.tRAS_ns), ps(t.tRCDRD_ns) + ps(t.tRTP_ns));
  const std::uint64_t end = precharge + ps(t.tRP_ns) + ps(t.tRFC_ns);
  EXPECT_EQ(channel.read(due, 1, 0), end + channel.first_read());
}

TEST(Hbm, RefreshesOfChannelsAreSpreadEvenlyOverTrefi) {
  const HbmTable table = test::table_named("hbm2_1563");
  for (std::uint64_t channel = 0; channel < table.channels(); channel += 7) {
    const std::uint64_t due = ps(table.tREFI_ns) * (channel + 1) / table.channels();
    memory::HbmTiming timing(table, test::kPicosecondClock);
    const std::uint64_t offset = channel * table.interleave_bytes;
    const std::uint64_t latency = Channel(table).first_read();
    EXPECT_EQ(timing.access(Cycle(due), offset, 32, false).count(), due + ps(table.tRFC_ns) + latency);
    memory::HbmTiming early(table, test::kPicosecondClock);
    EXPECT_EQ(early.access(Cycle(due - 1), offset, 32, false).count(), due - 1 + latency);
  }
}

TEST(Hbm, RequestsOfAChannelAreServedInOrderOfTheirCalls) {
  Channel c(test::table_named("hbm2_1563"));
  const std::uint64_t late = c.read(50'000, 0, 0);
  EXPECT_GE(c.read(0, 1, 0), late + c.burst()) << "an earlier arrival does not overtake";
}

// Answers are rounded up to core cycles, and the latency does not shrink with the phase of the arrival.
TEST(Hbm, AnswersComeNoEarlierThanTheirPicosecond) {
  for (const std::uint32_t mhz : {1000u, 700u, 933u, 1024u}) {
    const HbmTable table = test::table_named("hbm2_1563");
    const double cycles = static_cast<double>(Channel(table).first_read()) * mhz / 1e6;
    for (std::uint64_t at = 0; at < 40; ++at) {  // before the channel's first refresh
      memory::HbmTiming timing(table, mhz);
      const std::uint64_t took = timing.access(Cycle(at), 0, 32, false).count() - at;
      EXPECT_GE(took, static_cast<std::uint64_t>(std::ceil(cycles - 1e-9))) << mhz << " MHz, cycle " << at;
      EXPECT_LE(took, static_cast<std::uint64_t>(std::ceil(cycles + 1e-3))) << mhz << " MHz, cycle " << at;
    }
  }
}

TEST(Hbm, ACycleBarelyTouchedIsACycle) {
  HbmTable table = test::table_named("hbm2_1563");
  table.tRCDRD_ns = 14.28;  // the first read: 30.001 ns, 21.0007 cycles of 700 MHz
  table.tCL_ns = 13.161;
  for (std::uint64_t at = 0; at < 20; ++at) {
    memory::HbmTiming timing(table, 700);
    EXPECT_EQ(timing.access(Cycle(at), 0, 32, false).count() - at, 22u) << "arrival " << at;
  }
}

}  // namespace
}  // namespace assay
