#include "app/case/explain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "app/case/ceilings.hpp"
#include "core/footprint.hpp"
#include "isa/command.hpp"

namespace assay::app {
namespace {

constexpr std::size_t kNowhere = SIZE_MAX;

// The run's commands, seen as transfers of tensors and products.
class Commands {
 public:
  Commands(const ops::Problem& problem, const Layout& layout, const Machine& machine,
           const sim::CommandLog& log)
      : problem_(problem), layout_(layout), machine_(machine), loaded_(problem.inputs.size()) {
    for (const sim::CommandRecord& record : log) {
      for (const core::Access& access : core::footprint(record.command, record.index)) note(access);
      if (const auto* dma = std::get_if<isa::DmaCommand>(&record.command)) note(*dma);
      if (const auto* mxu = std::get_if<isa::MxuCommand>(&record.command)) note(*mxu);
    }
  }

  bool multiplies() const { return !launches_.empty(); }
  bool outputs_stationary() const { return launches_.count(isa::Instruction::mxu_os) != 0; }
  // The input that most of the array's stationary tiles came from.
  std::size_t stationary() const {
    const auto most = std::max_element(tiles_.begin(), tiles_.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    return most == tiles_.end() ? kNowhere : most->first;
  }

  std::vector<std::string> lines() const {
    std::vector<std::string> list;
    for (const auto& [instruction, l] : launches_)
      list.push_back(fmt::format("{} x {}: up to {} x {} x {}, {} of its tiles at most", l.count,
                                 isa::to_string(instruction), l.m, l.n, l.k, l.tiles));
    std::string loads;
    for (std::size_t i = 0; i < loaded_.size(); ++i) {
      const double bytes = static_cast<double>(layout_.inputs[i].bytes);
      if (loaded_[i] == 0 || bytes == 0) continue;
      loads += fmt::format("{}{} {:.2f} times", loads.empty() ? "" : ", ", problem_.inputs[i].name,
                           static_cast<double>(loaded_[i]) / bytes);
    }
    if (!loads.empty()) list.push_back("loaded: " + loads);
    list.push_back(fmt::format("SPM: {} of {} bytes, ACC: {} of {}", high_[0], machine_.spm.bytes().count(),
                               high_[1], machine_.acc.bytes().count()));
    return list;
  }

 private:
  struct Launches {
    std::uint64_t count = 0, m = 0, n = 0, k = 0, tiles = 0;
  };

  void note(const core::Access& access) {
    if (access.space == core::Space::hbm) return;
    const auto region = core::Region::of(access, UINT64_MAX / 2);
    std::uint64_t& high = high_[access.space == core::Space::spm ? 0 : 1];
    if (region) high = std::max(high, region->high);
  }

  // Remembers which input the bytes of SPM came from.
  void note(const isa::DmaCommand& command) {
    if (command.instruction != isa::Instruction::dma_in) return;
    const std::size_t input = input_at(command.hbm_addr.raw());
    for (const core::Access& access : core::footprint(command)) {
      const auto region = core::Region::of(access, UINT64_MAX / 2);
      if (!region) continue;
      if (access.space == core::Space::hbm && input != kNowhere) loaded_[input] += region->bytes();
      if (access.space == core::Space::spm && access.write) spm_[region->low] = input;
    }
  }

  void note(const isa::MxuCommand& c) {
    const auto above = spm_.upper_bound(c.b_addr.offset());
    if (above != spm_.begin() && std::prev(above)->second != kNowhere) ++tiles_[std::prev(above)->second];
    if (c.instruction == isa::Instruction::mxu_load) return;
    Launches& l = launches_[c.instruction];
    const std::uint64_t outer = std::max(1U, c.outer), inner = std::max(1U, c.inner);
    ++l.count;
    l.m = std::max<std::uint64_t>(l.m, c.m);
    l.n = std::max<std::uint64_t>(l.n, c.n);
    l.k = std::max<std::uint64_t>(l.k, c.k);
    l.tiles = std::max(l.tiles, outer * inner);
  }

  std::size_t input_at(std::uint64_t address) const {
    const std::uint64_t offset = address >= ASSAY_HBM_BASE ? address - ASSAY_HBM_BASE : address;
    for (std::size_t i = 0; i < layout_.inputs.size(); ++i)
      if (offset >= layout_.inputs[i].offset && offset < layout_.inputs[i].offset + layout_.inputs[i].bytes)
        return i;
    return kNowhere;
  }

  const ops::Problem& problem_;
  const Layout& layout_;
  const Machine& machine_;
  std::vector<std::uint64_t> loaded_;           // bytes, of each input
  std::map<std::uint64_t, std::size_t> spm_;    // where a transfer began, and the input that it brought
  std::map<std::size_t, std::uint64_t> tiles_;  // products by the input that was stationary
  std::map<isa::Instruction, Launches> launches_;
  std::uint64_t high_[2] = {0, 0};  // bytes of SPM and ACC up to the last that was used
};

std::uint64_t sum_of(const ops::Work& work, Stationary stationary, const Machine& machine) {
  std::uint64_t cycles = 0;
  for (const ops::MatrixProducts& p : work.products) cycles += array_cycles(p, stationary, machine);
  return cycles;
}

std::uint64_t rounded_up(double value) { return static_cast<std::uint64_t>(std::ceil(value)); }

}  // namespace

report::Explanation explain(const ops::Problem& problem, const ops::Work& work, const Layout& layout,
                            const Machine& machine, const sim::RunResult& run) {
  const Commands commands(problem, layout, machine, run.log);
  report::Explanation e;
  e.bound = "hbm";
  e.plan = commands.lines();
  const std::size_t stationary = commands.stationary();
  if (commands.multiplies() && !work.products.empty()) {
    struct Choice {
      const char* name;
      const char* what;
      Stationary stationary;
    };
    const Stationary used = commands.outputs_stationary() ? Stationary::results
                            : stationary == 0             ? Stationary::left
                                                          : Stationary::right;
    for (const Choice& c : {Choice{"ws", "weights", Stationary::right},
                            {"as", "activations", Stationary::left},
                            {"os", "results", Stationary::results}}) {
      const std::uint64_t cycles = sum_of(work, c.stationary, machine);
      const bool ran = c.stationary == used;
      e.model.push_back(
          {fmt::format("mxu, {}: {} stationary{}", c.name, c.what, ran ? ", as it was run" : ""), cycles});
      if (!ran) continue;
      e.dataflow = c.name;
      e.predicted = cycles;
    }
    e.bound = "mxu";
  }
  const double bytes = static_cast<double>((run.bytes_read() + run.bytes_written()).count());
  const double rate = machine.hbm_bytes_per_cycle() * machine.hbm.refresh_fraction();
  e.model.push_back({"hbm, the bytes that were moved", rounded_up(bytes / rate)});
  e.model.push_back({"vxu, the elements that passed",
                     rounded_up(static_cast<double>(run.vxu.elements) / machine.vxu.lanes)});
  for (const auto& [unit, at] : {std::pair{"hbm", 2U}, std::pair{"vxu", 1U}}) {
    const std::uint64_t cycles = e.model[e.model.size() - at].second;
    if (cycles > e.predicted) {
      e.predicted = cycles;
      e.bound = unit;
    }
  }
  return e;
}

}  // namespace assay::app
