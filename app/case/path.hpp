// The critical path of a run for reports: its parts, and the instructions of the kernel that it passes,
// summed.
#pragma once

#include "base/machine.hpp"
#include "report/result.hpp"
#include "sim/elf.hpp"
#include "sim/platform.hpp"

namespace assay::app {

// The machine: the one that the run was on.
report::CriticalPath describe_path(const sim::RunResult& run, const Machine& machine,
                                   const sim::ElfImage& kernel);

}  // namespace assay::app
