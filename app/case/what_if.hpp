// The machine of a case with some of its resources changed, for the question what a run would take on it.
#pragma once

#include <string>
#include <vector>

#include "base/machine.hpp"

namespace assay::app {

// What may be changed: keys of a machine file that the command graph can be timed anew for, and
// hbm.bandwidth, a factor (of pseudo-channels).
const std::vector<std::string>& what_if_keys();

// The machine with "KEY=VALUE,KEY=xFACTOR,..." in place. Throws Error(Usage) for a key that is not there, or
// a value out of its range.
Machine changed_machine(const Machine& machine, const std::string& changes);

}  // namespace assay::app
