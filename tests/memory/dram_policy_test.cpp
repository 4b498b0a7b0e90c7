// What a controller does with the freedom that the table leaves: order, rows, writes, refresh.
#include "dram_bench.hpp"

namespace assay {
namespace {

using memory::DramCommand;
using test::Bench;
using test::one_channel;

constexpr auto ACT = DramCommand::activate, PRE = DramCommand::precharge, RD = DramCommand::read,
               WR = DramCommand::write, REFA = DramCommand::refresh_all, REFB = DramCommand::refresh_bank;

std::vector<std::uint32_t> rows_read(const Bench& bench) {
  std::vector<std::uint32_t> rows;
  for (const memory::DramEvent& e : bench.all(RD)) rows.push_back(e.row);
  return rows;
}

TEST(DramPolicy, AHitOvertakesAnOlderMissOfItsBank) {
  Bench bench(one_channel());
  bench.read(0, Bench::at(0, 0, 1));
  bench.read(1, Bench::at(0, 0, 2));
  bench.read(2, Bench::at(0, 0, 1, 5));
  bench.run();
  EXPECT_EQ(rows_read(bench), (std::vector<std::uint32_t>{1, 1, 2}));
  EXPECT_EQ(bench.counters().row_hits(), 1u);
  EXPECT_EQ(bench.counters().conflicts, 1u);
}

TEST(DramPolicy, NothingOvertakesAnAccessThatHasWaitedItsCap) {
  Machine::Hbm hbm = one_channel();
  hbm.controller.age_cap_clocks = 300;
  Bench bench(hbm);
  bench.read(0, Bench::at(0, 0, 1));
  bench.read(1, Bench::at(0, 0, 2));
  for (std::uint64_t i = 0; i < 200; ++i)
    bench.read(2 + 5 * i, Bench::at(0, 0, 1, i % 16));  // a stream of hits
  bench.run();
  const std::vector<memory::DramEvent> reads = bench.all(RD);
  ASSERT_EQ(reads.size(), 202u);
  std::size_t missed = 0;
  while (reads[missed].row == 1) ++missed;
  EXPECT_GE(reads[missed].clock, 301u);
  EXPECT_LE(reads[missed].clock, 301u + 7 + 41 + 31 + 29) << "then its row is opened";
}

TEST(DramPolicy, OfSeveralHitsTheOldestGoesFirst) {
  Bench bench(one_channel());
  bench.read(0, Bench::at(0, 0, 1, 0), 16 * 64);
  for (const std::uint32_t column : {9u, 3u, 12u}) bench.read(10, Bench::at(0, 0, 1, column));
  bench.run();
  const std::vector<memory::DramEvent> reads = bench.all(RD);
  EXPECT_EQ(reads[16].column, 9u);
  EXPECT_EQ(reads[17].column, 3u);
  EXPECT_EQ(reads[18].column, 12u);
}

TEST(DramPolicy, TheOpenPageKeepsItsRowTheClosedOneDoesNot) {
  for (const bool closed : {false, true}) {
    Machine::Hbm hbm = one_channel();
    hbm.controller.page_policy = closed ? "closed" : "open";
    Bench bench(hbm);
    bench.read(0, Bench::at(0, 0, 1));
    bench.read(1000, Bench::at(0, 0, 1, 1));
    bench.run();
    EXPECT_EQ(bench.all(ACT).size(), closed ? 2u : 1u);
    EXPECT_EQ(bench.clock(PRE), closed ? 29u + 41 : ~std::uint64_t{0}) << "as soon as tRTP allows";
    EXPECT_EQ(bench.counters().conflicts, 0u);
  }
}

TEST(DramPolicy, WritesWaitForTheirHighMarkAndAreDrainedToTheLowOne) {
  Machine::Hbm hbm = one_channel();
  hbm.controller.write_high = 12;
  hbm.controller.write_low = 4;
  Bench bench(hbm);
  bench.read(0, Bench::at(0, 0, 1), 1024);
  // Reads keep coming; of the writes the twelfth comes at clock 177.
  for (std::uint32_t i = 0; i < 100; ++i) {
    bench.read(100 + 7 * i, Bench::at(0, 0, 1, i % 16));
    if (i < 12) bench.write(100 + 7 * i, Bench::at(1, 0, 1, i));
  }
  bench.run(600);
  EXPECT_GE(bench.clock(WR), 177u);
  EXPECT_LE(bench.clock(WR), 177u + 7 + 37 + 23);
  EXPECT_EQ(bench.all(WR).size(), 8u) << "four stay behind the reads";
  bench.run();
  EXPECT_EQ(bench.all(WR).size(), 12u);
}

TEST(DramPolicy, AWriteThatIsInTheQueueAnswersAReadOfItsBytes) {
  Machine::Hbm hbm = one_channel();
  Bench bench(hbm);
  bench.write(0, Bench::at(0, 0, 1, 4), 3 * 64);
  const std::uint64_t inside = bench.read(1, Bench::at(0, 0, 1, 5));
  bench.run();
  EXPECT_EQ(bench.done(inside), 1u + 4);
  EXPECT_TRUE(bench.all(RD).empty());
  EXPECT_EQ(bench.counters().forwarded, 1u);
  Bench partly(hbm);
  partly.write(0, Bench::at(0, 0, 1, 4), 3 * 64);
  partly.read(1, Bench::at(0, 0, 1, 6), 2 * 64);
  partly.run();
  EXPECT_EQ(partly.all(RD).size(), 2u) << "not covered whole";
  EXPECT_EQ(partly.counters().forwarded, 0u);
}

TEST(DramPolicy, ReadsBeyondTheQueueWaitAtItsDoor) {
  Machine::Hbm hbm = one_channel();
  hbm.controller.read_queue = 4;
  Bench bench(hbm);
  for (std::uint32_t i = 0; i < 5; ++i) bench.read(0, Bench::at(0, 0, i + 1));
  bench.read(0, Bench::at(0, 0, 1, 1));  // a hit, but behind the door as long as its row is open
  bench.run();
  EXPECT_EQ(rows_read(bench), (std::vector<std::uint32_t>{1, 2, 3, 4, 5, 1}));
}

TEST(DramPolicy, EveryBurstThatIsTouchedIsMoved) {
  const auto bursts = [](std::uint64_t offset, std::uint32_t bytes) {
    Bench bench(one_channel());
    bench.read(0, offset, bytes);
    bench.run();
    return bench.all(RD).size();
  };
  EXPECT_EQ(bursts(0, 1), 1u);
  EXPECT_EQ(bursts(63, 1), 1u);
  EXPECT_EQ(bursts(63, 2), 2u);
  EXPECT_EQ(bursts(32, 128), 3u);
}

TEST(DramPolicy, ABusyChannelPutsRefreshOffUpToItsLimit) {
  for (const std::uint32_t postpone : {0u, 3u}) {
    Machine::Hbm hbm = one_channel();
    hbm.table.tREFI_ns = 2000;
    hbm.controller.refresh_postpone = postpone;
    Bench bench(hbm);
    for (std::uint64_t clock = 0; clock < 12'000; clock += 7)
      bench.read(clock, Bench::at(0, 0, 1, clock / 7 % 16));
    bench.run(12'000);
    const std::uint64_t first = 2000 * (postpone + 1);
    EXPECT_GE(bench.clock(REFA), first);
    EXPECT_LE(bench.clock(REFA), first + 41 + 31 + 7) << "the row is closed before";
  }
}

TEST(DramPolicy, AnIdleChannelMakesUpForTheRefreshesThatItPutOff) {
  Machine::Hbm hbm = one_channel();
  hbm.table.tREFI_ns = 2000;
  Bench bench(hbm);
  for (std::uint64_t clock = 0; clock < 9000; clock += 7)
    bench.read(clock, Bench::at(0, 0, 1, clock / 7 % 16));
  bench.run(13'900);
  EXPECT_GE(bench.clock(REFA), 9000u);
  EXPECT_EQ(bench.all(REFA).size(), 6u) << "those due at 2000, 4000 .. 12000";
}

TEST(DramPolicy, PerBankRefreshTakesBanksThatNothingWaitsForFirst) {
  Machine::Hbm hbm = one_channel();
  hbm.table.tREFI_ns = 8000;
  hbm.controller.refresh = "per_bank";
  Bench bench(hbm);
  for (std::uint64_t clock = 0; clock < 15'000; clock += 7)
    bench.read(clock, Bench::at(0, 0, 1, clock / 7 % 16));
  bench.run(15'900);
  const std::vector<memory::DramEvent> refreshes = bench.all(REFB);
  ASSERT_EQ(refreshes.size(), 8u) << "of a round";
  for (std::size_t i = 0; i < 7; ++i) EXPECT_NE(refreshes[i].group * 2 + refreshes[i].bank, 0u) << "in use";
  EXPECT_EQ(refreshes[7].group * 2 + refreshes[7].bank, 0u);
}

}  // namespace
}  // namespace assay
