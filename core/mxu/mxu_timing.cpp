#include "core/mxu/mxu_timing.hpp"

#include <algorithm>

namespace assay::core {

Cycle MxuTiming::load(Cycle ready, std::uint64_t rows, std::uint64_t load_factor) {
  shadow_load_start_ = std::max({ready, loader_free_, shadow_free_});
  shadow_loaded_ = shadow_load_start_ + Cycle(ceil_div(rows, machine_.mxu.load_rows_per_cycle) * load_factor);
  loader_free_ = shadow_loaded_;
  return shadow_loaded_;
}

// The earliest start at which every row that the tile reads, row i at start + i * read_per_row, has been
// written by the earlier tiles that touch it.
Cycle MxuTiming::acc_ready(const MxuTile& tile, Cycle start, std::uint64_t read_per_row) const {
  const std::uint64_t row_bytes = tile.n * 4;
  const std::uint64_t end = tile.acc_base + (tile.m - 1) * tile.acc_stride + row_bytes;
  for (const PendingWrite& write : pending_) {
    const std::uint64_t write_end = write.base + (write.rows - 1) * write.stride + write.row_bytes;
    if (write_end <= tile.acc_base || end <= write.base) continue;
    if (write.stride != tile.acc_stride || write.stride == 0) {
      start = std::max(start, write.last() + Cycle(1));  // another layout: the whole tile is waited for
      continue;
    }
    const auto stride = static_cast<std::int64_t>(write.stride);
    const std::int64_t delta =
        static_cast<std::int64_t>(tile.acc_base) - static_cast<std::int64_t>(write.base);
    const std::int64_t column = (delta % stride + stride) % stride;
    const bool beside = column >= static_cast<std::int64_t>(write.row_bytes) &&
                        column + static_cast<std::int64_t>(row_bytes) <= stride;
    if (beside) continue;  // other columns of the same rows
    // Row i of the tile is row i + shift of the write (or, where columns straddle, no later than that).
    const std::int64_t shift = (delta - column) / stride + (column == 0 ? 0 : 1);
    const auto cycle_of_row = [&](std::int64_t i) {
      const std::int64_t row = std::min<std::int64_t>(i + shift, static_cast<std::int64_t>(write.rows) - 1);
      const std::uint64_t written = write.first.count() + static_cast<std::uint64_t>(row) * write.per_row + 1;
      const std::uint64_t lead = static_cast<std::uint64_t>(i) * read_per_row;
      return Cycle(written > lead ? written - lead : 0);
    };
    const std::int64_t first = std::max<std::int64_t>(0, -shift);
    const std::int64_t last =
        std::min(static_cast<std::int64_t>(tile.m), static_cast<std::int64_t>(write.rows) - shift) - 1;
    if (column == 0 && first > last) continue;
    start = std::max({start, cycle_of_row(first), cycle_of_row(std::max(first, last))});
  }
  return start;
}

// The earliest cycle at which an output-stationary tile can begin to read its partials.
Cycle MxuTiming::preload_from(Cycle ready) const {
  return std::max({ready, loader_free_, accumulators_free_, partials_read_, last_start_});
}

// Notes the tile's writes and forgets those that no later tile can read too early, of either dataflow.
void MxuTiming::note_write(Cycle ready, const MxuTile& tile, Cycle first, std::uint64_t per_row) {
  pending_.push_back({tile.acc_base, tile.acc_stride, tile.m, tile.n * 4, first, per_row});
  last_write_ = std::max(last_write_, pending_.back().last() + Cycle(1));
  const Cycle next_read = std::min(stream_free_, preload_from(ready));
  while (!pending_.empty() && pending_.front().last() < next_read) pending_.pop_front();
}

MxuTileTimes MxuTiming::tile(Cycle ready, const MxuTile& tile) {
  const MxuTileTimes times =
      tile.output_stationary ? output_stationary(ready, tile) : weight_stationary(ready, tile);
  last_start_ = times.stream_start;
  return times;
}

MxuTileTimes MxuTiming::weight_stationary(Cycle ready, const MxuTile& tile) {
  MxuTileTimes t;
  if (tile.load) load(ready, ceil_div(tile.k, tile.chain), tile.load_factor);
  t.load_start = shadow_load_start_;
  t.load_end = shadow_loaded_;
  const std::uint64_t per_row = std::max(tile.cycles_per_step, tile.feed_factor);
  const Cycle array_ready = std::max(ready, stream_free_);
  const Cycle loaded = std::max(array_ready, shadow_loaded_);
  // Results leave the array when their row is done and cannot wait: not into an earlier tile's drain.
  const Cycle latency(machine_.mxu.rows * machine_.mxu.pe_latency + machine_.mxu.cols - 1);
  const Cycle drained = drain_free_ < latency ? Cycle(0) : drain_free_ + Cycle(1) - latency;
  t.stream_start = std::max(loaded, drained);
  const Cycle lead(tile.cycles_per_step - 1);  // a row's partial meets the last pass of its products
  if (tile.accumulate) t.stream_start = acc_ready(tile, t.stream_start + lead, per_row) - lead;
  t.stall_load = loaded - array_ready;
  t.stall_acc = t.stream_start - loaded;
  t.stream_end = t.stream_start + Cycle(tile.m * per_row);
  t.stall_feed = Cycle(tile.m * (per_row - tile.cycles_per_step));
  t.first_write = t.stream_start + lead + latency;
  t.last_write = t.first_write + Cycle((tile.m - 1) * per_row);
  stream_free_ = t.stream_end;
  shadow_free_ = t.stream_start;  // the buffers swap as the stream begins
  if (tile.accumulate) partials_read_ = t.stream_end;
  note_write(ready, tile, t.first_write, per_row);
  return t;
}

MxuTileTimes MxuTiming::output_stationary(Cycle ready, const MxuTile& tile) {
  MxuTileTimes t;
  const std::uint64_t steps = ceil_div(tile.k, tile.chain);
  const std::uint64_t per_step = std::max(tile.cycles_per_step, tile.feed_factor);
  const Cycle array_ready = std::max(ready, stream_free_);
  // Partials enter a row a cycle, into the set of accumulators that is not in use.
  Cycle filled = array_ready;
  t.load_start = t.load_end = ready;
  if (tile.accumulate) {
    t.load_start = acc_ready(tile, preload_from(ready), 1);
    t.load_end = t.load_start + Cycle(tile.m);
    loader_free_ = t.load_end;
    filled = std::max(filled, t.load_end);
  }
  t.stream_start = std::max(filled, accumulators_free_);
  t.stall_load = filled - array_ready;
  t.stall_acc = t.stream_start - filled;
  t.stream_end = t.stream_start + Cycle(steps * per_step);
  t.stall_feed = Cycle(steps * (per_step - tile.cycles_per_step));
  const Cycle finished = t.stream_end + Cycle(machine_.mxu.rows + machine_.mxu.cols - 2);
  t.first_write = std::max(finished, drain_free_) + Cycle(1);
  t.last_write = t.first_write + Cycle(tile.m - 1);
  drain_free_ = t.last_write;
  stream_free_ = t.stream_end;
  // The set that this tile used is free when drained; the other one may be filled meanwhile.
  accumulators_free_ = previous_drained_;
  previous_drained_ = t.last_write;
  note_write(ready, tile, t.first_write, 1);
  return t;
}

}  // namespace assay::core
