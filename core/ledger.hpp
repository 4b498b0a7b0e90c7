// Where a unit's cycles went. Every cycle has exactly one owner: marks move forward only, so the sum
// of all entries is the time of the last mark.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/units.hpp"

namespace assay::core {

enum class Owner : std::uint8_t {
  busy,             // the unit does its work: rows stream, elements pass, bytes are in flight, host executes
  setup,            // fixed start-up of a command
  stall_load,       // MXU: the stationary operand (OS: the partials) is not loaded yet
  stall_acc,        // MXU: a partial is still on its way into ACC
  stall_bank,       // bank conflicts of the operand feed
  stall_semaphore,  // the queue's head waits for a semaphore
  stall_queue,      // host: the engine's queue is full
  stall_fence,      // host: fence.ai
  stall_memory,     // host: an access outside TCM
  drain,            // MXU: results on their way into ACC, nothing to stream
  idle,             // no command (engines); halted (host)
};
inline constexpr std::size_t kOwners = 11;
std::string_view to_string(Owner owner);

class Ledger {
 public:
  // Everything from the last mark to `until` belongs to `owner`. A mark in the past adds nothing.
  void mark(Cycle until, Owner owner) {
    if (until <= marked_) return;
    cycles_[static_cast<std::size_t>(owner)] += until - marked_;
    marked_ = until;
  }
  Cycle marked() const { return marked_; }
  Cycle of(Owner owner) const { return cycles_[static_cast<std::size_t>(owner)]; }
  Cycle sum() const;

 private:
  Cycle marked_;
  std::array<Cycle, kOwners> cycles_{};
};

}  // namespace assay::core
