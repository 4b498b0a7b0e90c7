#include "testgen/program/order.hpp"

#include <algorithm>

namespace assay::testgen::program {
namespace {

constexpr std::size_t kEngines = isa::kEngineCount;
bool is_dma(std::size_t engine) { return engine <= static_cast<std::size_t>(isa::Engine::dma_out); }

}  // namespace

void NeedsFinder::launched(std::uint64_t number, const golden::machine::Command& command) {
  item_of_.resize(number + 1, needs_.size());
  const auto item = item_at_(command.pc);
  if (!item) return;
  item_of_[number] = *item;
  if (!std::holds_alternative<isa::SemaphoreCommand>(command.command)) needs_[*item].engine = command.engine;
}

void NeedsFinder::command(std::uint64_t number) {
  const std::size_t item = item_of_[number];
  now_ = item < needs_.size() ? std::optional<std::size_t>(item) : std::nullopt;
  actor_ = now_ && needs_[*now_].engine ? static_cast<std::size_t>(*needs_[*now_].engine) : kHost;
}

void NeedsFinder::host(std::uint64_t pc) {
  now_ = item_at_(pc);
  actor_ = kHost;
}

void NeedsFinder::touched(Space space, std::uint64_t offset, std::uint64_t bytes, bool write) {
  if (!now_ || space == Space::tcm) return;
  Needs& needs = needs_[*now_];
  const auto self = static_cast<After>(*now_ + 1);
  Page* page = nullptr;
  for (std::uint64_t i = offset; i < offset + bytes; ++i) {
    if (page == nullptr || i % kPage == 0) {
      std::unique_ptr<Page>& place = pages_[{space, i / kPage}];
      if (!place) place = std::make_unique<Page>();
      page = place.get();
    }
    Touches& t = (*page)[i % kPage];
    for (std::size_t e = 0; e < kEngines; ++e) {
      if (e == actor_ && !is_dma(e)) continue;  // MXU and VXU do and finish in order
      const After last = write ? std::max(t.written[e], t.read[e]) : t.written[e];
      if (last != self) needs.engines[e] = std::max(needs.engines[e], last);
    }
    if (actor_ != kHost) needs.host_store = std::max(needs.host_store, t.written[kHost]);
    (write ? t.written : t.read)[actor_] = self;
  }
}

namespace {

using Known = std::array<After, kEngines>;  // of each engine the last item that is known to be complete

class Deriver {
 public:
  Deriver(const Program& program, const Machine& machine, const std::vector<Needs>& needs)
      : program_(program),
        needs_(needs),
        free_(machine.sync.semaphores),
        sync_(needs.size()),
        then_(needs.size()) {
    for (std::size_t i = 0; i < program.items.size(); ++i) place_[program.items[i].id] = i;
    // The last semaphores are left to items that use them by themselves.
    free_ -= std::min<std::uint32_t>(free_ / 8, 8);
  }

  std::vector<Sync> derive() {
    for (std::size_t i = 0; i < needs_.size(); ++i) needs_[i].engine ? launch(i) : host(i);
    return std::move(sync_);
  }

 private:
  void host(std::size_t item) {
    for (std::size_t e = 0; e < kEngines; ++e)
      if (needs_[item].engines[e] > host_[e]) wait_by_fence(item, e);
  }

  void wait_by_fence(std::size_t item, std::size_t engine) {
    sync_[item].fence_ai |= 1U << engine;
    // What its last command knew as it began: the present one is not in the queue yet.
    if (last_[engine] != 0) learn(host_, then_[last_[engine] - 1]);
    host_[engine] = last_[engine];
    stores_visible_ = static_cast<After>(item);
  }

  void launch(std::size_t item) {
    const auto self = static_cast<std::size_t>(*needs_[item].engine);
    Known wanted = needs_[item].engines;
    for (const std::uint32_t id : program_.items[item].after)
      if (const auto found = place_.find(id); found != place_.end() && found->second < item)
        if (const auto& engine = needs_[found->second].engine) {
          After& last = wanted[static_cast<std::size_t>(*engine)];
          last = std::max(last, static_cast<After>(found->second + 1));
        }
    Known& known = engines_[self];
    learn(known, host_);
    // The latest first: what it followed itself may be all that is wanted besides.
    std::array<std::size_t, kEngines> latest_first{0, 1, 2, 3};
    std::sort(latest_first.begin(), latest_first.end(),
              [&](std::size_t a, std::size_t b) { return wanted[a] > wanted[b]; });
    for (const std::size_t e : latest_first)
      if (wanted[e] > known[e]) order(item, self, e, wanted[e]);
    if (needs_[item].host_store > stores_visible_) {
      sync_[item].fence = true;
      stores_visible_ = static_cast<After>(item);
    }
    then_[item] = known;
    last_[self] = static_cast<After>(item + 1);
  }

  // `item` of engine `self` is to follow the item `before` of engine `other`.
  void order(std::size_t item, std::size_t self, std::size_t other, After before) {
    const auto semaphore = semaphore_of(other, self);
    const bool by_host = program_.sync.host_fences && ++orders_ % 3 == 0;
    if (by_host || !semaphore) {
      wait_by_fence(item, other);
      learn(engines_[self], host_);
      return;
    }
    sync_[before - 1].signals.emplace_back(static_cast<isa::Engine>(other), *semaphore);
    sync_[item].waits.emplace_back(static_cast<isa::Engine>(self), *semaphore);
    Known& known = engines_[self];
    known[other] = before;
    if (program_.sync.transitive) learn(known, then_[before - 1]);
  }

  static void learn(Known& known, const Known& more) {
    for (std::size_t e = 0; e < kEngines; ++e) known[e] = std::max(known[e], more[e]);
  }

  // A pair's semaphores in turn; nothing where the machine has no more of them.
  std::optional<std::uint32_t> semaphore_of(std::size_t from, std::size_t to) {
    Pair& pair = pairs_[{from, to}];
    if (pair.semaphores.size() < program_.sync.semaphores_per_pair && next_ < free_)
      pair.semaphores.push_back(next_++);
    if (pair.semaphores.empty()) return std::nullopt;
    return pair.semaphores[pair.uses++ % pair.semaphores.size()];
  }

  struct Pair {
    std::vector<std::uint32_t> semaphores;
    std::size_t uses = 0;
  };

  const Program& program_;
  const std::vector<Needs>& needs_;
  std::uint32_t free_, next_ = 0;
  std::vector<Sync> sync_;
  std::vector<Known> then_;  // what an item's engine knew as the item began
  std::map<std::uint32_t, std::size_t> place_;
  std::map<std::pair<std::size_t, std::size_t>, Pair> pairs_;
  std::array<Known, kEngines> engines_{};
  Known host_{}, last_{};
  After stores_visible_ = 0;  // host stores up to this item
  std::uint64_t orders_ = 0;
};

}  // namespace

std::vector<Sync> derive_sync(const Program& program, const Machine& machine,
                              const std::vector<Needs>& needs) {
  return Deriver(program, machine, needs).derive();
}

}  // namespace assay::testgen::program
