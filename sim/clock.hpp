// SystemC time as core cycles and phases.
//
// Every module acts at its own phase of a cycle, so that no two of them ever meet at the same instant:
// what each sees of the others does not depend on the order in which SystemC runs its processes, nor on
// how often the host synchronises. Within a cycle: semaphores are posted, memory answers, then the engines act in the
// order below, then the host.
#pragma once

#include <systemc>

#include "base/units.hpp"

namespace assay::sim {

enum class Phase : unsigned { semaphores = 0, memory = 50, dma_in = 100, dma_out = 200, mxu = 300, vxu = 400, host = 500 };

inline constexpr std::uint64_t kUnitsPerCycle = 1000;  // SystemC time units (its resolution, 1 ps) a cycle

inline sc_core::sc_time time_of(Cycle cycle, Phase phase) {
  return sc_core::sc_time::from_value(cycle.count() * kUnitsPerCycle + static_cast<unsigned>(phase));
}

inline Cycle current_cycle() { return Cycle(sc_core::sc_time_stamp().value() / kUnitsPerCycle); }

// Suspends the calling thread until `cycle` at its phase; returns at once where that has passed.
inline void wait_until(Cycle cycle, Phase phase) {
  const sc_core::sc_time target = time_of(cycle, phase);
  if (target > sc_core::sc_time_stamp()) sc_core::wait(target - sc_core::sc_time_stamp());
}

// Moves to the next instant of this phase: now, or where that has passed in this cycle, in the next one.
inline Cycle align(Phase phase) {
  Cycle cycle = current_cycle();
  if (time_of(cycle, phase) < sc_core::sc_time_stamp()) cycle += Cycle(1);
  wait_until(cycle, phase);
  return cycle;
}

}  // namespace assay::sim
