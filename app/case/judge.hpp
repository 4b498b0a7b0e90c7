// Goldens over the outputs of a run.
#pragma once

#include <string>
#include <vector>

#include "app/case/case_run.hpp"

namespace assay::app {

struct Judgement {
  std::vector<report::GoldenVerdict> verdicts;
  bool passed = false;             // every golden accepts every output, and there was at least one
  std::string suite_error;         // two goldens disagree, or a comparison that decides nothing
  std::vector<std::string> notes;  // the first bad element in words
  std::int64_t first_bad = -1;     // its linear index, in output `bad_output`
  std::size_t bad_output = 0;
};

// `goldens` may hold "recorded" for the tensors that came with the case. Throws Error where a named golden
// does not support the problem.
Judgement judge(const CaseInput& input, const std::vector<Tensor>& outputs,
                const std::vector<std::string>& goldens);

}  // namespace assay::app
