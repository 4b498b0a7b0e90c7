// The matrix unit: executes mxu.* commands. Arithmetic in tile_multiply.hpp, time in mxu_timing.hpp;
// this is where the two meet.
//
// A command is a loop nest of tiles: `outer` x `inner` repetitions, inner fastest, each advancing A, B
// and the result by its steps. The last inner repetition has n_last columns, the last outer one k_last
// products (0: as the others). A repetition accumulates onto the stored partial where the command says
// so, or where an earlier outer repetition has written the same tile (outer_acc_step 0). An operand with a
// pattern (core/mxu/pattern.hpp) advances by indices in place of bytes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/machine.hpp"
#include "core/ledger.hpp"
#include "core/mxu/mxu_timing.hpp"
#include "core/mxu/pattern.hpp"
#include "isa/generated/commands.hpp"
#include "memory/local_memory.hpp"

namespace assay::core {

struct MxuCounters {
  std::uint64_t macs = 0;          // m * n * k of every tile: the products formed
  std::uint64_t macs_padding = 0;  // array slots beside them, in the cycles that rows streamed
  std::uint64_t tiles = 0;
};

// When a command was taken up and what it left behind.
struct CommandTimes {
  Cycle start, end;   // first activity; all its writes visible
  Cycle next_accept;  // the engine takes up the next command; not in the cycle of this one
  Cycle work_start;   // its first operands pass
};

class Mxu {
 public:
  Mxu(const Machine& machine, memory::LocalMemory& local)
      : machine_(machine),
        local_(local),
        timing_(machine),
        split_(std::uint64_t{machine.mxu.rows} * machine.mxu.cols * kMostChain) {}

  // `ready`: the command is at the engine and every wait before it has passed. The array's time before
  // `ready` is the caller's to mark in ledger(). Throws CommandFault.
  CommandTimes execute(const isa::MxuCommand& command, Cycle ready);
  CommandTimes load(const isa::MxuCommand& command, Cycle ready);
  CommandTimes compute(const isa::MxuCommand& command, bool output_stationary, Cycle ready);

  // A command that streams beyond this cycle is a CommandFault: repeat counts can ask for years.
  void set_time_limit(Cycle limit) { time_limit_ = limit; }

  const MxuCounters& counters() const { return counters_; }
  Ledger& ledger() { return ledger_; }
  Cycle stream_free() const { return timing_.stream_free(); }
  // What a signal waits for: every write is visible, and every mxu.load has read its operand.
  Cycle writes_visible() const { return std::max(timing_.writes_visible(), timing_.loaded()); }
  Cycle drained() const { return timing_.writes_visible(); }

 private:
  static constexpr std::uint64_t kMostChain = 4;  // products a PE and cycle; a rate's chain divides it

  struct Tile {
    MxuTile timing;
    isa::LocalAddr a, b, acc;
    IndexRange a_rows, a_products, b_cols, b_products;  // of operands with a pattern
    std::uint64_t outer = 0, inner = 0;                 // the repetition
    std::uint64_t a_feed = 0, b_feed = 0;               // cycles that the banks need a step; 0: not known
    bool resident = false;                              // B is in the shadow buffer already
  };

  // What mxu.load left in the shadow buffer.
  struct Shadow {
    bool loaded = false;
    DType dtype = DType::f32, b_dtype = DType::f32;  // of A, and of B where it lay
    bool dequantised = false;
    std::uint64_t k = 0, n = 0;
    bool b_n_major = false;  // always where B has a pattern
    std::size_t line_stride = 0;
    std::vector<std::byte> values;  // empty in timing-only runs
  };

  const std::byte* read_at(isa::LocalAddr address) const { return std::as_const(local_).at(address); }
  static bool a_repeats(const Tile& x, const Tile& y);
  void take(const isa::MxuCommand& command, bool output_stationary);
  void fill_shadow(const isa::MxuCommand& command, const Tile& tile);
  void check_command(const isa::MxuCommand& command, bool output_stationary) const;
  void check_resident(const isa::MxuCommand& command, const Tile& tile) const;
  void check_tile(const isa::MxuCommand& command, const Tile& tile) const;
  void check_dequantisation(const isa::MxuCommand& command, const Tile& tile) const;
  std::uint64_t dequantisation_bytes(const isa::MxuCommand& command, const MxuTile& tile) const;
  std::vector<std::byte> dequantised(const isa::MxuCommand& command, const Tile& tile) const;
  Tile tile_at(const isa::MxuCommand& command, bool output_stationary, std::uint64_t outer,
               std::uint64_t inner, const Tile& before) const;
  void check_patterns(const isa::MxuCommand& command) const;
  void check_pattern(const char* name, isa::LocalAddr base, const OperandPattern& pattern, IndexRange lines,
                     IndexRange products, std::uint64_t element) const;
  void add_bank_conflicts(const isa::MxuCommand& command, Tile& tile, const Tile& before) const;
  std::uint64_t feed_of_a(const isa::MxuCommand& command, const Tile& tile) const;
  std::uint64_t feed_of_b(const isa::MxuCommand& command, const Tile& tile, std::uint64_t steps) const;
  void multiply_values(const isa::MxuCommand& command, const Tile& tile, bool same_a);
  void book_ports(const isa::MxuCommand& command, const Tile& tile, const MxuTileTimes& times);
  void account(const MxuTile& tile, const MxuTileTimes& times);

  const Machine& machine_;
  memory::LocalMemory& local_;
  MxuTiming timing_;
  MxuCounters counters_;
  Ledger ledger_;
  WorkSplit split_;  // a slot: a product that a PE could have begun
  Shadow shadow_;
  OperandPattern a_pattern_, b_pattern_;        // of the command
  std::vector<std::byte> a_values_, b_values_;  // an operand with a pattern, gathered
  Cycle time_limit_{~std::uint64_t{0}};
};

}  // namespace assay::core
