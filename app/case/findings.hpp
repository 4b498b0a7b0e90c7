// What the run says of its kernel, with source lines.
#pragma once

#include <vector>

#include "report/result.hpp"
#include "sim/platform.hpp"

namespace assay::app {

// The sanitizer's findings, then how the run ended where it did not halt.
std::vector<report::Finding> describe_findings(const sim::RunResult& run, const sim::ElfImage& kernel);

}  // namespace assay::app
