// ACC under sequences of tiles, against a simulation of every word: no partial is read before it is
// written, no row overtakes another, and a tile waits not a cycle longer than that takes.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "core/mxu/mxu_timing.hpp"

namespace assay {
namespace {

using core::MxuTile;
using core::MxuTileTimes;
using core::MxuTiming;

// All that happens to ACC, word by word and port by port.
class AccModel {
 public:
  // The earliest start at or after `start` at which rows i = 0, 1, ... can be read at start + i * per_row.
  std::uint64_t earliest(const MxuTile& t, std::uint64_t start, std::uint64_t per_row) const {
    for (std::uint64_t i = 0; i < t.m; ++i)
      for_words(t, i, [&](std::uint64_t word) {
        const auto found = written_.find(word);
        if (found != written_.end() && found->second + 1 > start + i * per_row)
          start = found->second + 1 - i * per_row;
      });
    return start;
  }

  void read(const MxuTile& t, std::uint64_t start, std::uint64_t per_row) {
    EXPECT_EQ(earliest(t, start, per_row), start) << "a partial is read before it is written";
    for (std::uint64_t i = 0; i < t.m; ++i)
      EXPECT_TRUE(read_port_.insert(start + i * per_row).second)
          << "two rows read in cycle " << start + i * per_row;
  }

  void write(const MxuTile& t, std::uint64_t first, std::uint64_t per_row) {
    for (std::uint64_t i = 0; i < t.m; ++i) {
      const std::uint64_t cycle = first + i * per_row;
      EXPECT_TRUE(write_port_.insert(cycle).second) << "two rows written in cycle " << cycle;
      for_words(t, i, [&](std::uint64_t word) {
        EXPECT_LT(written_[word], cycle) << "an older result lands on a newer one";
        written_[word] = cycle;
      });
    }
  }

 private:
  template <typename Visit>
  static void for_words(const MxuTile& t, std::uint64_t row, Visit visit) {
    for (std::uint64_t j = 0; j < t.n; ++j) visit(t.acc_base + row * t.acc_stride + j * 4);
  }

  std::map<std::uint64_t, std::uint64_t> written_;  // word -> cycle
  std::set<std::uint64_t> read_port_, write_port_;
};

enum class Layout { Grid, Any };  // tiles of a common grid of columns, shifted by rows; or anything at all

MxuTile random_tile(std::mt19937_64& random, Layout layout, bool mixed, bool output_stationary) {
  MxuTile t;
  t.output_stationary = mixed ? random() % 2 != 0 : output_stationary;
  t.accumulate = random() % 3 != 0;
  t.load = random() % 5 != 0;
  t.m = 1 + random() % (t.output_stationary ? 4 : 14);
  t.k = 1 + random() % (t.output_stationary ? 30 : 4);
  t.cycles_per_step = random() % 4 == 0 ? 4 : 1;
  t.feed_factor = random() % 5 == 0 ? 3 : 1;
  if (layout == Layout::Grid) {
    t.n = 1 + random() % 3;
    t.acc_stride = 48;
    t.acc_base = random() % 3 * 12 + random() % 12 * t.acc_stride;
  } else {
    t.n = 1 + random() % 4;
    t.acc_stride = (t.n + random() % 3) * 4;
    t.acc_base = random() % 40 * 4;
  }
  return t;
}

struct Times {
  std::uint64_t ready = 0, accepted = 0, stream_end = 0;
};

// Runs tiles as a queue would: some within one command (the same ready), some later.
void run(std::uint64_t seed, Layout layout, bool mixed, bool output_stationary) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  Machine machine;
  machine.mxu.rows = machine.mxu.cols = 4;
  machine.mxu.load_rows_per_cycle = 1;
  machine.mxu.pe_latency = 1;
  std::mt19937_64 random(seed);
  MxuTiming timing(machine);
  AccModel acc;
  Times at;
  std::uint64_t drained[2] = {0, 0}, preloaded = 0;
  const bool exact = layout == Layout::Grid && !mixed;
  for (int i = 0; i < 60 && !testing::Test::HasFailure(); ++i) {
    const MxuTile t = random_tile(random, layout, mixed, output_stationary);
    if (random() % 2 != 0) at.ready = std::max(at.ready, at.accepted + random() % 8);
    const MxuTileTimes times = timing.tile(Cycle(at.ready), t);
    const std::uint64_t step = std::max(t.cycles_per_step, t.feed_factor), start = times.stream_start.count();
    ASSERT_GE(start, std::max({at.ready, at.stream_end, times.load_end.count()}));
    ASSERT_EQ(times.stall_load + times.stall_acc, Cycle(start - std::max(at.ready, at.stream_end)));
    if (t.accumulate && t.output_stationary) {
      const std::uint64_t first = std::max({at.ready, preloaded, drained[0]});
      acc.read(t, times.load_start.count(), 1);
      if (exact) {
        ASSERT_EQ(times.load_start.count(), acc.earliest(t, first, 1)) << "tile " << i;
      }
      preloaded = times.load_end.count();
    } else if (t.accumulate) {
      const std::uint64_t first = std::max({at.ready, at.stream_end, times.load_end.count()});
      const std::uint64_t lead = t.cycles_per_step - 1;
      acc.read(t, start + lead, step);
      if (exact) {
        ASSERT_EQ(start + lead, acc.earliest(t, first + lead, step)) << "tile " << i;
      }
    }
    acc.write(t, times.first_write.count(), t.output_stationary ? 1 : step);
    ASSERT_EQ(times.last_write, times.first_write + Cycle((t.m - 1) * (t.output_stationary ? 1 : step)));
    if (t.output_stationary) {
      ASSERT_GE(start, drained[0]) << "the set of accumulators is not drained yet";
      drained[0] = drained[1];
      drained[1] = times.last_write.count();
    }
    at.stream_end = times.stream_end.count();
    at.accepted = start;
  }
}

TEST(AccInterlock, WeightStationaryTilesStartExactlyWhenTheirPartialsAllow) {
  for (std::uint64_t seed = 0; seed < 400; ++seed) run(seed, Layout::Grid, false, false);
}
TEST(AccInterlock, OutputStationaryTilesStartExactlyWhenTheirPartialsAllow) {
  for (std::uint64_t seed = 0; seed < 400; ++seed) run(seed, Layout::Grid, false, true);
}
TEST(AccInterlock, MixedDataflowsNeverReadTooEarly) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) run(seed, Layout::Grid, true, false);
}
TEST(AccInterlock, AnyLayoutIsSafe) {
  for (std::uint64_t seed = 0; seed < 600; ++seed) run(seed, Layout::Any, true, false);
}

// The rows of a column of tiles come back after R + C - 1 cycles and the read's own: with fewer rows the
// tile waits for exactly that.
TEST(AccInterlock, ShortTilesOfOneAccumulationAreTheLatencyApart) {
  Machine machine;
  machine.mxu.rows = 16;
  machine.mxu.cols = 8;
  machine.mxu.load_rows_per_cycle = 16;
  machine.mxu.pe_latency = 1;
  for (const std::uint64_t m : {1u, 10u, 23u, 24u, 25u, 40u}) {
    MxuTiming timing(machine);
    MxuTile t;
    t.accumulate = true;
    t.m = m;
    t.n = 8;
    t.k = 16;
    t.acc_stride = 32;
    const MxuTileTimes first = timing.tile(Cycle(0), t), second = timing.tile(Cycle(0), t);
    EXPECT_EQ(second.stream_start - first.stream_start, Cycle(std::max<std::uint64_t>(m, 16 + 8)));
  }
}

}  // namespace
}  // namespace assay
