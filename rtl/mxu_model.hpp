// The MXU in RTL, verilated (rtl/mxu.sv), with the memories around it: runs commands, and reads at its ports
// what it does and when.
//
// SPM and ACC answer within the cycle. SPM stalls the feed and the loader as long as the caller's
// BankModel says that a pattern takes. Nothing here computes a time: cycles are counted at the clock, and an
// event is dated by the cycle in which the ports show it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "isa/generated/commands.hpp"

namespace assay::rtl {

// The verilated arrays: rows x columns, rows of the stationary operand loaded in a cycle, s8 products a PE
// and cycle.
enum class Array { Mxu4x4, Mxu8x8, Mxu4x8, Mxu4x4WithFaults };
struct ArraySize {
  std::uint32_t rows, cols, load_rows, s8_chain;
};
ArraySize size_of(Array array);

// Faults of Mxu4x4WithFaults: fault_t of rtl/mxu_types.sv, in its order.
enum class Fault {
  None,
  Sticky,        // PE: the bits below the rounding position are lost
  TiesUp,        // PE: rounds ties away from even
  IntSign,       // PE: a product of integers is taken for unsigned
  Padding,       // PE: structural padding multiplies
  SkewIn,        // a register too many before a row
  SkewOut,       // a register too many behind a column
  WeightBuffer,  // the stationary operand has one buffer
  SwapLate,      // the buffers swap a row late
  DrainSet,      // the drain reads the other set of accumulators
  Interlock,     // partials are read without waiting for them
  LoadBubble,    // the loader starts a cycle late
  EarlyDrain,    // rows leave into an earlier tile's drain
  ZeroPoint,     // zero points are not subtracted
  Fp8,           // e4m3 is taken for e5m2
  Skip,          // elements that are -0 multiply
  Dequantise,    // weights round ties away from even
};

// One access of the feed or the loader: `lines` x `length` elements; the elements of a line are neighbours in
// memory, and neighbours in the array where contiguous_across.
struct Access {
  bool contiguous_across = true;
  std::uint64_t across = 1, steps = 1;
  std::uint64_t bits = 8, stride = 0;  // of an element; bytes between lines
};

// Cycles that SPM's banks need for an access that is repeated step by step.
using BankModel = std::function<std::uint64_t(const Access&)>;

struct Issue {
  isa::MxuCommand command;
  std::uint64_t arrival = 0;  // the command waits at the port from this cycle on
};

// Cycles of one command, as seen at the ports.
struct Observed {
  std::uint64_t taken = 0;                         // cmd_valid and cmd_ready
  std::uint64_t start = 0;                         // the first beat of its first load or step
  std::uint64_t stream_end = 0;                    // past the last step, its stalls included (mxu.load: 0)
  std::uint64_t end = 0;                           // past its last write, or of mxu.load its last beat
  std::map<std::uint32_t, std::uint32_t> written;  // ACC word -> what it wrote there last
};

struct Memories {
  std::vector<std::byte> spm, acc;
};

class MxuModel {
 public:
  virtual ~MxuModel() = default;
  // From reset: runs all commands to their last write. Throws std::runtime_error where the array writes what
  // no command asked for, or is silent for long.
  virtual std::vector<Observed> run(const std::vector<Issue>& program, Memories& memories) = 0;
  // Random stalls on top of the BankModel's, for as long as seed is not 0: they may cost time but change no
  // bit.
  virtual void set_random_stalls(std::uint64_t seed) = 0;
};

std::unique_ptr<MxuModel> make_mxu(Array array, BankModel banks, Fault fault = Fault::None);

}  // namespace assay::rtl
