#include "sim/engine_module.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "isa/command.hpp"

namespace assay::sim {

EngineModule::EngineModule(sc_core::sc_module_name name, Phase phase, const Machine& machine,
                           SemaphoreModule& semaphores, FaultSink& faults)
    : sc_module(name),
      phase_(phase),
      depth_(machine.sync.queue_depth),
      signal_cycles_(machine.sync.signal_cycles),
      semaphores_(semaphores),
      faults_(faults) {
  SC_THREAD(run);
}

void EngineModule::push(CommandRecord& record) {
  queue_.push_back(&record);
  pushed_.notify(sc_core::SC_ZERO_TIME);
}

void EngineModule::run() {
  for (;;) {
    while (queue_.empty()) {
      became_idle_.notify(sc_core::SC_ZERO_TIME);
      wait(pushed_);
    }
    Cycle now = align(phase_);
    CommandRecord& record = *queue_.front();
    head_ = &record;
    executing_ = true;
    try {
      now = execute(record, now);
    } catch (const core::CommandFault& fault) {
      faults_.raise(Outcome::fault, fmt::format("{} at pc {:#x} (command {}): {}",
                                                isa::to_string(isa::instruction_of(record.command)),
                                                record.pc, record.id, fault.what()));
      return;
    }
    wait_until(now, phase_);
    queue_.pop_front();
    popped_.notify(sc_core::SC_ZERO_TIME);
    executing_ = false;
    head_ = nullptr;
  }
}

Cycle EngineModule::execute(CommandRecord& record, Cycle now) {
  const isa::Instruction instruction = isa::instruction_of(record.command);
  if (const auto* sync = std::get_if<isa::SemaphoreCommand>(&record.command)) {
    record.start = now;
    if (instruction == isa::Instruction::sem_wait) {
      const Cycle taken = semaphores_.take(sync->semaphore, phase_);
      if (taken > now) semaphore_waits_.emplace_back(now, taken);
      now = taken;
    } else {
      semaphores_.post_at(std::max(now, writes_visible()) + signal_cycles_, sync->semaphore);
    }
    record.end = now;
    return now;
  }
  account_gap(now);
  semaphore_waits_.clear();
  return launch(record, now);
}

void EngineModule::account_gap(Cycle ready) {
  for (const auto& [from, to] : semaphore_waits_) {
    ledger().mark(from, core::Owner::idle);
    ledger().mark(to, core::Owner::stall_semaphore);
  }
  ledger().mark(ready, core::Owner::idle);
}

std::string EngineModule::blocked_on() const {
  if (head_ == nullptr) return {};
  const auto* sync = std::get_if<isa::SemaphoreCommand>(&head_->command);
  if (sync == nullptr || sync->instruction != isa::Instruction::sem_wait) return {};
  return fmt::format("{} waits for semaphore {} at pc {:#x}", name(), sync->semaphore, head_->pc);
}

}  // namespace assay::sim
