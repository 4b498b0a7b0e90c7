// Hazards: two commands of which the second touches a byte after the first, one of them writing it.
#include <array>
#include <deque>

#include "app/coverage/command_features.hpp"
#include "core/footprint.hpp"
#include "isa/command.hpp"
#include "isa/table.hpp"

namespace assay::app {
namespace {

using coverage::Features;

constexpr std::size_t kSpaces = 3, kKinds = 3, kTimes = 3, kEngines = isa::kEngineCount;
// Of an engine in a memory: accesses that are remembered. An older one has mostly been overwritten since.
constexpr std::size_t kRemembered = 8;
constexpr int kMostComparisons = 20'000;  // of regions, byte by byte

constexpr std::array<const char*, kSpaces> kSpaceNames{"spm", "acc", "hbm"};
constexpr std::array<const char*, kKinds> kKindNames{"raw", "war", "waw"};
constexpr std::array<const char*, kTimes> kTimeNames{"overlapped", "close", "apart"};
constexpr std::uint64_t kClose = 16;  // cycles

struct Touch {
  core::Region region;
  Cycle start, end;
};

class Hazards {
 public:
  Hazards(const sim::RunResult& run, const Machine& machine, coverage::Sampler& sampler)
      : sampler_(sampler),
        f_(sampler.model().schema()[coverage::Scope::Hazard]),
        capacity_{machine.spm.bytes().count(), machine.acc.bytes().count(), machine.hbm.bytes().count()} {
    std::size_t count = 0;
    for (const sim::CommandRecord& record : run.log) {
      if (++count > kMostCommands || left_ == 0) break;
      if (!std::holds_alternative<isa::SemaphoreCommand>(record.command)) visit(record);
    }
  }

 private:
  void visit(const sim::CommandRecord& record) {
    const auto engine = static_cast<std::size_t>(record.engine);
    struct Own {
      std::size_t space;
      bool write;
      Touch touch;
    };
    std::vector<Own> own;
    for (const core::Access& access : core::footprint(record.command, record.index)) {
      const auto space = static_cast<std::size_t>(access.space);
      const auto region = core::Region::of(access, capacity_[space]);
      if (!region || region->low >= region->high) continue;
      const Touch touch{*region, record.start, record.end};
      for (std::size_t e = 0; e < kEngines; ++e) {
        if (access.write) {
          look(1, e, engine, space, touch, reads_[space][e]);
          look(2, e, engine, space, touch, writes_[space][e]);
        } else {
          look(0, e, engine, space, touch, writes_[space][e]);
        }
      }
      own.push_back({space, access.write, touch});
    }
    for (const Own& o : own) {
      std::deque<Touch>& list = (o.write ? writes_ : reads_)[o.space][engine];
      list.push_back(o.touch);
      if (list.size() > kRemembered) list.pop_front();
    }
  }

  void look(std::size_t kind, std::size_t first, std::size_t second, std::size_t space, const Touch& touch,
            const std::deque<Touch>& earlier) {
    std::array<bool, kTimes>& seen = seen_[kind][first][second][space];
    if (seen[0] && seen[1] && seen[2]) return;
    for (auto e = earlier.rbegin(); e != earlier.rend(); ++e) {
      if (e->region.low >= touch.region.high || touch.region.low >= e->region.high) continue;
      const std::size_t time = touch.start < e->end ? 0 : (touch.start - e->end).count() <= kClose ? 1 : 2;
      if (seen[time]) return;
      if (left_ == 0) return;
      --left_;
      if (!core::common_byte(e->region, touch.region)) continue;
      seen[time] = true;
      report(kind, first, second, space, time);
      return;  // older ones are ordered by this one
    }
  }

  void report(std::size_t kind, std::size_t first, std::size_t second, std::size_t space, std::size_t time) {
    f_.clear();
    f_.word("kind", kKindNames[kind]);
    f_.word("first", isa::to_string(static_cast<isa::Engine>(first)));
    f_.word("second", isa::to_string(static_cast<isa::Engine>(second)));
    f_.word("memory", kSpaceNames[space]);
    f_.word("time", kTimeNames[time]);
    sampler_.sample(coverage::Scope::Hazard, f_);
  }

  coverage::Sampler& sampler_;
  Features f_;
  std::array<std::uint64_t, kSpaces> capacity_;
  std::array<std::array<std::deque<Touch>, kEngines>, kSpaces> reads_, writes_;
  std::array<std::array<std::array<std::array<std::array<bool, kTimes>, kSpaces>, kEngines>, kEngines>,
             kKinds>
      seen_{};
  int left_ = kMostComparisons;
};

// Whether some instruction of the engine reads, or writes, the memory. A gather's list is read from SPM.
bool reaches(const std::string& engine, const std::string& memory, bool write) {
  for (const isa::InstructionInfo& info : isa::instructions()) {
    if (!info.engine || isa::to_string(*info.engine) != engine) continue;
    for (const std::string_view name : write ? info.writes : info.reads)
      if (name == memory) return true;
  }
  return !write && engine == "dma_in" && memory == "spm";
}

std::string engine_reaches_memory(const std::map<std::string, std::string>& values) {
  const std::string &kind = values.at("kind"), &memory = values.at("memory");
  const auto needs = [&](const std::string& engine, bool write) {
    return reaches(engine, memory, write) ? ""
                                          : engine + (write ? " never writes " : " never reads ") + memory;
  };
  const std::string first = needs(values.at("first"), kind != "war");
  return first.empty() ? needs(values.at("second"), kind != "raw") : first;
}

}  // namespace

void declare_hazard_features(coverage::Schema& schema) {
  coverage::FeatureTable& table = schema[coverage::Scope::Hazard];
  table.add({"kind",
             "read after write, write after read, write after write",
             false,
             {kKindNames.begin(), kKindNames.end()}});
  table.add({"first", "the engine whose command came first", false, engine_names()});
  table.add({"second", "the engine whose command came second", false, engine_names()});
  table.add({"memory", "where the byte lies", false, {kSpaceNames.begin(), kSpaceNames.end()}});
  table.add({"time",
             "the second began before the first had ended, within 16 cycles, or later",
             false,
             {kTimeNames.begin(), kTimeNames.end()}});
  schema.rules["engine_reaches_memory"] = engine_reaches_memory;
}

void sample_hazards(const sim::RunResult& run, const Machine& machine, coverage::Sampler& sampler) {
  const Hazards hazards(run, machine, sampler);
}

}  // namespace assay::app
