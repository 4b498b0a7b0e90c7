// mxu.* as commands: the loop nest of tiles, its values, its time and what it counts.
#include <gmock/gmock.h>

#include <cstring>

#include "mxu_commands.hpp"

namespace assay {
namespace {

using core::CommandTimes;
using core::Mxu;
using isa::LocalAddr;
using test::kB;
using test::kK;
using test::kM;
using test::kN;
using test::MxuCommand;

TEST_F(MxuCommand, LoopsOverColumnAndKTilesWithTheirTails) {
  for (const bool output_stationary : {false, true}) {
    for (const std::uint32_t k : {1u, 5u, 8u}) {
      for (int i = 0; i < kM; ++i)
        for (int j = 0; j < kN; ++j) result(i, j) = 12345;
      Mxu(machine, local).compute(whole(k), output_stationary, Cycle(0));
      for (int i = 0; i < kM; ++i)
        for (int j = 0; j < kN; ++j)
          ASSERT_EQ(result(i, j), product(i, j)) << i << ", " << j << ", k tiles of " << k;
    }
  }
}

TEST_F(MxuCommand, AccumulateStartsFromWhatIsStored) {
  for (const bool output_stationary : {false, true}) {
    isa::MxuCommand c = whole(8);
    c.accumulate = true;
    for (int i = 0; i < kM; ++i)
      for (int j = 0; j < kN; ++j) result(i, j) = 1000 * i + j;
    Mxu(machine, local).compute(c, output_stationary, Cycle(0));
    for (int i = 0; i < kM; ++i)
      for (int j = 0; j < kN; ++j) ASSERT_EQ(result(i, j), product(i, j) + 1000 * i + j);
  }
}

TEST_F(MxuCommand, OuterRepetitionsThatAdvanceTheResultStandAlone) {
  isa::MxuCommand c = whole(8);
  c.outer_acc_step = 1024;
  std::memset(local.at(LocalAddr::acc(0)), 0x11, 4096);
  Mxu(machine, local).compute(c, false, Cycle(0));
  for (int outer = 0; outer < 3; ++outer)
    for (int i = 0; i < kM; ++i)
      for (int j = 0; j < kN; ++j)
        ASSERT_EQ(result(i, j, 1024 * outer), product(i, j, outer * 8, std::min(kK, outer * 8 + 8)));
}

TEST_F(MxuCommand, NegativeStepsWalkBackwards) {
  isa::MxuCommand c = whole(8);
  c.b_addr = LocalAddr::spm(kB + 4);
  c.acc_addr = LocalAddr::acc(16);
  c.inner = 2;
  c.n_last = 0;
  c.inner_b_step = -4;
  c.inner_acc_step = -16;
  Mxu(machine, local).compute(c, false, Cycle(0));
  for (int j = 0; j < 8; ++j) ASSERT_EQ(result(1, j), product(1, j)) << j;
}

TEST_F(MxuCommand, ProductsAndPaddingFillTheSlotsOfTheArray) {
  Mxu ws(machine, local);
  ws.compute(whole(8), false, Cycle(0));
  EXPECT_EQ(ws.counters().macs, std::uint64_t{kM * kN * kK});
  EXPECT_EQ(ws.counters().tiles, 9u);
  EXPECT_EQ(ws.counters().macs + ws.counters().macs_padding,
            std::uint64_t{9 * kM * 4 * 4 * 2});  // m rows of each
  Mxu os(machine, local);
  os.compute(whole(8), true, Cycle(0));
  EXPECT_EQ(os.counters().macs, std::uint64_t{kM * kN * kK});
  EXPECT_EQ(os.counters().macs + os.counters().macs_padding,
            std::uint64_t{3 * (4 + 4 + 2) * 4 * 4 * 2});  // k steps
}

TEST_F(MxuCommand, EveryCycleOfTheArrayHasAnOwner) {
  for (const bool output_stationary : {false, true}) {
    Mxu mxu(machine, local);
    mxu.ledger().mark(Cycle(50), core::Owner::idle);
    const CommandTimes first = mxu.compute(whole(8), output_stationary, Cycle(50));
    EXPECT_EQ(first.start, Cycle(50));
    EXPECT_EQ(mxu.ledger().sum(), mxu.stream_free());
    EXPECT_EQ(first.end, mxu.writes_visible());
    EXPECT_LT(first.next_accept, mxu.stream_free()) << "the next command's load hides behind the last tile";
    const CommandTimes second = mxu.compute(whole(8), output_stationary, first.next_accept);
    EXPECT_EQ(mxu.ledger().sum(), mxu.stream_free());
    EXPECT_GT(second.end, first.end);
    const std::uint64_t streaming = output_stationary ? 2 * 3 * (4 + 4 + 2) : 2 * 9 * kM;
    const Cycle useful(ceil_div(2 * kM * kN * kK, 4 * 4 * 2));  // the products in full cycles of the array
    EXPECT_EQ(mxu.ledger().of(core::Owner::useful), useful);
    EXPECT_EQ(mxu.ledger().of(core::Owner::padding), Cycle(streaming) - useful);
  }
}

TEST_F(MxuCommand, TimingAloneCostsTheSame) {
  memory::LocalMemory without(machine, false);
  for (const bool output_stationary : {false, true})
    EXPECT_EQ(Mxu(machine, without).compute(whole(8), output_stationary, Cycle(0)).end,
              Mxu(machine, local).compute(whole(8), output_stationary, Cycle(0)).end);
}

TEST_F(MxuCommand, ALoadedTileIsUsedAsItWasEvenIfSpmChanges) {
  isa::MxuCommand c = whole(8);
  Mxu mxu(machine, local);
  c.m = 1;
  c.inner = c.outer = 1;
  c.n_last = c.k_last = 0;
  const CommandTimes load = mxu.load(c, Cycle(0));
  EXPECT_EQ(load.end - load.start, Cycle(4));
  std::memset(local.at(LocalAddr::spm(kB)), 0, 8 * kN);
  c.resident = true;
  mxu.compute(c, false, load.next_accept);
  for (int j = 0; j < 4; ++j) EXPECT_EQ(result(0, j), product(0, j, 0, 8));
}

TEST_F(MxuCommand, TheEngineTakesOneCommandACycle) {
  isa::MxuCommand c = tile();
  const CommandTimes at_once = Mxu(machine, local).compute(c, true, Cycle(10));
  EXPECT_EQ(at_once.start, Cycle(10));
  EXPECT_EQ(at_once.next_accept, Cycle(11));
  const CommandTimes loads_first = Mxu(machine, local).compute(c, false, Cycle(10));
  EXPECT_EQ(loads_first.next_accept, Cycle(14)) << "as the stream begins";
}

TEST_F(MxuCommand, ALoadHoldsTheQueueUntilTheLoaderTakesIt) {
  Mxu mxu(machine, local);
  const CommandTimes first = mxu.load(whole(8), Cycle(10));
  EXPECT_EQ(first.next_accept, Cycle(11));
  const CommandTimes second = mxu.load(whole(8), first.next_accept);
  EXPECT_EQ(second.start, first.end);
  EXPECT_EQ(second.next_accept, first.end + Cycle(1));
}

TEST_F(MxuCommand, AResidentCommandStartsWithItsStream) {
  isa::MxuCommand c = tile();
  Mxu mxu(machine, local);
  const CommandTimes load = mxu.load(c, Cycle(0));
  c.resident = true;
  EXPECT_EQ(mxu.compute(c, false, Cycle(50)).start, Cycle(50));
  EXPECT_EQ(load.start, Cycle(0));
}

TEST_F(MxuCommand, WhatComesAfterALoadIsSignalledWhenItHasReadItsOperand) {
  Mxu mxu(machine, local);
  const CommandTimes load = mxu.load(whole(8), Cycle(100));
  EXPECT_EQ(mxu.writes_visible(), load.end) << "SPM may be overwritten from then on";
  EXPECT_EQ(mxu.drained(), Cycle(0));
}

}  // namespace
}  // namespace assay
