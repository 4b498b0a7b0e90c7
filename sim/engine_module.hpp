// An engine in time: its in-order command queue, the waits and signals in it, and its unit behind it.
#pragma once

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include "base/machine.hpp"
#include "core/command_fault.hpp"
#include "core/ledger.hpp"
#include "sim/clock.hpp"
#include "sim/command_log.hpp"
#include "sim/sanitizer_stack.hpp"
#include "sim/semaphore_module.hpp"
#include "sim/supervision.hpp"

namespace assay::sim {

struct EngineCounters {
  std::uint64_t commands = 0;  // that left the queue
  std::uint64_t held = 0;      // sem.wait among them that held it
};

class EngineModule : public sc_core::sc_module {
 public:
  SC_HAS_PROCESS(EngineModule);
  EngineModule(sc_core::sc_module_name name, Phase phase, const Machine& machine, SemaphoreModule& semaphores,
               Supervision& supervision);

  // --- the host's side ---
  bool full() const { return queue_.size() >= depth_; }
  void push(CommandRecord& record);  // the caller has checked full()
  const sc_core::sc_event& popped() const { return popped_; }

  // Nothing queued and nothing in execution; all writes are visible at writes_visible().
  bool idle() const { return queue_.empty() && !executing_ && settled(); }
  const sc_core::sc_event& became_idle() const { return became_idle_; }
  virtual Cycle writes_visible() const = 0;

  virtual core::Ledger& ledger() = 0;
  // Closes the books of a run of `total` cycles.
  void finish(Cycle total) { close(ledger(), total); }
  // The books so far; where the engine is idle, as they would be closed at `now`.
  core::Ledger books(Cycle now);
  const EngineCounters& engine_counters() const { return engine_counters_; }

  // Commands in order; the first one may be in execution.
  const std::deque<CommandRecord*>& queue() const { return queue_; }
  bool executing() const { return executing_; }
  // The wait that holds the queue, or null.
  const CommandRecord* blocked_on() const;

 protected:
  // Executes a launch that reached the head of the queue at `ready`; returns when the next command may
  // be taken up. May suspend the thread. The record's start and end are to be
  // filled, at once or when the command's end is known; executed() is called then.
  virtual Cycle launch(CommandRecord& record, Cycle ready) = 0;
  // The command is about to be launched: what it takes from memory as it starts is put into its record.
  virtual void prepare(CommandRecord&) {}
  // A time in which the queue had no work for the unit, and why.
  struct Gap {
    Cycle from, to;
    core::Owner owner;
  };
  // False while launched commands are under way whose end is not known yet.
  virtual bool settled() const { return true; }
  // Posts the signal once the writes of all earlier commands are visible.
  virtual void signal(std::uint32_t semaphore, Cycle now) {
    post(semaphore, std::max(now, writes_visible()));
  }
  void post(std::uint32_t semaphore, Cycle visible);
  // The command has its start and its end.
  void executed(CommandRecord& record) { supervision_.observers.tell(&Observer::executed, record); }
  void tell_idle() { became_idle_.notify(sc_core::SC_ZERO_TIME); }
  // Attributes what is left of the unit's time, up to the end of the run.
  virtual void close(core::Ledger& books, Cycle total) const { books.mark(total, core::Owner::idle); }
  // Attributes the unit's time up to the end of the gap.
  virtual void account_gap(const Gap& gap) = 0;

  Phase phase() const { return phase_; }
  Jitter& jitter() { return supervision_.jitter; }

 private:
  void run();
  Cycle next_command();
  Cycle execute(CommandRecord& record, Cycle now);
  Cycle take(const isa::SemaphoreCommand& command, Cycle now);
  void account_gaps(Cycle ready);

  Phase phase_;
  std::size_t depth_;
  Cycle signal_cycles_;
  SemaphoreModule& semaphores_;
  Supervision& supervision_;
  std::deque<CommandRecord*> queue_;
  sc_core::sc_event pushed_, popped_, became_idle_;
  bool executing_ = false;
  const CommandRecord* head_ = nullptr;
  std::vector<Gap> gaps_;  // since the last launch
  EngineCounters engine_counters_;
  ProcessStack stack_;
};

}  // namespace assay::sim
