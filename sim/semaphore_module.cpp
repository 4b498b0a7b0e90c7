#include "sim/semaphore_module.hpp"

#include <algorithm>

namespace assay::sim {

SemaphoreModule::SemaphoreModule(sc_core::sc_module_name name, std::uint32_t count)
    : sc_module(name), semaphores_(count), signallers_(count, Phase::semaphores), posted_(count) {
  SC_METHOD(deliver);
  sensitive << due_;
  dont_initialize();
}

void SemaphoreModule::post_at(Cycle cycle, std::uint32_t index, Phase by) {
  signallers_[index] = by;
  posts_.emplace(cycle.count(), index);
  const sc_core::sc_time now = sc_core::sc_time_stamp();
  const sc_core::sc_time at = std::max(time_of(cycle, Phase::semaphores), now);  // signal_cycles may be 0
  due_.notify(at - now);                                                         // an earlier notice stays
}

void SemaphoreModule::deliver() {
  const std::uint64_t now = current_cycle().count();
  while (!posts_.empty() && posts_.begin()->first <= now) {
    const std::uint32_t index = posts_.begin()->second;
    posts_.erase(posts_.begin());
    semaphores_.post(index);
    if (posted_[index]) posted_[index]->notify(sc_core::SC_ZERO_TIME);
  }
  if (!posts_.empty())
    due_.notify(time_of(Cycle(posts_.begin()->first), Phase::semaphores) - sc_core::sc_time_stamp());
}

Cycle SemaphoreModule::take(std::uint32_t index, Phase phase) {
  Cycle now = align(phase);
  while (!semaphores_.try_take(index)) {
    if (!posted_[index]) posted_[index] = std::make_unique<sc_core::sc_event>();
    sc_core::wait(*posted_[index]);
    now = align(phase);
  }
  return now;
}

}  // namespace assay::sim
