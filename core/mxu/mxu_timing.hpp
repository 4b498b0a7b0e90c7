// When the MXU does what: closed forms per tile.
//
// The array is a pipeline with three parts that overlap: the loader of the stationary operand (two
// buffers: one in use, one being filled), the stream of operand rows through the array, and the drain
// of results into ACC. Weight stationary, for an R x C array and a tile of m rows:
//
//   load      ceil(k' / load_rows_per_cycle) cycles, k' = stationary rows of the tile
//   stream    m * cycles_per_step cycles; a row enters the array every cycles_per_step
//   partial i is read cycles_per_step - 1 cycles after row i entered the array
//   result i  enters ACC R * pe_latency + C - 1 cycles after its partial
//
// Output stationary: k steps stream; results drain a row a cycle, R + C - 2 cycles of skew after the
// last step, while the next tile streams (the accumulators are double-buffered too).
// Stored partials are read when their row (WS, see above) or tile (OS) enters; a read waits for the write of
// the same row by an earlier tile. It waits longer than it must where the rows of the two do not lie one on
// the other: a row longer where their columns overlap but begin elsewhere, the whole tile where their strides
// differ. ACC takes and gives a row a cycle, so a tile also waits for the drain and the partials of one of
// the other dataflow. A tile is prepared (its operand loaded, its partials read) while the one before it
// streams, no earlier. Sources: these forms are those of a skewed systolic array (Kung and
// Leiserson 1978); SCALE-Sim's folds * (2R + C + M - 2) - 1 is the same without any overlap.
//
// Confirmed against the array in RTL (docs/rtl.md) by tests/rtl/mxu_test.cpp,
// MxuRtl.RandomCommandsHaveTheBitsAndTheCyclesOfTheModel: the cycles of random commands.
#pragma once

#include <cstdint>
#include <deque>

#include "base/machine.hpp"
#include "base/units.hpp"

namespace assay::core {

// One tile of work: a repetition of an mxu.ws or mxu.os.
struct MxuTile {
  bool output_stationary = false;
  bool load = true;         // WS: the stationary operand must be loaded (it is not resident yet)
  bool accumulate = false;  // partials are read from ACC
  std::uint64_t m = 0, n = 0, k = 0;
  std::uint64_t chain = 1;                     // k products a PE chains a cycle
  std::uint64_t cycles_per_step = 1;           // cycles that a row (WS) or a k step (OS) holds the array
  std::uint64_t feed_factor = 1;               // bank conflicts of the operand feed: cycles per step at least
  std::uint64_t load_factor = 1;               // the same for the loader
  std::uint64_t acc_base = 0, acc_stride = 0;  // bytes: where the result rows go
};

struct MxuTileTimes {
  Cycle load_start, load_end;
  Cycle stream_start, stream_end;  // the array accepts operands in [start, end)
  Cycle first_write, last_write;   // result rows enter ACC
  Cycle stall_load, stall_acc;     // of the wait before stream_start: for the loader, for ACC rows
  Cycle stall_feed;                // of the stream: extra cycles for bank conflicts
};

class MxuTiming {
 public:
  explicit MxuTiming(const Machine& machine) : machine_(machine) {}

  // Each form is confirmed by the test above: load(), tile() of both dataflows with every overlap of load,
  // stream, drain and partials, at chain 1 and 2 and cycles_per_step 1 and 4, with feed_factor and
  // load_factor. Not yet: the extra waits of acc_ready() off a common grid (AccInterlock.AnyLayoutIsSafe
  // shows that they are long enough), and pe_latency, which is 1.

  // Fills the shadow buffer; `ready` is when the command reaches the engine. Returns its end.
  Cycle load(Cycle ready, std::uint64_t rows, std::uint64_t load_factor);
  MxuTileTimes tile(Cycle ready, const MxuTile& tile);

  Cycle stream_free() const { return stream_free_; }
  Cycle writes_visible() const { return last_write_; }
  Cycle load_start() const { return shadow_load_start_; }
  Cycle loaded() const { return shadow_loaded_; }

 private:
  struct PendingWrite {  // a tile whose results are on their way into ACC
    std::uint64_t base, stride, rows, row_bytes;
    Cycle first;
    std::uint64_t per_row;  // cycles between rows
    Cycle last() const { return first + Cycle((rows - 1) * per_row); }
  };

  Cycle acc_ready(const MxuTile& tile, Cycle start, std::uint64_t read_per_row) const;
  Cycle preload_from(Cycle ready) const;
  void note_write(Cycle ready, const MxuTile& tile, Cycle first, std::uint64_t per_row);
  MxuTileTimes weight_stationary(Cycle ready, const MxuTile& tile);
  MxuTileTimes output_stationary(Cycle ready, const MxuTile& tile);

  const Machine& machine_;
  Cycle loader_free_, shadow_free_, shadow_loaded_, shadow_load_start_;
  Cycle stream_free_, drain_free_, last_write_;
  Cycle last_start_;                            // the tile before began to stream: only one is prepared ahead
  Cycle partials_read_;                         // WS: the last row's partial has been read
  Cycle accumulators_free_, previous_drained_;  // OS: when the other set of accumulators has drained
  std::deque<PendingWrite> pending_;
};

}  // namespace assay::core
