// Who looks at a run from outside: traces, snapshots, debuggers. Looking changes neither results nor cycles.
//
// All calls come from the simulation itself and return to it; while one lasts, simulated time stands still.
#pragma once

#include <utility>
#include <vector>

#include "sim/command_log.hpp"
#include "sim/sanitizer/finding.hpp"

namespace assay::sim {

class MachineView;
struct RunResult;

class Observer {
 public:
  virtual ~Observer() = default;

  // Before the host's first instruction. The view lives until after end().
  virtual void start(MachineView&) {}

  // While this is true the host executes one instruction at a time, between the two calls below; an interrupt
  // or a trap that is entered counts as one. Asked at least once a quantum.
  virtual bool every_instruction() const { return false; }
  virtual void before_instruction() {}
  virtual void after_instruction() {}

  virtual void issued(const CommandRecord&) {}  // the host has put it into its queue
  // Start and end are known and all its values have moved, but the next command of this queue has not begun.
  virtual void executed(const CommandRecord&) {}

  virtual void found(const Finding&) {}  // by the kernel sanitizer

  // The run is over, however it ended.
  virtual void end(const RunResult&) {}
};

// All observers of one run.
class Observers {
 public:
  Observers() = default;
  explicit Observers(std::vector<Observer*> all) : all_(std::move(all)) {}

  bool every_instruction() const {
    for (const Observer* o : all_)
      if (o->every_instruction()) return true;
    return false;
  }
  template <typename... Parameters, typename... Arguments>
  void tell(void (Observer::*event)(Parameters...), Arguments&&... arguments) const {
    for (Observer* o : all_) (o->*event)(arguments...);
  }

 private:
  std::vector<Observer*> all_;
};

}  // namespace assay::sim
