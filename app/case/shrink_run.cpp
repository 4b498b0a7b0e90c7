#include "app/case/shrink_run.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "testgen/case_yaml.hpp"

namespace assay::app {
namespace {

// A smaller case that takes ten times as long hangs, which is another failure, unless that is the one.
std::optional<Cycle> watchdog_of(const report::CaseResult& first) {
  if (first.verdict == ExitCode::Watchdog) return std::nullopt;
  return Cycle(10 * first.cycles + 1'000'000);
}

}  // namespace

Failure failure_of(const report::CaseResult& result) {
  if (!result.findings.empty()) return {result.verdict, result.findings[0].name};
  for (const report::RelationVerdict& verdict : result.relations)
    if (verdict.outcome == report::RelationVerdict::Outcome::Broken) return {result.verdict, verdict.relation};
  return {result.verdict, ""};
}

ShrunkRun shrink_run(const testgen::Case& c, RunOptions options, int most_tries) {
  const report::CaseResult first = run_case(generated(c), options);
  ShrunkRun run{failure_of(first), first.message, {}, first.message};
  if (!run.failure.failed()) return run;
  options.max_cycles = watchdog_of(first);
  const auto fails_alike = [&](const testgen::Case& smaller) {
    try {
      const report::CaseResult result = run_case(generated(smaller), options);
      if (!(failure_of(result) == run.failure)) return false;
      run.small_message = result.message;
      return true;
    } catch (const Error&) {
      return false;  // a case that cannot be run
    }
  };
  run.shrunk = testgen::shrink(c, fails_alike, most_tries);
  return run;
}

std::string corpus_yaml(const testgen::Case& small, const RunOptions& options, const std::string& why) {
  std::string line = why.substr(0, why.find('\n'));
  return "# " + testgen::reproduce_line(small) + reproduce_options(options) + "\n# " + line + "\n" +
         testgen::write_case_yaml(small);
}

}  // namespace assay::app
