// Why a run ended other than by a halt, and the one place that keeps it.
#pragma once

#include <string>
#include <string_view>
#include <systemc>
#include <utility>
#include <vector>

#include "sim/sanitizer/finding.hpp"

namespace assay::sim {

enum class Outcome {
  halted,    // the kernel wrote the halt device
  trap,      // the kernel trapped and its handler halted, or no handler could be entered
  fault,     // an engine met a command that the machine cannot execute
  deadlock,  // nothing can ever happen again
  watchdog,  // the cycle limit was reached
  ended,     // whoever debugs the run ended it
};
std::string_view to_string(Outcome outcome);

// The first fault ends the run; later ones are consequences.
class FaultSink {
 public:
  void raise(Outcome outcome, const std::string& message, std::vector<FindingSite> sites = {}) {
    if (raised_) return;
    raised_ = true;
    outcome_ = outcome;
    message_ = message;
    sites_ = std::move(sites);
    sc_core::sc_stop();
  }
  bool raised() const { return raised_; }
  Outcome outcome() const { return outcome_; }
  const std::string& message() const { return message_; }
  const std::vector<FindingSite>& sites() const { return sites_; }  // the instructions that take part

 private:
  bool raised_ = false;
  Outcome outcome_ = Outcome::halted;
  std::string message_;
  std::vector<FindingSite> sites_;
};

}  // namespace assay::sim
