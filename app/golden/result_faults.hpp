// Faults put into right results, and what each mode of comparison makes of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace assay::app {

struct FaultRow {
  std::string fault;
  struct Count {
    std::string mode;  // "strict" (bits), "exact", "real"
    int trials = 0;    // in which the fault changed a bit of the result
    int caught = 0;
  };
  std::vector<Count> counts;  // in that order; no trials where the mode's data cannot show the fault
};

// `trials` random problems for each fault and mode, K from 8 to 4096 where there is one.
std::vector<FaultRow> fault_table(int trials, std::uint64_t seed);

}  // namespace assay::app
