#include "app/coverage/run_features.hpp"

#include <algorithm>
#include <array>

#include "app/coverage/command_features.hpp"
#include "core/footprint.hpp"
#include "isa/command.hpp"

namespace assay::app {
namespace {

using coverage::Features;
using coverage::FeatureTable;
using coverage::Scope;
using Names = std::vector<std::string>;

const Names kHbmEvents{"row_hit",    "row_opened", "row_conflict", "refresh",
                       "turnaround", "forwarded",  "host_read",    "host_written"};

Names together_names() {
  const Names engines = engine_names();
  Names names;
  for (std::size_t a = 0; a < engines.size(); ++a)
    for (std::size_t b = a + 1; b < engines.size(); ++b) names.push_back(engines[a] + "+" + engines[b]);
  return names;
}

void declare_unit(FeatureTable& table) {
  Names owners, units{"host"};
  for (const core::Owner owner : core::all_owners()) owners.emplace_back(core::to_string(owner));
  for (const std::string& engine : engine_names()) units.push_back(engine);
  table.add({"unit", "the unit", false, units});
  table.add({"owner", "who owns some of its cycles", false, owners});
  table.add({"share", "percent of the run's cycles", true, {}});
}

void declare_run(FeatureTable& table) {
  Names losses;
  for (std::size_t i = 0; i < memory::kDramLosses; ++i)
    losses.emplace_back(memory::to_string(static_cast<memory::DramLoss>(i)));
  table.add({"config", "the machine", false, {}});
  table.add({"cycles", "of the run", true, {}});
  table.add({"commands", "AI commands", true, {}});
  table.add({"fences", "fences of the host", true, {}});
  table.add({"engines", "engines that worked", true, {}});
  table.add({"semaphores", "semaphores in use", true, {}});
  table.add({"machine_semaphores", "machine: semaphores", true, {}});
  table.add({"queue_full", "engines whose queue was full as the host came", false, engine_names()});
  table.add({"together", "two engines that worked at one time", false, together_names()});
  table.add({"spm_used", "percent of SPM, up to the highest byte", true, {}});
  table.add({"acc_used", "percent of ACC, up to the highest byte", true, {}});
  table.add({"hbm.event", "what main memory saw", false, kHbmEvents});
  table.add({"hbm.clocks", "owners of some clocks of its data buses", false, losses});
  table.add({"hbm.row_hits", "percent of accesses that found their row open", true, {}});
  table.add({"page_policy", "machine: what becomes of rows", false, {"open", "closed"}});
  table.add({"refresh", "machine: how it refreshes", false, {"all_bank", "per_bank"}});
  table.add({"gathers", "a transfer went where a list sent it", false, {"yes", "no"}});
  table.add({"array_padding", "percent of the array's slots that were empty", true, {}});
}

double percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

void sample_units(const sim::RunResult& run, coverage::Sampler& sampler) {
  Features f(sampler.model().schema()[Scope::Unit]);
  for (const sim::UnitAccount& account : run.accounts)
    for (const core::Owner owner : core::all_owners()) {
      if (account.ledger.of(owner) == Cycle(0)) continue;
      f.clear();
      f.word("unit", account.unit);
      f.word("owner", core::to_string(owner));
      f.number("share", percent(account.ledger.of(owner).count(), run.cycles.count()));
      sampler.sample(Scope::Unit, f);
    }
}

// Which pairs of engines had a launch under way at one time.
void add_together(const sim::RunResult& run, Features& f) {
  std::array<std::vector<std::pair<Cycle, Cycle>>, isa::kEngineCount> spans;
  std::size_t count = 0;
  for (const sim::CommandRecord& record : run.log)
    if (!std::holds_alternative<isa::SemaphoreCommand>(record.command) && ++count <= kMostCommands)
      spans[static_cast<std::size_t>(record.engine)].emplace_back(record.start, record.end);
  const Names names = engine_names();
  int engines = 0;
  for (auto& list : spans) {
    std::sort(list.begin(), list.end());
    engines += list.empty() ? 0 : 1;
  }
  f.number("engines", engines);
  for (std::size_t a = 0; a < spans.size(); ++a)
    for (std::size_t b = a + 1; b < spans.size(); ++b) {
      bool together = false;
      for (std::size_t i = 0, j = 0; i < spans[a].size() && j < spans[b].size() && !together;) {
        together = spans[a][i].first < spans[b][j].second && spans[b][j].first < spans[a][i].second;
        if (spans[a][i].second < spans[b][j].second) ++i;
        else ++j;
      }
      if (together) f.word("together", names[a] + "+" + names[b]);
    }
}

void add_memory(const sim::RunResult& run, const Machine& machine, Features& f) {
  const memory::DramCounters& hbm = run.hbm;
  const std::uint64_t counts[] = {hbm.row_hits(),
                                  hbm.activates,
                                  hbm.conflicts,
                                  hbm.refreshes,
                                  hbm.turnarounds,
                                  hbm.forwarded,
                                  run.host_traffic.read.count(),
                                  run.host_traffic.written.count()};
  for (std::size_t i = 0; i < kHbmEvents.size(); ++i)
    if (counts[i] > 0) f.word("hbm.event", kHbmEvents[i]);
  for (std::size_t i = 0; i < memory::kDramLosses; ++i)
    if (hbm.clocks[i] > 0) f.word("hbm.clocks", memory::to_string(static_cast<memory::DramLoss>(i)));
  if (hbm.accesses > 0) f.number("hbm.row_hits", percent(hbm.row_hits(), hbm.accesses));
  f.word("page_policy", machine.hbm.controller.page_policy);
  f.word("refresh", machine.hbm.controller.refresh);
}

void add_use(const sim::RunResult& run, const Machine& machine, Features& f) {
  std::array<std::uint64_t, 2> high{};
  std::array<bool, isa::kEngineCount> full{};
  std::vector<bool> semaphores(256);
  bool gathers = false;
  std::size_t count = 0;
  for (const sim::CommandRecord& record : run.log) {
    if (++count > kMostCommands) break;
    if (record.issued > record.asked) full[static_cast<std::size_t>(record.engine)] = true;
    gathers |= !record.index.empty();
    if (const auto* sync = std::get_if<isa::SemaphoreCommand>(&record.command)) {
      semaphores[sync->semaphore % semaphores.size()] = true;
      continue;
    }
    for (const core::Access& access : core::footprint(record.command, record.index)) {
      if (access.space == core::Space::hbm) continue;
      const auto region = core::Region::of(access, UINT64_MAX / 2);
      std::uint64_t& at = high[access.space == core::Space::spm ? 0 : 1];
      if (region) at = std::max(at, region->high);
    }
  }
  for (std::size_t e = 0; e < full.size(); ++e)
    if (full[e]) f.word("queue_full", engine_names()[e]);
  f.number("spm_used", percent(high[0], machine.spm.bytes().count()));
  f.number("acc_used", percent(high[1], machine.acc.bytes().count()));
  f.number("semaphores", std::count(semaphores.begin(), semaphores.end(), true));
  f.number("machine_semaphores", machine.sync.semaphores);
  f.flag("gathers", gathers);
}

}  // namespace

void declare_run_features(coverage::Schema& schema) {
  declare_command_features(schema[Scope::Command]);
  declare_hazard_features(schema);
  declare_unit(schema[Scope::Unit]);
  declare_run(schema[Scope::Run]);
}

void sample_run(const sim::RunResult& run, const Machine& machine, coverage::Sampler& sampler) {
  sample_commands(run, machine, sampler);
  sample_hazards(run, machine, sampler);
  sample_units(run, sampler);
  Features f(sampler.model().schema()[Scope::Run]);
  f.word("config", machine.name);
  f.number("cycles", run.cycles.count());
  f.number("commands", run.log.size());
  f.number("fences", run.fences.size());
  f.number("array_padding", percent(run.mxu.macs_padding, run.mxu.macs + run.mxu.macs_padding));
  add_together(run, f);
  add_memory(run, machine, f);
  add_use(run, machine, f);
  sampler.sample(Scope::Run, f);
}

}  // namespace assay::app
