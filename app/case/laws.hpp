// The laws that no run may break (DESIGN contract 2): a broken one means that the simulator is wrong, or that
// the kernel did not do what the case declares.
#pragma once

#include <string>
#include <vector>

#include "base/machine.hpp"
#include "ops/operator.hpp"
#include "report/result.hpp"
#include "sim/platform.hpp"

namespace assay::app {

// A run and what was declared of it.
struct Books {
  const sim::RunResult& run;
  const report::Roofline& roofline;
  const ops::Work& work;
  bool work_declared = true;  // false: a user's computation that does not say how much work it is
  const Machine& machine;
};

struct Law {
  const char* name;
  const char* text;       // what it says
  bool of_declared_work;  // it is checked only where work is declared
  std::vector<std::string> (*broken)(
      const Books&);  // a clause for each unit that breaks it: unit and numbers
  void (*falsify)(sim::RunResult&,
                  const Books&);  // alters the run so that the law is broken: shows the check
};
const std::vector<Law>& all_laws();

// "NAME: UNIT: NUMBERS" for every broken law; empty: all hold.
std::vector<std::string> broken_laws(const Books& books);

// Throws Error(Usage) for an unknown name.
const Law& find_law(const std::string& name);

}  // namespace assay::app
