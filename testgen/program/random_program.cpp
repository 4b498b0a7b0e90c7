#include "testgen/program/random_program.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "base/machine_yaml.hpp"
#include "isa/abi.h"
#include "isa/table.hpp"
#include "testgen/program/arena.hpp"
#include "testgen/program/random_command.hpp"
#include "testgen/program/random_host.hpp"

namespace assay::testgen::program {
namespace {

using isa::Engine;

// Parameters that change how a machine does things, and what they may be. The array and what it can multiply
// decide what a command may be; the others nothing.
struct Variation {
  const char* name;
  std::array<const char*, 4> values;
};
constexpr Variation kVariations[] = {{"sync.queue_depth", {"1", "2", "3", "16"}},
                                     {"sync.semaphores", {"1", "8", "32", "64"}},
                                     {"sync.signal_cycles", {"0", "1", "4", "50"}},
                                     {"spm.banks", {"1", "4", "16", "64"}},
                                     {"spm.bank_bytes", {"4", "16", "32", "64"}},
                                     {"acc.banks", {"1", "4", "16", "64"}},
                                     {"acc.bank_bytes", {"4", "16", "32", "64"}},
                                     {"vxu.lanes", {"1", "3", "16", "100"}},
                                     {"vxu.setup_cycles", {"0", "1", "20", "90"}},
                                     {"mxu.rows", {"1", "4", "7", "16"}},
                                     {"mxu.cols", {"1", "4", "9", "16"}},
                                     {"mxu.load_rows_per_cycle", {"1", "2", "3", "4"}},
                                     {"mxu.rates.f16", {"1", "1/2", "2", "1"}},
                                     {"mxu.rates.bf16", {"1", "2", "1/4", "4"}},
                                     {"mxu.rates.s8", {"1", "2", "4", "2"}},
                                     {"mxu.rates.e4m3", {"1", "2", "4", "0"}},
                                     {"dma.outstanding_requests", {"1", "2", "8", "64"}},
                                     {"dma.request_bytes", {"16", "32", "64", "256"}},
                                     {"dma.setup_cycles", {"0", "1", "16", "100"}},
                                     {"fabric.latency_cycles", {"1", "5", "20", "150"}},
                                     {"host.load_tcm_cycles", {"1", "2", "5", "3"}},
                                     {"hbm.controller.page_policy", {"open", "closed", "open", "closed"}}};

class Generator {
 public:
  explicit Generator(const RandomOptions& options)
      : options_(options), random_(options.seed, 0), machine_(find_machine(options.config)) {
    p_.config = options.config;
    p_.registers = random_.next() >> 32 | 1;
  }

  Program generate() {
    if (options_.vary_machine) vary();
    p_.sync.semaphores_per_pair = 1 + random_.below(3);
    p_.sync.transitive = random_.below(3) != 0;
    p_.sync.host_fences = random_.below(6) == 0;
    Arenas arenas = make_arenas();
    RandomCommand commands(random_, machine_, arenas);
    RandomHost host(random_, host_ranges(arenas));
    fill(commands, host);
    end(commands);
    p_.memory = arenas.chunks();
    return std::move(p_);
  }

 private:
  void vary() {
    for (std::uint32_t n = random_.below(6); n != 0; --n) {
      const Variation& v = kVariations[random_.below(std::size(kVariations))];
      Program changed = p_;
      changed.set[v.name] = v.values[random_.below(4)];
      try {
        machine_ = machine_of(changed);
        p_.set = changed.set;
      } catch (const Error&) {  // not together with the others
      }
    }
  }

  Arenas make_arenas() {
    Arenas arenas(random_, machine_);
    const std::uint64_t spm = machine_.spm.bytes().count(), acc = machine_.acc.bytes().count(),
                        hbm = machine_.hbm.bytes().count();
    const bool large = machine_.mxu.cols > 32 && random_.below(8) == 0;
    const std::uint64_t spm_low = large ? 65536 : 8192, acc_low = large ? 40960 : 2048;
    constexpr std::uint64_t kCounts = 256, kSpmHigh = 4096, kAccHigh = 1024;
    if (spm < spm_low + kCounts + kSpmHigh || acc < acc_low + kAccHigh)
      fail(ExitCode::Usage, "program: {}: SPM or ACC is smaller than a random program needs: {} and {} bytes",
           options_.config, spm_low + kCounts + kSpmHigh, acc_low + kAccHigh);
    const std::uint64_t shift = random_.below(3) == 0 ? 64 * random_.below(16) : 0;
    arenas.add(Space::spm, std::min(shift, spm - spm_low - kCounts - kSpmHigh), spm_low);
    arenas.add(Space::spm, spm - kSpmHigh, kSpmHigh);
    arenas.add(Space::acc, 0, acc_low);
    arenas.add(Space::acc, acc - kAccHigh, kAccHigh);
    arenas.add(Space::hbm, 4096 * random_.below(1000), 8192);
    arenas.add(Space::hbm, hbm - 4096, 4096);
    arenas.draw_chunks();
    arenas.add_counts(spm - kSpmHigh - kCounts, kCounts, 1 + random_.below(6));
    return arenas;
  }

  static std::vector<HostRange> host_ranges(const Arenas& arenas) {
    std::vector<HostRange> ranges;
    for (const Chunk& c : arenas.chunks()) {
      if (c.space == Space::acc) continue;
      const std::uint64_t base = c.space == Space::spm ? ASSAY_SPM_BASE : ASSAY_HBM_BASE;
      ranges.push_back({base + c.offset, c.bytes, c.fill != Chunk::Fill::count});
    }
    return ranges;
  }

  std::uint32_t add(std::variant<Launch, HostCode> what) {
    Item item;
    item.id = next_++;
    item.what = std::move(what);
    if (is_command(item)) {
      while (launched_.size() > 2 && random_.below(10) == 0)
        item.after.push_back(launched_[random_.below(static_cast<std::uint32_t>(launched_.size()))]);
      launched_.push_back(item.id);
    }
    p_.items.push_back(std::move(item));
    return p_.items.back().id;
  }

  // Launches one after the other, some in bursts to one engine; host code and traps in between.
  void fill(RandomCommand& commands, RandomHost& host) {
    std::optional<Engine> burst;
    std::uint32_t left = 0;
    for (std::size_t n = 0; launched_.size() < options_.commands && n < 4 * options_.commands; ++n) {
      if (left == 0) {
        burst.reset();
        if (random_.below(8) == 0) {
          burst = static_cast<Engine>(random_.below(4));
          left = 2 + random_.below(2 * std::min<std::uint32_t>(machine_.sync.queue_depth, 16) + 2);
        }
      } else {
        --left;
      }
      const Engine engine = n < 4 ? static_cast<Engine>(n) : burst ? *burst : commands.any_engine();
      for (const Launch& launch : commands.draw(engine)) {
        add(launch);
        if (options_.host_code && !burst) code(host);
      }
      if (options_.traps && random_.below(12) == 0) add(commands.illegal(engine));
    }
  }

  void code(RandomHost& host) {
    for (std::uint32_t n = random_.below(3); n != 0; --n) add(host.piece(options_.traps));
  }

  void end(RandomCommand& commands) {
    p_.ending.fence = random_.below(4) != 0;
    if (random_.below(3) == 0) p_.ending.status = 1 + random_.below(99);
    if (!options_.traps) return;
    const std::uint32_t how = random_.below(24);
    if (how < 3) p_.ending.kind = static_cast<Ending::Kind>(1 + how);
    if (how >= 3 && how < 7) add(commands.impossible());
    if (how == 7) deadlock(commands);
  }

  // A wait for a signal that never comes, and launches behind it: sometimes more than the queue takes.
  void deadlock(RandomCommand& commands) {
    const auto engine = static_cast<Engine>(random_.below(4));
    add(Launch{isa::Instruction::sem_wait,
               {static_cast<std::uint64_t>(engine), machine_.sync.semaphores - 1, {}}});
    if (machine_.sync.semaphores < 8) p_.items.pop_back();  // it may be in use
    for (std::uint32_t n = random_.below(4); n != 0; --n)
      for (const Launch& launch : commands.draw(engine)) add(launch);
  }

  const RandomOptions& options_;
  ElementRandom random_;
  Machine machine_;
  Program p_;
  std::uint32_t next_ = 1;
  std::vector<std::uint32_t> launched_;
};

}  // namespace

Program random_program(const RandomOptions& options) { return Generator(options).generate(); }

}  // namespace assay::testgen::program
