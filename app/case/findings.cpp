#include "app/case/findings.hpp"

#include "sim/source_lines.hpp"

namespace assay::app {
namespace {

std::vector<report::Finding::Site> describe(const std::vector<sim::FindingSite>& sites,
                                            const sim::SourceLines& lines) {
  std::vector<report::Finding::Site> described;
  for (const sim::FindingSite& site : sites)
    described.push_back({site.text, lines.text_at(site.pc), site.pc});
  return described;
}

}  // namespace

std::vector<report::Finding> describe_findings(const sim::RunResult& run, const sim::ElfImage& kernel) {
  std::vector<report::Finding> findings;
  const bool faulted = run.outcome != sim::Outcome::halted && run.outcome != sim::Outcome::ended;
  if (run.findings.empty() && !faulted) return findings;
  const sim::SourceLines lines(kernel.file);
  for (const sim::Finding& f : run.findings)
    findings.push_back({std::string(to_string(f.kind)), f.place, f.count, describe(f.sites, lines)});
  if (faulted)
    findings.push_back({std::string(to_string(run.outcome)), run.message, 1, describe(run.sites, lines)});
  return findings;
}

}  // namespace assay::app
