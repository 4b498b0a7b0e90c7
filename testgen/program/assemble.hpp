// From a program to what the machine loads: instructions, literals, the trap handler, and the semaphores and
// fences that keep its commands in order.
//
// Registers: x1..x25 and f0..f31 are the items'. x26 points into the scratch memory, x27 at the next entry of
// the trap log; x28..x31 are used between items. docs/programs.md has the layout.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "golden/machine/reference.hpp"
#include "testgen/program/program.hpp"

namespace assay::testgen::program {

inline constexpr unsigned kScratchRegister = 26, kLogRegister = 27;
inline constexpr std::int64_t kScratchBytes = 4096;  // x26 points at its middle

// A stretch of the host's address space.
struct Segment {
  std::uint64_t address = 0;
  std::vector<std::uint8_t> bytes;
};

// Where an item's own instructions lie.
struct Placed {
  std::uint64_t begin = 0, end = 0;
  std::size_t item = 0;  // index in Program::items
};

struct SyncCounts {
  std::uint64_t signals = 0, fences = 0;  // each signal has its wait; fence.ai
};

struct CheckTable;

struct Image {
  Segment tcm;               // program and data
  std::vector<Segment> hbm;  // what it holds at the start
  std::uint64_t entry = 0;
  std::uint64_t log = 0, log_bytes = 0;  // the trap log: mcause, mepc, mtval and a place of the handler's
  std::uint64_t scratch = 0;
  std::uint64_t ending = 0;    // where the items are over
  std::uint64_t traps = 0;     // that the log can take
  std::uint64_t compared = 0;  // self-checking: where the first comparison begins
  std::vector<Placed> placed;  // by address
  SyncCounts sync;

  std::optional<std::size_t> item_at(std::uint64_t pc) const;
};

// Throws Error(Usage) where it does not fit the machine's TCM, or its memory the machine's.
struct AssembleOptions {
  bool self_checking = false;  // brings its memory along and judges itself: self_check.hpp
};
Image assemble(const Program& program, const Machine& machine, const AssembleOptions& options = {});

// A reference machine with the image in its memories.
void load(const Image& image, golden::machine::ReferenceMachine& reference);

inline constexpr std::uint64_t kMostInstructions = 5'000'000;  // of a program on the reference machine

}  // namespace assay::testgen::program
