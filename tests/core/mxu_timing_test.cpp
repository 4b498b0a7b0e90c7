// The MXU's closed forms, tile by tile: an array of R x C in isolation and its overlaps.
#include "core/mxu/mxu_timing.hpp"

#include <gtest/gtest.h>

namespace assay {
namespace {

using core::MxuTile;
using core::MxuTileTimes;
using core::MxuTiming;

constexpr std::uint64_t kRows = 8, kCols = 6, kLoadRows = 2;

class Timing : public testing::Test {
 protected:
  Timing() {
    machine.mxu.rows = kRows;
    machine.mxu.cols = kCols;
    machine.mxu.load_rows_per_cycle = kLoadRows;
    machine.mxu.pe_latency = 1;
  }

  // Results far from those of other tiles.
  MxuTile tile(std::uint64_t m, std::uint64_t k, bool output_stationary = false) {
    MxuTile t;
    t.output_stationary = output_stationary;
    t.m = m;
    t.n = kCols;
    t.k = k;
    t.acc_stride = kCols * 4;
    t.acc_base = next_base;
    next_base += 1 << 20;
    return t;
  }

  Machine machine;
  MxuTiming timing{machine};
  std::uint64_t next_base = 0;
};

TEST_F(Timing, IsolatedTileLoadsThenStreamsThenDrains) {
  for (const std::uint64_t k : {1u, 2u, 3u, 7u, 8u}) {
    for (const std::uint64_t m : {1u, 5u, 100u}) {
      MxuTiming alone(machine);
      const MxuTileTimes t = alone.tile(Cycle(1000), tile(m, k));
      const std::uint64_t load = (k + kLoadRows - 1) / kLoadRows;
      EXPECT_EQ(t.load_start, Cycle(1000));
      EXPECT_EQ(t.load_end, Cycle(1000 + load));
      EXPECT_EQ(t.stream_start, t.load_end);
      EXPECT_EQ(t.stream_end, Cycle(1000 + load + m));
      EXPECT_EQ(t.first_write, Cycle(1000 + load + kRows + kCols - 1));
      EXPECT_EQ(t.last_write, Cycle(1000 + load + m + kRows + kCols - 2));
      EXPECT_EQ(alone.writes_visible(), t.last_write + Cycle(1));
      EXPECT_EQ(t.stall_load, Cycle(load));
      EXPECT_EQ(t.stall_acc + t.stall_feed, Cycle(0));
    }
  }
}

TEST_F(Timing, LoadHidesBehindTheStreamOfTheTileBefore) {
  MxuTileTimes previous = timing.tile(Cycle(0), tile(20, 8));
  for (int i = 0; i < 5; ++i) {
    const MxuTileTimes t = timing.tile(Cycle(0), tile(20, 8));
    EXPECT_EQ(t.load_start, previous.stream_start) << "the other buffer is free as the stream begins";
    EXPECT_EQ(t.stream_start, previous.stream_end) << "no bubble";
    EXPECT_EQ(t.stall_load, Cycle(0));
    previous = t;
  }
}

TEST_F(Timing, StreamShorterThanTheLoadWaitsForIt) {
  const MxuTileTimes first = timing.tile(Cycle(0), tile(1, 8));
  const MxuTileTimes second = timing.tile(Cycle(0), tile(1, 8));
  EXPECT_EQ(second.stream_start, first.stream_start + Cycle(4));
  EXPECT_EQ(second.stall_load, Cycle(3));
}

TEST_F(Timing, OnlyOneLoadRunsAhead) {
  const MxuTileTimes first = timing.tile(Cycle(0), tile(50, 2));
  const MxuTileTimes second = timing.tile(Cycle(0), tile(50, 2));
  const MxuTileTimes third = timing.tile(Cycle(0), tile(50, 2));
  EXPECT_EQ(second.load_start, first.stream_start);
  EXPECT_EQ(third.load_start, second.stream_start) << "both buffers were taken until then";
}

TEST_F(Timing, TileLoadedByACommandStreamsAtOnce) {
  EXPECT_EQ(timing.load(Cycle(0), 8, 1), Cycle(4));
  MxuTile t = tile(10, 8);
  t.load = false;
  EXPECT_EQ(timing.tile(Cycle(2), t).stream_start, Cycle(4));
  timing.load(Cycle(2), 8, 1);
  t = tile(10, 8);
  t.load = false;
  const MxuTileTimes second = timing.tile(Cycle(2), t);
  EXPECT_EQ(second.load_start, Cycle(4)) << "the buffer in use is not overwritten";
  EXPECT_EQ(second.stream_start, Cycle(14));
}

TEST_F(Timing, Fp32AtAQuarterRateTakesARowEveryFourCycles) {
  MxuTile t = tile(10, 8);
  t.cycles_per_step = 4;
  const MxuTileTimes times = timing.tile(Cycle(0), t);
  EXPECT_EQ(times.stream_end - times.stream_start, Cycle(40));
  EXPECT_EQ(times.first_write - times.stream_start, Cycle(kRows + kCols - 1 + 3))
      << "four passes, then as ever";
  EXPECT_EQ(times.last_write - times.first_write, Cycle(36));
  EXPECT_EQ(times.stall_feed, Cycle(0));
}

TEST_F(Timing, AChainOfTwoHalvesTheRowsToLoadAndTheSteps) {
  MxuTile ws = tile(10, 15);
  ws.chain = 2;
  const MxuTileTimes t = timing.tile(Cycle(0), ws);
  EXPECT_EQ(t.load_end - t.load_start, Cycle(4));
  EXPECT_EQ(t.stream_end - t.stream_start, Cycle(10));
  MxuTile os = tile(8, 15, true);
  os.chain = 2;
  const MxuTileTimes s = MxuTiming(machine).tile(Cycle(0), os);
  EXPECT_EQ(s.stream_end - s.stream_start, Cycle(8));
}

TEST_F(Timing, BankConflictsOfTheFeedStretchTheStreamAndThoseOfTheLoaderTheLoad) {
  MxuTile t = tile(10, 8);
  t.feed_factor = 3;
  t.load_factor = 2;
  const MxuTileTimes times = timing.tile(Cycle(0), t);
  EXPECT_EQ(times.load_end, Cycle(8));
  EXPECT_EQ(times.stream_end - times.stream_start, Cycle(30));
  EXPECT_EQ(times.stall_feed, Cycle(20));
  MxuTile slow = tile(10, 8);
  slow.cycles_per_step = 4;
  slow.feed_factor = 3;  // hidden by the slower step
  const MxuTileTimes hidden = MxuTiming(machine).tile(Cycle(0), slow);
  EXPECT_EQ(hidden.stream_end - hidden.stream_start, Cycle(40));
  EXPECT_EQ(hidden.stall_feed, Cycle(0));
}

TEST_F(Timing, OutputStationaryStreamsKStepsAndDrainsARowACycle) {
  const MxuTileTimes t = timing.tile(Cycle(100), tile(5, 30, true));
  EXPECT_EQ(t.stream_start, Cycle(100));
  EXPECT_EQ(t.stream_end, Cycle(130));
  EXPECT_EQ(t.first_write, Cycle(130 + kRows + kCols - 2 + 1));
  EXPECT_EQ(t.last_write, t.first_write + Cycle(4));
}

TEST_F(Timing, OutputStationaryPartialsAreReadFirstARowACycle) {
  MxuTile accumulating = tile(5, 30, true);
  accumulating.accumulate = true;
  const MxuTileTimes t = timing.tile(Cycle(100), accumulating);
  EXPECT_EQ(t.load_start, Cycle(100));
  EXPECT_EQ(t.load_end, Cycle(105));
  EXPECT_EQ(t.stream_start, Cycle(105));
}

TEST_F(Timing, OutputStationaryPreloadAndDrainHideBehindLongTiles) {
  MxuTileTimes previous = timing.tile(Cycle(0), tile(kRows, 40, true));
  for (int i = 0; i < 5; ++i) {
    MxuTile t = tile(kRows, 40, true);
    t.accumulate = true;
    const MxuTileTimes times = timing.tile(Cycle(0), t);
    EXPECT_EQ(times.stream_start, previous.stream_end) << "no bubble";
    EXPECT_EQ(times.stall_load + times.stall_acc, Cycle(0));
    previous = times;
  }
}

TEST_F(Timing, OutputStationaryPartialsAreReadOneTileAheadAtMost) {
  const MxuTileTimes ws = timing.tile(Cycle(0), tile(50, 1));
  MxuTile t = tile(5, 30, true);
  t.accumulate = true;
  const MxuTileTimes first = timing.tile(ws.stream_start, t);
  EXPECT_EQ(first.load_start, ws.stream_start);
  EXPECT_EQ(first.stream_start, ws.stream_end);
  t = tile(5, 30, true);
  t.accumulate = true;
  EXPECT_EQ(timing.tile(ws.stream_start, t).load_start, first.stream_start) << "though the other set is free";
}

TEST_F(Timing, OutputStationaryShortTilesWaitForADrainedSetOfAccumulators) {
  std::vector<MxuTileTimes> t;
  for (int i = 0; i < 6; ++i) t.push_back(timing.tile(Cycle(0), tile(kRows, 1, true)));
  for (std::size_t i = 2; i < t.size(); ++i) {
    EXPECT_GE(t[i].stream_start, t[i - 2].last_write) << "its set is that of two tiles before";
    EXPECT_GT(t[i].first_write, t[i - 1].last_write) << "one row a cycle leaves the array";
  }
  EXPECT_EQ(t[1].stream_start, t[0].stream_end);
  EXPECT_EQ(t[2].stall_acc, t[2].stream_start - t[1].stream_end);
}

TEST_F(Timing, ResultsOfBothDataflowsLeaveThroughOneDoor) {
  const MxuTileTimes os = timing.tile(Cycle(0), tile(kRows, 1, true));
  const MxuTileTimes ws = timing.tile(Cycle(0), tile(1, 1));
  EXPECT_GT(ws.first_write, os.last_write);
  EXPECT_EQ(ws.stream_start - (std::max(os.stream_end, ws.load_end)), ws.stall_acc);
}

}  // namespace
}  // namespace assay
