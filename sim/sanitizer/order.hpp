// Who knows what to be complete: the happened-before relation between the engines and the host.
//
// It follows from the program alone - queues, semaphores, fences - and not from the times at which things
// happened to run, so that a missing wait is found however lucky the timing was.
//
//   - A command follows what the host knew when it launched it. The host's loads are complete at once; its
//     stores when a fence (RISC-V or fence.ai) has passed.
//   - MXU and VXU execute their commands in order; transfers of one DMA engine may overlap.
//   - The j-th wait for a semaphore follows the j-th signal, and with it every earlier command of the
//   signalling
//     queue and all that these followed.
//   - fence.ai: the host follows all commands of the engines named.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include "isa/generated/commands.hpp"

namespace assay::sim {

inline constexpr std::size_t kHostActor = isa::kEngineCount;
inline constexpr std::size_t kActors = isa::kEngineCount + 1;  // the engines by their codes, then the host

// How many of each actor's first actions are complete; for the host, its loads and its stores apart.
struct Knowledge {
  std::array<std::uint64_t, kActors> complete{};
  std::uint64_t host_stores = 0;

  void join(const Knowledge& other) {
    for (std::size_t a = 0; a < kActors; ++a) complete[a] = std::max(complete[a], other.complete[a]);
    host_stores = std::max(host_stores, other.host_stores);
  }
};

class Order {
 public:
  explicit Order(std::uint32_t semaphores) : signals_(semaphores) {}

  // --- the host, in program order ---
  std::uint64_t host_access() { return ++done_[kHostActor]; }  // its number
  void host_fence() { known_[kHostActor].host_stores = done_[kHostActor]; }
  void host_waits_for(isa::Engine engine) {
    const auto e = static_cast<std::size_t>(engine);
    known_[kHostActor].join(known_[e]);
    known_[kHostActor].complete[e] = done_[e];
    host_fence();
  }
  // What a command launched now will follow.
  Knowledge launch() {
    Knowledge snapshot = known_[kHostActor];
    snapshot.complete[kHostActor] = done_[kHostActor];
    return snapshot;
  }

  // --- the engines, each in its queue's order ---
  // Takes up a launch; returns its number in its engine, from 1.
  std::uint64_t take_up(isa::Engine engine, const Knowledge& launched) {
    const auto e = static_cast<std::size_t>(engine);
    known_[e].join(launched);
    if (engine == isa::Engine::mxu || engine == isa::Engine::vxu) known_[e].complete[e] = done_[e];
    return ++done_[e];
  }
  void signal(isa::Engine engine, std::uint32_t semaphore) {
    const auto e = static_cast<std::size_t>(engine);
    Knowledge release = known_[e];
    release.complete[e] = done_[e];
    signals_[semaphore].push_back(release);
  }
  void wait(isa::Engine engine, std::uint32_t semaphore) {
    std::deque<Knowledge>& signals = signals_[semaphore];
    if (signals.empty()) return;  // shared semaphores: reported elsewhere
    known_[static_cast<std::size_t>(engine)].join(signals.front());
    signals.pop_front();
  }

  const Knowledge& of(std::size_t actor) const { return known_[actor]; }
  std::size_t pending_signals(std::uint32_t semaphore) const { return signals_[semaphore].size(); }

 private:
  std::array<std::uint64_t, kActors> done_{};
  std::array<Knowledge, kActors> known_{};
  std::vector<std::deque<Knowledge>> signals_;
};

}  // namespace assay::sim
