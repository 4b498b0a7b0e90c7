// Each time of a memory table, seen as the distance of two commands: the controller gives the second one at
// the first clock that is legal. dram_monitor_test shows that a clock earlier is not.
#include "dram_bench.hpp"

namespace assay {
namespace {

using memory::DramCommand;
using test::Bench;
using test::one_channel;

constexpr auto ACT = DramCommand::activate, PRE = DramCommand::precharge, PREA = DramCommand::precharge_all,
               RD = DramCommand::read, WR = DramCommand::write, REFA = DramCommand::refresh_all,
               REFB = DramCommand::refresh_bank;

// Rows 1 of these banks (group, bank) are opened long before clock 1000.
void open_rows(Bench& bench, std::initializer_list<std::pair<std::uint32_t, std::uint32_t>> banks) {
  std::uint64_t clock = 100;
  for (const auto& [group, bank] : banks) bench.read(clock += 100, Bench::at(group, bank, 1));
  bench.run(900);
  bench.events.clear();
}

// A write does not wait for others.
Machine::Hbm drained_at_once() {
  Machine::Hbm hbm = one_channel();
  hbm.controller.write_high = 1;
  hbm.controller.write_low = 0;
  return hbm;
}

TEST(DramConstraint, ActivateToReadIsTrcdrd) {
  Bench bench(one_channel());
  bench.read(10, Bench::at(0, 0, 1));
  bench.run();
  EXPECT_EQ(bench.clock(ACT), 10u);
  EXPECT_EQ(bench.clock(RD), 10u + 29);
}

TEST(DramConstraint, ActivateToWriteIsTrcdwr) {
  Bench bench(drained_at_once());
  bench.write(10, Bench::at(0, 0, 1));
  bench.run();
  EXPECT_EQ(bench.clock(ACT), 10u);
  EXPECT_EQ(bench.clock(WR), 10u + 23);
}

TEST(DramConstraint, ReadsOfAGroupAreTccdlApartOfTwoGroupsTccds) {
  for (const bool same : {true, false}) {
    Bench bench(one_channel());
    open_rows(bench, {{0, 0}, {0, 1}, {1, 0}});
    bench.read(1000, Bench::at(0, 0, 1));
    bench.read(1000, same ? Bench::at(0, 1, 1) : Bench::at(1, 0, 1));
    bench.run();
    EXPECT_EQ(bench.clock(RD, 0), 1000u);
    EXPECT_EQ(bench.clock(RD, 1), 1000u + (same ? 7 : 5));
  }
}

TEST(DramConstraint, WritesOfAGroupAreTccdlApartOfTwoGroupsTccds) {
  for (const bool same : {true, false}) {
    Bench bench(one_channel());
    open_rows(bench, {{0, 0}, {0, 1}, {1, 0}});
    bench.write(1000, Bench::at(0, 0, 1));
    bench.write(1000, same ? Bench::at(0, 1, 1) : Bench::at(1, 0, 1));
    bench.run();
    EXPECT_EQ(bench.clock(WR, 0), 1000u);
    EXPECT_EQ(bench.clock(WR, 1), 1000u + (same ? 7 : 5));
  }
}

TEST(DramConstraint, BurstsOfARunAreTccdlApart) {
  Bench bench(one_channel());
  open_rows(bench, {{0, 0}});
  bench.read(1000, Bench::at(0, 0, 1, 4), 3 * 64);
  bench.run();
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(bench.clock(RD, i), 1000u + 7 * i);
    EXPECT_EQ(bench.all(RD).at(i).column, 4u + i);
  }
}

TEST(DramConstraint, ReadToWriteIsTrtwInEveryBank) {
  for (const std::uint32_t group : {0u, 1u}) {
    Bench bench(drained_at_once());
    open_rows(bench, {{0, 0}, {1, 0}});
    bench.read(1000, Bench::at(0, 0, 1));
    bench.write(1001, Bench::at(group, 0, 1, 1));
    bench.run();
    EXPECT_EQ(bench.clock(RD), 1000u);
    EXPECT_EQ(bench.clock(WR), 1000u + 37);
  }
}

TEST(DramConstraint, WriteToReadIsTwtrAfterTheDataTheLongOneInItsGroup) {
  for (const bool same : {true, false}) {
    Bench bench(one_channel());
    open_rows(bench, {{0, 0}, {1, 0}});
    bench.write(1000, Bench::at(0, 0, 1));
    bench.read(1001, Bench::at(same ? 0 : 1, 0, 1, 1));
    bench.run();
    EXPECT_EQ(bench.clock(WR), 1000u);
    EXPECT_EQ(bench.clock(RD), 1000u + 11 + 4 + (same ? 9 : 3));
  }
}

TEST(DramConstraint, ReadToPrechargeIsTrtpAndPrechargeToActivateTrp) {
  Bench bench(one_channel());
  open_rows(bench, {{0, 0}});
  bench.read(1000, Bench::at(0, 0, 1));
  bench.read(1001, Bench::at(0, 0, 2));
  bench.run();
  EXPECT_EQ(bench.clock(RD), 1000u);
  EXPECT_EQ(bench.clock(PRE), 1000u + 41);
  EXPECT_EQ(bench.clock(ACT), 1000u + 41 + 31);
}

TEST(DramConstraint, WriteToPrechargeIsTwrAfterTheData) {
  Bench bench(one_channel());
  open_rows(bench, {{0, 0}});
  bench.write(1000, Bench::at(0, 0, 1));
  bench.read(1001, Bench::at(0, 0, 2));
  bench.run();
  EXPECT_EQ(bench.clock(WR), 1000u);
  EXPECT_EQ(bench.clock(PRE), 1000u + 11 + 4 + 43);
}

TEST(DramConstraint, ActivateToPrechargeIsTras) {
  Machine::Hbm hbm = one_channel();
  hbm.table.tRAS_ns = 83;  // above tRCD + tRTP
  Bench bench(hbm);
  bench.read(1000, Bench::at(0, 0, 1));
  bench.read(1000, Bench::at(0, 0, 2));
  bench.run();
  EXPECT_EQ(bench.clock(PRE), 1000u + 83);
}

TEST(DramConstraint, ActivatesOfABankAreTrcApart) {
  Machine::Hbm hbm = one_channel();
  hbm.table.tRC_ns = 139;  // above tRCD + tRTP + tRP
  Bench bench(hbm);
  bench.read(1000, Bench::at(0, 0, 1));
  bench.read(1000, Bench::at(0, 0, 2));
  bench.run();
  EXPECT_EQ(bench.clock(ACT, 0), 1000u);
  EXPECT_EQ(bench.clock(ACT, 1), 1000u + 139);
}

TEST(DramConstraint, ActivatesOfAGroupAreTrrdlApartOfTwoGroupsTrrds) {
  for (const bool same : {true, false}) {
    Bench bench(one_channel());
    bench.read(1000, Bench::at(0, 0, 1));
    bench.read(1000, same ? Bench::at(0, 1, 1) : Bench::at(1, 0, 1));
    bench.run();
    EXPECT_EQ(bench.clock(ACT, 0), 1000u);
    EXPECT_EQ(bench.clock(ACT, 1), 1000u + (same ? 19 : 13));
  }
}

TEST(DramConstraint, TheFifthActivateComesTfawAfterTheFirst) {
  Bench bench(one_channel());
  for (std::uint32_t i = 0; i < 6; ++i) bench.read(1000, Bench::at(i % 4, i / 4, 1));
  bench.run();
  EXPECT_EQ(bench.clock(ACT, 3), 1000u + 3 * 13);
  EXPECT_EQ(bench.clock(ACT, 4), 1000u + 71);
  EXPECT_EQ(bench.clock(ACT, 5), 1000u + 71 + 13) << "the second one's window has passed by then";
}

TEST(DramConstraint, AllBankRefreshWaitsTrpAndBlocksForTrfc) {
  Machine::Hbm hbm = one_channel();
  hbm.table.tREFI_ns = 2000;
  hbm.controller.refresh_postpone = 0;
  Bench bench(hbm);
  bench.read(100, Bench::at(0, 0, 1));
  bench.read(2001, Bench::at(0, 0, 1));  // the row was open
  bench.read(2001, Bench::at(1, 0, 1));
  bench.run(3999);
  EXPECT_EQ(bench.clock(PREA), 2000u);
  EXPECT_EQ(bench.clock(REFA), 2000u + 31);
  EXPECT_EQ(bench.clock(ACT, 1), 2000u + 31 + 350);
  EXPECT_EQ(bench.clock(ACT, 2), 2000u + 31 + 350 + 13);
}

TEST(DramConstraint, RefreshesOfAnIdleChannelAreTrefiApart) {
  Machine::Hbm hbm = one_channel();
  hbm.table.tREFI_ns = 2000.6;  // a maximum: rounded down
  Bench bench(hbm);
  bench.run(9000);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(bench.clock(REFA, i), 2000u * (i + 1));
  EXPECT_EQ(bench.all(REFA).size(), 4u);
}

TEST(DramConstraint, RefreshesOfAllBanksAreTrfcApart) {
  Machine::Hbm hbm = one_channel();
  hbm.table.tREFI_ns = 200;  // more is due than can be done
  Bench bench(hbm);
  bench.run(3000);
  EXPECT_EQ(bench.clock(REFA, 1) - bench.clock(REFA, 0), 350u);
}

// Per-bank refresh: eight banks, one due every 500 clocks; bank 0 is the first.
Machine::Hbm per_bank() {
  Machine::Hbm hbm = one_channel();
  hbm.table.tREFI_ns = 4000;
  hbm.controller.refresh = "per_bank";
  return hbm;
}

TEST(DramConstraint, ABankThatIsRefreshedIsBlockedForTrfcpb) {
  Bench bench(per_bank());
  bench.read(4001, Bench::at(0, 0, 1));
  bench.run(4400);
  EXPECT_EQ(bench.clock(REFB), 4000u);
  EXPECT_EQ(bench.clock(ACT), 4000u + 200);
}

TEST(DramConstraint, ARefreshOfABankToAnActivateOfAnotherIsTrrefd) {
  Bench bench(per_bank());
  bench.read(4001, Bench::at(3, 1, 1));
  bench.run(4400);
  EXPECT_EQ(bench.clock(REFB), 4000u);
  EXPECT_EQ(bench.clock(ACT), 4000u + 8);
}

TEST(DramConstraint, AnActivateToARefreshOfAnotherBankIsTrrds) {
  Bench bench(per_bank());
  bench.read(3998, Bench::at(3, 1, 1));
  bench.run(4400);
  EXPECT_EQ(bench.clock(ACT), 3998u);
  EXPECT_EQ(bench.clock(REFB), 3998u + 13);
}

TEST(DramConstraint, RefreshesOfTwoBanksAreTrrefdApart) {
  Machine::Hbm hbm = per_bank();
  hbm.table.tREFI_ns = 32;  // one due every 4 clocks
  Bench bench(hbm);
  bench.run(60);
  ASSERT_GE(bench.all(REFB).size(), 3u);
  for (std::size_t i = 1; i < 3; ++i) EXPECT_EQ(bench.clock(REFB, i) - bench.clock(REFB, i - 1), 8u);
}

TEST(DramConstraint, AnOpenBankIsPrechargedTrpBeforeItsRefresh) {
  Machine::Hbm hbm = per_bank();
  hbm.table.bank_groups = hbm.table.banks_per_group = 1;
  hbm.controller.address_map = "row:10 column:4 byte:6";
  Bench bench(hbm);
  bench.read(100, 0);
  bench.run(5000);
  EXPECT_EQ(bench.clock(PRE), 4000u);
  EXPECT_EQ(bench.clock(REFB), 4000u + 31);
}

TEST(DramConstraint, CommandsTakeTurnsOnOneBus) {
  for (const std::uint32_t buses : {1u, 2u}) {
    Machine::Hbm hbm = one_channel();
    hbm.table.command_buses = buses;
    Bench bench(hbm);
    open_rows(bench, {{0, 0}});
    bench.read(1000, Bench::at(0, 0, 1));  // a hit
    bench.read(1000, Bench::at(1, 0, 1));  // an activate
    bench.run();
    EXPECT_EQ(bench.clock(RD), 1000u);
    EXPECT_EQ(bench.clock(ACT), buses == 1 ? 1001u : 1000u);
  }
}

TEST(DramConstraint, ACommandHoldsItsBusForItsClocks) {
  Machine::Hbm hbm = one_channel();
  hbm.table.column_clocks = 9;     // above tCCD
  hbm.table.activate_clocks = 25;  // above tRRD
  Bench bench(hbm);
  bench.read(1000, Bench::at(0, 0, 1), 128);
  bench.read(1000, Bench::at(1, 0, 1));
  bench.run();
  EXPECT_EQ(bench.clock(ACT, 1) - bench.clock(ACT, 0), 25u);
  EXPECT_EQ(bench.clock(RD, 1) - bench.clock(RD, 0), 9u);
}

TEST(DramConstraint, DataComesTclAfterItsCommandAndTakesABurst) {
  Bench bench(one_channel());
  const std::uint64_t read = bench.read(10, Bench::at(0, 0, 1));
  const std::uint64_t write = bench.write(1000, Bench::at(0, 0, 1));
  bench.run();
  EXPECT_EQ(bench.done(read), 10u + 29 + 17 + 4);
  EXPECT_EQ(bench.done(write, memory::ChannelAnswer::Kind::write_taken), 1000u);
  EXPECT_EQ(bench.done(write, memory::ChannelAnswer::Kind::write_drained), 1000u + 11 + 4);
  EXPECT_EQ(bench.dram().written(), Cycle(1000 + 11 + 4));
}

// Times that are no whole clocks are rounded up, and what a decimal fraction leaves over is none.
TEST(DramConstraint, TimesAreRoundedUpToClocks) {
  Machine::Hbm hbm = one_channel();
  hbm.table.tRCDRD_ns = 28.0001;
  Bench late(hbm);
  late.read(10, Bench::at(0, 0, 1));
  late.run();
  EXPECT_EQ(late.clock(RD), 10u + 29);
  hbm.table.tRCDRD_ns = 29.0000001;
  Bench bench(hbm);
  bench.read(10, Bench::at(0, 0, 1));
  bench.run();
  EXPECT_EQ(bench.clock(RD), 10u + 29);
}

}  // namespace
}  // namespace assay
