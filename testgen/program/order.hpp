// Which items must follow which, by the bytes that they touch, and the waits that see to it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "golden/machine/reference.hpp"
#include "testgen/program/program.hpp"

namespace assay::testgen::program {

// Items by their number + 1; 0 is none.
using After = std::uint32_t;

// What an item must follow: of each engine the last item, and the last one in which the host stored.
struct Needs {
  std::array<After, isa::kEngineCount> engines{};
  After host_store = 0;
  std::optional<isa::Engine> engine;  // whose command it is; nothing: the host's
};

// Listens to a run of the reference machine and finds the needs of every item.
class NeedsFinder : public golden::machine::Listener {
 public:
  // `item_at`: of a pc.
  NeedsFinder(std::size_t items, std::function<std::optional<std::size_t>(std::uint64_t)> item_at)
      : needs_(items), item_at_(std::move(item_at)) {}

  void launched(std::uint64_t number, const golden::machine::Command& command) override;
  void command(std::uint64_t number) override;
  void host(std::uint64_t pc) override;
  void touched(Space space, std::uint64_t offset, std::uint64_t bytes, bool write) override;

  const std::vector<Needs>& needs() const { return needs_; }

 private:
  static constexpr std::size_t kHost = isa::kEngineCount;
  static constexpr std::uint64_t kPage = 1024;
  // The last items of each engine, and of the host, that touched a byte.
  struct Touches {
    std::array<After, isa::kEngineCount + 1> read{}, written{};
  };
  using Page = std::array<Touches, kPage>;

  std::vector<Needs> needs_;
  std::function<std::optional<std::size_t>(std::uint64_t)> item_at_;
  std::vector<std::size_t> item_of_;  // by number of the command; the number of items: none
  std::map<std::pair<Space, std::uint64_t>, std::unique_ptr<Page>> pages_;
  std::optional<std::size_t> now_;
  std::size_t actor_ = kHost;
};

// An item's order, as instructions around it.
struct Sync {
  std::uint32_t fence_ai = 0;                                         // engines; before all else
  bool fence = false;                                                 // a RISC-V fence
  std::vector<std::pair<isa::Engine, std::uint32_t>> waits, signals;  // before it, behind it
};

std::vector<Sync> derive_sync(const Program& program, const Machine& machine,
                              const std::vector<Needs>& needs);

}  // namespace assay::testgen::program
