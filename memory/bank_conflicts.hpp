// Bank conflicts of one regular access pattern.
//
// SPM and ACC are split into `banks` of `bank_bytes` each, neighbouring bytes in the same bank word,
// neighbouring words in neighbouring banks. A bank serves one read and one write a cycle.
#pragma once

#include <cstdint>
#include <vector>

#include "base/machine.hpp"
#include "base/units.hpp"

namespace assay::memory {

// Cycles that the banks need to serve `lines` simultaneous accesses of `line_bytes` contiguous bytes,
// `stride` bytes apart: the load of the fullest bank, each word counted once however many lines touch it.
// 1 where nothing conflicts. Exact where the first line starts with a bank 0 word; one that starts inside
// a word may touch a word more a line. Costs a step a line.
Cycle conflict_cycles(const Machine::LocalMemory& memory, std::uint64_t lines, std::uint64_t line_bytes,
                      std::int64_t stride);

// The same for accesses at any places: the bytes that each begins with; each lies within one bank word.
Cycle conflict_cycles(const Machine::LocalMemory& memory, std::vector<std::int64_t> places);

}  // namespace assay::memory
