#include "core/ledger.hpp"

namespace assay::core {

std::string_view to_string(Owner owner) {
  switch (owner) {
    case Owner::busy: return "busy";
    case Owner::setup: return "setup";
    case Owner::stall_load: return "stall_load";
    case Owner::stall_acc: return "stall_acc";
    case Owner::stall_bank: return "stall_bank";
    case Owner::stall_semaphore: return "stall_semaphore";
    case Owner::stall_queue: return "stall_queue";
    case Owner::stall_fence: return "stall_fence";
    case Owner::stall_memory: return "stall_memory";
    case Owner::drain: return "drain";
    case Owner::idle: return "idle";
  }
  return "?";
}

Cycle Ledger::sum() const {
  Cycle total;
  for (const Cycle cycles : cycles_) total += cycles;
  return total;
}

}  // namespace assay::core
