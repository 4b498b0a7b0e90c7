#include "sim/engine_module.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "isa/command.hpp"

namespace assay::sim {

EngineModule::EngineModule(sc_core::sc_module_name name, Phase phase, const Machine& machine,
                           SemaphoreModule& semaphores, Supervision& supervision)
    : sc_module(name),
      phase_(phase),
      depth_(machine.sync.queue_depth),
      signal_cycles_(machine.sync.signal_cycles),
      semaphores_(semaphores),
      supervision_(supervision) {
  SC_THREAD(run);
}

void EngineModule::push(CommandRecord& record) {
  queue_.push_back(&record);
  pushed_.notify(sc_core::SC_ZERO_TIME);
}

void EngineModule::run() {
  stack_.enter();
  for (;;) {
    Cycle now = next_command();
    CommandRecord& record = *queue_.front();
    head_ = &record;
    executing_ = true;
    record.head = now;
    try {
      now = execute(record, now);
      record.accept = now;
    } catch (const core::CommandFault& fault) {
      const auto name = isa::to_string(isa::instruction_of(record.command));
      supervision_.faults.raise(
          Outcome::fault,
          fmt::format("{} at pc {:#x} (command {}): {}", name, record.pc, record.id, fault.what()),
          {{record.pc, fmt::format("{} #{}", name, record.id)}});
      return;
    }
    wait_until(now, phase_);
    ++engine_counters_.commands;
    queue_.pop_front();
    popped_.notify(sc_core::SC_ZERO_TIME);
    executing_ = false;
    head_ = nullptr;
  }
}

// Waits until the queue holds a command.
Cycle EngineModule::next_command() {
  const Cycle from = current_cycle();
  const bool empty = queue_.empty();
  while (queue_.empty()) {
    became_idle_.notify(sc_core::SC_ZERO_TIME);
    wait(pushed_);
  }
  const Cycle now = align(phase_);
  if (empty) gaps_.push_back({from, now, core::Owner::stall_host});
  return now;
}

Cycle EngineModule::execute(CommandRecord& record, Cycle now) {
  const isa::Instruction instruction = isa::instruction_of(record.command);
  if (const auto* sync = std::get_if<isa::SemaphoreCommand>(&record.command)) {
    record.start = now;
    if (instruction == isa::Instruction::sem_wait) {
      now = take(*sync, now);
      if (supervision_.sanitizer) supervision_.sanitizer->acquired(record);
    } else {
      signal(sync->semaphore, now);
      if (supervision_.sanitizer) supervision_.sanitizer->signalled(record);
    }
    record.end = now;
    executed(record);
    return now;
  }
  now += jitter().next();
  wait_until(now, phase_);
  record.head = now;
  account_gaps(now);
  prepare(record);
  if (supervision_.sanitizer) supervision_.sanitizer->taken_up(record);
  return launch(record, now);
}

void EngineModule::post(std::uint32_t semaphore, Cycle visible) {
  semaphores_.post_at(visible + signal_cycles_ + jitter().next(), semaphore, phase_);
}

Cycle EngineModule::take(const isa::SemaphoreCommand& command, Cycle now) {
  const Cycle taken = semaphores_.take(command.semaphore, phase_);
  const bool data = semaphores_.signaller(command.semaphore) == Phase::dma_in;
  if (taken > now) {
    gaps_.push_back({now, taken, data ? core::Owner::stall_data : core::Owner::stall_semaphore});
    ++engine_counters_.held;
  }
  return taken;
}

core::Ledger EngineModule::books(Cycle now) {
  core::Ledger books = ledger();
  if (idle()) close(books, now);
  return books;
}

void EngineModule::account_gaps(Cycle ready) {
  for (const Gap& gap : gaps_) account_gap(gap);
  account_gap({ready, ready, core::Owner::setup});
  gaps_.clear();
}

const CommandRecord* EngineModule::blocked_on() const {
  if (head_ == nullptr) return nullptr;
  return isa::instruction_of(head_->command) == isa::Instruction::sem_wait ? head_ : nullptr;
}

}  // namespace assay::sim
