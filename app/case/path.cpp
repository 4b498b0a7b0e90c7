#include "app/case/path.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "isa/command.hpp"
#include "sim/critical_path.hpp"
#include "sim/source_lines.hpp"

namespace assay::app {
namespace {

constexpr std::size_t kSites = 8;

std::string what(const sim::PathStep& step) {
  if (step.pc == 0) return "to the end";
  const std::string name = step.command == nullptr
                               ? "fence.ai"
                               : std::string(isa::to_string(isa::instruction_of(step.command->command)));
  return (step.unit == "host" ? "before " : "") + name;
}

// The instruction's line, and the call that it was inlined into.
std::string source(const sim::SourceLines& lines, std::uint64_t pc) {
  const std::string text = lines.text_at(pc);
  const std::string call = ", called at ";
  const std::size_t first = text.find(call);
  return first == std::string::npos ? text : text.substr(0, text.find(call, first + 1));
}

std::vector<report::CriticalPath::Site> sum_sites(const std::vector<sim::PathStep>& steps,
                                                  const std::string& kernel) {
  std::map<std::pair<std::string_view, std::uint64_t>, report::CriticalPath::Site> sums;
  const sim::CommandRecord* last = nullptr;  // the steps of one command follow each other
  for (const sim::PathStep& step : steps) {
    report::CriticalPath::Site& site = sums[{step.unit, step.pc}];
    if (site.times == 0) site = {std::string(step.unit), what(step), "", step.pc, 0, 0};
    if (site.times == 0 || step.command != last) ++site.times;
    site.cycles += (step.to - step.from).count();
    last = step.command;
  }
  std::vector<report::CriticalPath::Site> sites;
  for (const auto& sum : sums) sites.push_back(sum.second);
  std::stable_sort(sites.begin(), sites.end(),
                   [](const auto& a, const auto& b) { return a.cycles > b.cycles; });
  sites.resize(std::min(sites.size(), kSites));
  const sim::SourceLines lines(kernel);
  for (report::CriticalPath::Site& site : sites)
    if (site.pc != 0) site.source = source(lines, site.pc);
  return sites;
}

std::vector<report::CriticalPath::Part> sum_parts(const std::vector<sim::PathStep>& steps) {
  std::map<std::pair<std::string_view, std::string_view>, std::uint64_t> sums;
  for (const sim::PathStep& step : steps)
    for (const auto& [owner, cycles] : step.parts) sums[{step.unit, owner}] += cycles.count();
  std::vector<report::CriticalPath::Part> parts;
  for (const auto& [key, cycles] : sums)
    if (cycles > 0) parts.push_back({std::string(key.first), std::string(key.second), cycles});
  std::stable_sort(parts.begin(), parts.end(),
                   [](const auto& a, const auto& b) { return a.cycles > b.cycles; });
  return parts;
}

}  // namespace

report::CriticalPath describe_path(const sim::RunResult& run, const Machine& machine,
                                   const sim::ElfImage& kernel) {
  const std::vector<sim::PathStep> steps = sim::critical_path(run, machine);
  report::CriticalPath path;
  path.parts = sum_parts(steps);
  path.sites = sum_sites(steps, kernel.file);
  return path;
}

}  // namespace assay::app
