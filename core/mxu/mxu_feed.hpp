// What the operand feed and the loader ask of the SPM banks, and how often their own pattern makes them
// wait.
//
// Every row (and column) of the array has a line buffer of one bank word. An operand whose elements are
// contiguous across the array is read a line a step; one that is contiguous along the stream refills each
// line buffer once a word, the array's rows in turn. Conflicts between different readers are not counted
// here.
#pragma once

#include <cstdint>
#include <vector>

#include "base/machine.hpp"

namespace assay::core {

// One operand of a tile: `across` array rows or columns, `chain` elements of k a step.
struct Feed {
  bool contiguous_across = true;  // neighbours in memory feed neighbours in the array
  std::uint64_t across = 1;       // elements side by side in the array
  std::uint64_t per_step = 1;     // lines (or elements of each line buffer) consumed a step
  DType type = DType::s8;         // of the elements
  std::uint64_t stride = 0;       // bytes between lines
};

// Cycles a step takes at least so that the banks keep up; 1 where nothing conflicts.
std::uint64_t feed_cycles(const Machine::LocalMemory& spm, const Feed& feed);

// The same for an operand of any pattern (core/mxu/pattern.hpp): places of the elements side by side in the
// array, and how far the stream moves them. Either every step reads its words, or line buffers are refilled
// as the stream leaves their words, whichever is less; a sample of the stream stands for all of it.
struct PatternFeed {
  std::vector<std::int64_t> across;  // bytes from the start of SPM
  std::vector<std::int64_t> along;   // bytes beside them, in the order of the stream
  std::uint64_t per_step = 1;        // of `along`
};
std::uint64_t feed_cycles(const Machine::LocalMemory& spm, const PatternFeed& feed);

}  // namespace assay::core
