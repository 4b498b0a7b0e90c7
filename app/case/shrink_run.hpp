// How a run failed, and the smallest case that fails alike.
#pragma once

#include <optional>
#include <string>

#include "app/case/case_run.hpp"
#include "testgen/shrink.hpp"

namespace assay::app {

// Its exit code, and what was found in its kernel first, or the relation that is broken. Cases that fail alike have one cause, mostly.
struct Failure {
  ExitCode code = ExitCode::Pass;
  std::string finding;
  bool operator==(const Failure& other) const { return code == other.code && finding == other.finding; }
  // Unsupported is none: the machine is too small, and says so.
  bool failed() const {
    return code != ExitCode::Pass && code != ExitCode::Unverified && code != ExitCode::Unsupported;
  }
};
Failure failure_of(const report::CaseResult& result);

struct ShrunkRun {
  Failure failure;  // of the case as given
  std::string message;
  testgen::Shrunk shrunk;     // where it failed
  std::string small_message;  // of the shrunk case
};

// Runs the case, and where it fails shrinks it. Throws Error where it cannot be run at all.
ShrunkRun shrink_run(const testgen::Case& c, RunOptions options, int most_tries);

// The shrunk case as YAML, its reproducing command in a comment above.
std::string corpus_yaml(const testgen::Case& small, const RunOptions& options, const std::string& why);

}  // namespace assay::app
