// A program as a process of its own: what it printed, how long it took from its start to its end, and the
// most memory it held.
#pragma once

#include <string>
#include <vector>

namespace assay::bench {

struct ChildRun {
  int exit_code = -1;
  double seconds = 0;      // from its start to its end
  double cpu_seconds = 0;  // user and system
  double peak_mib = 0;     // resident; at least what this process held when it started the child
  std::string output;
};

ChildRun run_child(const std::vector<std::string>& command);

}  // namespace assay::bench
