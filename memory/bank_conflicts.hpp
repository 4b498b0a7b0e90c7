// Bank conflicts of one regular access pattern, in closed form.
//
// SPM and ACC are split into `banks` of `bank_bytes` each, neighbouring bytes in the same bank word,
// neighbouring words in neighbouring banks. A bank serves one read and one write a cycle.
#pragma once

#include <cstdint>

#include "base/machine.hpp"
#include "base/units.hpp"

namespace assay::memory {

// Cycles that the banks need to serve `lines` simultaneous accesses of `line_bytes` contiguous bytes,
// `stride` bytes apart: the load of the fullest bank. 1 where nothing conflicts.
Cycle conflict_cycles(const Machine::LocalMemory& memory, std::uint64_t lines, std::uint64_t line_bytes,
                      std::int64_t stride);

}  // namespace assay::memory
