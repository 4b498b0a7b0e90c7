// The semaphores in time: posts are delivered at the start of their cycle, before any engine acts.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "core/semaphores.hpp"
#include "sim/clock.hpp"

namespace assay::sim {

class SemaphoreModule : public sc_core::sc_module {
 public:
  SC_HAS_PROCESS(SemaphoreModule);
  SemaphoreModule(sc_core::sc_module_name name, std::uint32_t count);

  void post_at(Cycle cycle, std::uint32_t index, Phase by);
  // Blocks the calling thread until the semaphore is positive, then takes it. `phase`: the caller's.
  // Returns the cycle at which it was taken.
  Cycle take(std::uint32_t index, Phase phase);
  // The engine that posted it last.
  Phase signaller(std::uint32_t index) const { return signallers_[index]; }
  const core::Semaphores& state() const { return semaphores_; }

 private:
  void deliver();

  core::Semaphores semaphores_;
  std::vector<Phase> signallers_;
  std::multimap<std::uint64_t, std::uint32_t> posts_;  // cycle -> semaphore
  sc_core::sc_event due_;
  std::vector<std::unique_ptr<sc_core::sc_event>> posted_;  // of those that were ever waited for
};

}  // namespace assay::sim
