#include "app/case/campaign.hpp"

#include <algorithm>

#include "app/coverage/case_coverage.hpp"
#include "app/coverage/coverage_log.hpp"
#include "base/error.hpp"

namespace assay::app {
namespace {

// What is wrong with this computer or with the judges asked for is no failure of the case, and ends the
// campaign.
bool ends_all(const Error& error, const CampaignOptions& options) {
  if (error.code() == ExitCode::Usage) return !options.run.goldens.empty() || !options.run.relations.empty();
  return error.code() == ExitCode::Infrastructure || error.code() == ExitCode::NoDevice;
}

// A case that cannot be run at all has a verdict too.
report::CaseResult run_one(const testgen::Case& c, const CampaignOptions& options) {
  try {
    const CaseInput input = generated(c);
    if (options.coverage == nullptr) return run_case(input, options.run);
    CaseCoverage coverage(coverage_model());
    RunOptions watched = options.run;
    coverage.watch(input, watched);
    report::CaseResult result = run_case(input, watched);
    options.coverage->add(coverage.record(input, result));
    return result;
  } catch (const Error& error) {
    if (ends_all(error, options)) throw;
    report::CaseResult result;
    result.verdict = error.code();
    result.message = error.what();
    return result;
  }
}

FailureKind shrink_kind(const testgen::Case& c, const CampaignOptions& options) {
  FailureKind kind;
  kind.op = c.problem.op;
  kind.first = kind.small = c;
  try {
    const ShrunkRun run = shrink_run(c, options.run, options.shrink_tries);
    kind.failure = run.failure;
    kind.message = run.small_message;
    kind.tried = static_cast<std::uint64_t>(run.shrunk.tried);
    if (run.failure.failed()) kind.small = run.shrunk.c;
  } catch (const Error& error) {  // not even its first run
    kind.failure.code = error.code();
    kind.message = error.what();
  }
  return kind;
}

}  // namespace

CampaignResult run_campaign(const NextCase& next, const CampaignOptions& options,
                            const OnFailure& on_failure) {
  CampaignResult all;
  while (all.kinds.size() < options.most_kinds) {
    const std::optional<testgen::Case> c = next();
    if (!c) break;
    const report::CaseResult result = run_one(*c, options);
    ++all.cases;
    ++all.verdicts[std::string(to_string(result.verdict))];
    ++all.operators[c->problem.op];
    all.cycles += result.cycles;
    all.macs += result.macs_executed;
    const Failure failure = failure_of(result);
    if (!failure.failed()) continue;
    const auto known = std::find_if(all.kinds.begin(), all.kinds.end(), [&](const FailureKind& kind) {
      return kind.op == c->problem.op && kind.failure == failure;
    });
    if (known != all.kinds.end()) {
      ++known->cases;
      continue;
    }
    FailureKind kind = shrink_kind(*c, options);
    kind.cases = 1;
    kind.first_number = all.cases;
    on_failure(kind);
    all.kinds.push_back(std::move(kind));
  }
  return all;
}

}  // namespace assay::app
