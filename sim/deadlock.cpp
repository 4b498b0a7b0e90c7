#include "sim/deadlock.hpp"

#include <fmt/format.h>

namespace assay::sim {
namespace {

// A queued signal of the semaphore, and the engine in whose queue it is.
struct Signal {
  const EngineModule* engine = nullptr;
  const CommandRecord* record = nullptr;
};

Signal find_signal(std::uint32_t semaphore, const std::vector<const EngineModule*>& engines) {
  for (const EngineModule* engine : engines)
    for (const CommandRecord* record : engine->queue()) {
      const auto* sync = std::get_if<isa::SemaphoreCommand>(&record->command);
      if (sync != nullptr && sync->instruction == isa::Instruction::sem_signal &&
          sync->semaphore == semaphore)
        return {engine, record};
    }
  return {};
}

}  // namespace

Deadlock explain_deadlock(const std::string& host, std::uint64_t host_pc,
                          const std::vector<const EngineModule*>& engines) {
  Deadlock result;
  const auto add = [&result](const std::string& clause) {
    result.text += (result.text.empty() ? "" : "; ") + clause;
  };
  if (!host.empty()) {
    add(host);
    result.sites.push_back({host_pc, host});
  }
  std::vector<FindingSite> signals;
  for (const EngineModule* engine : engines) {
    const CommandRecord* wait = engine->blocked_on();
    if (wait == nullptr) continue;
    const std::uint32_t semaphore = std::get<isa::SemaphoreCommand>(wait->command).semaphore;
    const Signal signal = find_signal(semaphore, engines);
    std::string who = "which nothing in any queue signals";
    if (signal.engine == engine)
      who = fmt::format("which only #{} behind it in the same queue signals", signal.record->id);
    else if (signal.engine != nullptr)
      who = fmt::format("which #{} of {} would signal", signal.record->id, signal.engine->name());
    add(fmt::format("{} waits for semaphore {} (#{}), {}", engine->name(), semaphore, wait->id, who));
    result.sites.push_back({wait->pc, fmt::format("sem.wait #{} of {}", wait->id, engine->name())});
    if (signal.record != nullptr)
      signals.push_back(
          {signal.record->pc, fmt::format("sem.signal #{} of {}", signal.record->id, signal.engine->name())});
  }
  result.sites.insert(result.sites.end(), signals.begin(), signals.end());
  return result;
}

}  // namespace assay::sim
