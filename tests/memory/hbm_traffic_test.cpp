// HBM under load: bandwidth, how addresses spread, determinism.
#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <set>

#include "tables.hpp"

namespace assay {
namespace {

using memory::HbmTiming;

constexpr std::uint32_t kMhz = 1000;
constexpr std::size_t kManyOutstanding = 4096;  // a channel in refresh does not hold up the others

// Bytes per cycle of reads at these offsets, with at most `outstanding` under way (answers return in order).
template <typename Offset>
double bandwidth(const HbmTable& table, std::uint32_t bytes, std::size_t requests, std::size_t outstanding,
                 Offset offset, bool write = false) {
  HbmTiming timing(table, kMhz);
  std::deque<Cycle> under_way;
  Cycle now, last;
  for (std::size_t i = 0; i < requests; ++i) {
    if (under_way.size() == outstanding) {
      now = std::max(now, under_way.front());
      under_way.pop_front();
    }
    last = std::max(last, timing.access(now, offset(i), bytes, write));
    under_way.push_back(last);
  }
  return static_cast<double>(requests) * bytes / static_cast<double>(last.count());
}

double pin_rate(const HbmTable& table) { return table.bytes_per_second() / (kMhz * 1e6); }

class HbmTraffic : public testing::TestWithParam<const char*> {
 protected:
  const HbmTable table = test::table_named(GetParam());
};
INSTANTIATE_TEST_SUITE_P(Tables, HbmTraffic, testing::Values("hbm2_1563", "lpddr4_3200", "ddr3_2133"));

TEST_P(HbmTraffic, SequentialReadsComeWithinTwoPointsOfPinsLessRefresh) {
  const double rate = bandwidth(table, table.interleave_bytes, 400'000, kManyOutstanding,
                                [&](std::uint64_t i) { return i * table.interleave_bytes; });
  EXPECT_GE(rate / pin_rate(table), table.refresh_fraction() - 0.02);
  EXPECT_LE(rate / pin_rate(table), table.refresh_fraction());
}

TEST_P(HbmTraffic, SequentialWritesDoToo) {
  const double rate = bandwidth(
      table, table.interleave_bytes, 400'000, kManyOutstanding,
      [&](std::uint64_t i) { return i * table.interleave_bytes; }, true);
  EXPECT_GE(rate / pin_rate(table), table.refresh_fraction() - 0.02);
  EXPECT_LE(rate / pin_rate(table), table.refresh_fraction());
}

TEST_P(HbmTraffic, RandomSmallReadsAreFarBelowThePins) {
  std::mt19937_64 random(1);
  const std::uint64_t lines = table.capacity().count() / 64;
  const double rate =
      bandwidth(table, 64, 200'000, 512, [&](std::uint64_t) { return random() % lines * 64; });
  EXPECT_LT(rate / pin_rate(table), 0.6);
  EXPECT_GT(rate, 0.0);
}

// No mixture beats the pins, not even in the first cycles, at whatever rate bursts and clock divide.
TEST_P(HbmTraffic, NothingBeatsThePins) {
  std::mt19937_64 random(2);
  for (const std::uint32_t mhz : {1000u, 700u}) {
    HbmTiming timing(table, mhz);
    std::uint64_t bytes = 0;
    Cycle last;
    for (int i = 0; i < 100'000; ++i) {
      const auto size = static_cast<std::uint32_t>(1 + random() % table.interleave_bytes);
      const std::uint64_t granule = random() % 4096;
      const std::uint64_t within = random() % (table.interleave_bytes - size + 1);
      const bool write = random() % 2 != 0;
      last = std::max(last, timing.access(Cycle(0), granule * table.interleave_bytes + within, size, write));
      bytes += size;
      const double seconds = static_cast<double>(last.count()) / (mhz * 1e6);
      ASSERT_LE(static_cast<double>(bytes), table.bytes_per_second() * seconds);
    }
    EXPECT_EQ((timing.counters().read_bytes + timing.counters().written_bytes).count(), bytes);
    EXPECT_EQ(timing.counters().reads + timing.counters().writes, 100'000u);
  }
}

// Clock and data rate of a table may differ by a rounding; the pins' rate is the data rate's.
TEST(Hbm, BurstsTakeTheDataRatesTimeNotTheClocks) {
  HbmTable table = test::table_named("hbm2_1563");
  table.tCK_ns *= 0.992;
  const double rate = bandwidth(table, 256, 100'000, 1024, [](std::uint64_t i) { return i % 4096 * 256; });
  EXPECT_LE(rate / pin_rate(table), table.refresh_fraction());
}

// Each granule has a place of its own: of any granule's row there are exactly as many granules as a row
// holds. Seen from outside: whether a second read right behind a first one hits its row.
TEST(HbmAddresses, NoTwoGranulesShareAPlace) {
  for (const std::uint32_t channels : {1u, 2u, 3u, 4u, 6u, 8u}) {
    HbmTable table = test::table_named("hbm2_1563");
    table.stacks = 1;
    table.pseudo_channels = channels;
    table.bank_groups = table.banks_per_group = 2;
    table.rows_per_bank = 8;
    const std::uint64_t granules = table.capacity().count() / table.interleave_bytes;
    for (std::uint64_t first = 0; first < granules; ++first) {
      std::uint64_t in_row = 0;
      HbmTiming opened(table, test::kPicosecondClock);
      opened.access(Cycle(0), first * table.interleave_bytes, 32, false);
      for (std::uint64_t second = 0; second < granules; ++second) {
        HbmTiming timing = opened;
        timing.access(Cycle(0), second * table.interleave_bytes, 32, false);
        in_row += timing.counters().row_hits;
      }
      ASSERT_EQ(in_row, table.row_bytes / table.interleave_bytes)
          << channels << " channels, granule " << first;
    }
  }
}

// A granule read while another channel is busy answers at once; the number of distinct answers to reads
// that all arrive in cycle 0 shows how many share a channel.
TEST(HbmAddresses, PowerOfTwoStridesSpreadOverTheChannels) {
  const HbmTable table = test::table_named("hbm2_1563");
  const std::uint64_t count = table.channels();
  for (std::uint64_t stride = table.interleave_bytes; stride * count <= table.capacity().count();
       stride *= 2) {
    HbmTiming timing(table, kMhz);
    Cycle last;
    for (std::uint64_t i = 0; i < count; ++i)
      last = std::max(last, timing.access(Cycle(0), i * stride, 32, false));
    const Cycle alone = HbmTiming(table, kMhz).access(Cycle(0), 0, 32, false);
    EXPECT_EQ(last, alone) << "stride " << stride << ": two of " << count << " share a channel";
  }
}

TEST(HbmAddresses, NeighbouringGranulesLieInDifferentChannels) {
  const HbmTable table = test::table_named("hbm2_1563");
  std::mt19937_64 random(3);
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t base = random() % (1u << 20) * table.interleave_bytes * table.channels();
    HbmTiming timing(table, kMhz);
    const Cycle alone = HbmTiming(table, kMhz).access(Cycle(0), base, 256, false);
    for (std::uint64_t c = 0; c < table.channels(); ++c)
      EXPECT_EQ(timing.access(Cycle(0), base + c * table.interleave_bytes, 256, false), alone);
  }
}

TEST(Hbm, TheSameRequestsGetTheSameAnswers) {
  const HbmTable table = test::table_named("hbm2_1563");
  const auto answers = [&] {
    std::mt19937_64 random(4);
    HbmTiming timing(table, 933);
    std::vector<std::uint64_t> result;
    for (std::uint64_t i = 0; i < 20'000; ++i)
      result.push_back(
          timing.access(Cycle(i / 4), random() % (1u << 24) * 64, 64, random() % 3 == 0).count());
    return result;
  };
  EXPECT_EQ(answers(), answers());
}

}  // namespace
}  // namespace assay
