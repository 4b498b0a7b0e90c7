// Many cases, one after another: each run and judged, each new kind of failure shrunk.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/case/shrink_run.hpp"

namespace assay::app {

class CoverageLog;

struct CampaignOptions {
  RunOptions run;
  CoverageLog* coverage = nullptr;  // what each case covers goes there
  int shrink_tries = 300;
  std::size_t most_kinds = 20;  // of failures, then the campaign ends
};

// Failures of one operator that look alike: one cause, mostly. The first of them is shrunk.
struct FailureKind {
  std::string op;
  Failure failure;
  testgen::Case first, small;
  std::uint64_t first_number = 0;  // 1: the campaign's first case
  std::uint64_t cases = 0, tried = 0;
  std::string message;  // of the shrunk case
};

struct CampaignResult {
  std::uint64_t cases = 0;
  std::map<std::string, std::uint64_t> verdicts;  // by name
  std::map<std::string, std::uint64_t> operators;
  std::uint64_t cycles = 0, macs = 0;
  std::vector<FailureKind> kinds;
};

// The next case, until there is none.
using NextCase = std::function<std::optional<testgen::Case>()>;
// Hears of each new kind of failure as soon as it is shrunk.
using OnFailure = std::function<void(const FailureKind&)>;

CampaignResult run_campaign(const NextCase& next, const CampaignOptions& options,
                            const OnFailure& on_failure);

}  // namespace assay::app
