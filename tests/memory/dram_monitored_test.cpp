// The real controller under mixed traffic, every command judged by the monitor: it finds nothing, and it has
// checked every rule that can apply within two clocks of its limit.
//
//   dram_monitored_test [--requests N]      per standard; prints what was checked
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <map>
#include <random>

#include "../support/dram_monitor.hpp"
#include "base/machine_yaml.hpp"
#include "memory/dram/dram.hpp"

namespace assay {
namespace {

using memory::Dram;
using memory::DramAnswer;
using memory::DramCommand;
using test::DramMonitor;
using test::DramRule;

std::uint64_t requests_per_standard = 300'000;

struct Policy {
  std::string page, refresh;
  std::uint32_t postpone, age_cap;
};

// Two pseudo-channels of the standard, so that its queues fill.
Machine::Hbm memory_of(const std::string& table, const Policy& policy) {
  Machine::Hbm hbm = find_machine("server128").hbm;
  hbm.table = load_hbm_table(config_dir() + "/memory/" + table + ".yaml");
  hbm.table.stacks = 1;
  hbm.table.pseudo_channels = 2;
  hbm.controller.address_map = default_address_map(hbm.table);
  hbm.controller.page_policy = policy.page;
  hbm.controller.refresh = policy.refresh;
  hbm.controller.refresh_postpone = policy.postpone;
  hbm.controller.age_cap_clocks = policy.age_cap;
  return hbm;
}

// Traffic in phases, each of one character: where, how large, what share of writes, how spaced in time.
class Mixture {
 public:
  Mixture(const Machine::Hbm& hbm, std::uint64_t seed)
      : capacity_(hbm.table.capacity().count()),
        refi_(static_cast<std::uint64_t>(hbm.table.tREFI_ns)),
        random_(seed) {}

  struct Item {
    std::uint64_t wait;  // cycles since the one before
    std::uint64_t offset;
    std::uint32_t bytes;
    bool write;
  };
  Item next() {
    if (left_ == 0) new_phase();
    --left_;
    at_ = (random_phase_ ? random_() : at_ + stride_) % span_;
    const std::uint64_t offset = (base_ + at_) % capacity_ / bytes_ * bytes_;
    return {wait(), offset, bytes_, random_() % 100 < writes_};
  }

 private:
  std::uint64_t pick(std::initializer_list<std::uint64_t> of) { return of.begin()[random_() % of.size()]; }

  void new_phase() {
    left_ = pick({1, 20, 300, 3000});
    bytes_ = static_cast<std::uint32_t>(pick({1, 32, 64, 64, 128, 256}));
    writes_ = pick({0, 0, 10, 50, 90, 100});
    random_phase_ = random_() % 3 == 0;
    stride_ = pick({bytes_, bytes_, 256, 512, 4096, 65536, 1 << 20, (1 << 20) + 256});
    span_ = pick({4096, 1 << 16, 1 << 24, capacity_});
    base_ = random_() % capacity_;
    at_ = 0;
    spacing_ = pick({0, 0, 0, 1, 5, 30, 400});
    burst_ = pick({1, 8, 200});
    if (random_() % 20 == 0) gap_ = random_() % (3 * refi_);
  }

  std::uint64_t wait() {
    const std::uint64_t gap = gap_;
    gap_ = 0;
    return gap + (random_() % burst_ == 0 ? random_() % (spacing_ * burst_ * 2 + 1) : 0);
  }

  std::uint64_t capacity_, refi_;
  std::mt19937_64 random_;
  std::uint64_t left_ = 0, writes_ = 0, stride_ = 0, span_ = 1, base_ = 0, at_ = 0, spacing_ = 0, burst_ = 1,
                gap_ = 0;
  std::uint32_t bytes_ = 64;
  bool random_phase_ = false;
};

// Every request is answered; the memory never holds more than some thousands.
void drive(const Machine::Hbm& hbm, std::uint64_t requests, std::uint64_t seed, DramMonitor& monitor) {
  constexpr std::uint64_t kMost = 2000;
  Dram dram(hbm, 1000, &monitor);
  Mixture mixture(hbm, seed);
  std::vector<DramAnswer> answers;
  std::uint64_t now = 0, submitted = 0, done = 0;
  const auto advance_to = [&](std::uint64_t cycle) {
    now = cycle;
    answers.clear();
    dram.advance(Cycle(now), answers);
    for (const DramAnswer& a : answers) done += a.kind == memory::ChannelAnswer::Kind::write_taken ? 0 : 1;
  };
  while (submitted < requests) {
    const Mixture::Item item = mixture.next();
    if (item.wait > 0) advance_to(now + item.wait);
    while (submitted - done >= kMost) advance_to(now + 100);
    dram.submit(Cycle(now), {submitted++, item.offset, item.bytes, item.write});
  }
  for (int i = 0; i < 1000 && done < submitted; ++i) advance_to(now + 10'000);
  ASSERT_EQ(done, submitted);
  dram.counters();  // brings channels in which nothing waits up to now, with their refreshes
  monitor.finish(static_cast<memory::Clock>(static_cast<double>(now) / hbm.table.tCK_ns));
}

// Rules that this controller never comes near: it closes all banks for a refresh of all alone, and precharges
// no closed bank.
bool out_of_reach(const DramRule& rule, const HbmTable& table, const Policy& policy) {
  const bool per_bank = policy.refresh == "per_bank";
  const auto is = [&rule](DramCommand before, DramCommand after) {
    return rule.before == before && rule.after == after;
  };
  if (rule.scope == test::Scope::other_group && table.bank_groups == 1) return true;
  if (per_bank && (rule.before == DramCommand::precharge_all || rule.after == DramCommand::precharge_all))
    return true;
  return is(DramCommand::precharge_all, DramCommand::activate) ||
         is(DramCommand::refresh_all, DramCommand::precharge) ||
         is(DramCommand::refresh_all, DramCommand::precharge_all) ||
         is(DramCommand::refresh_bank, DramCommand::precharge) ||
         (is(DramCommand::refresh_bank, DramCommand::refresh_bank) && rule.scope == test::Scope::bank);
}

class MonitoredStandard : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Tables, MonitoredStandard,
                         testing::Values("hbm2_1563", "hbm2_2000", "hbm2e_3200", "hbm3_6400", "lpddr4_3200",
                                         "ddr3_2133"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(MonitoredStandard, BreaksNoRuleAndComesNearEachLimit) {
  std::vector<Policy> policies{{"open", "all_bank", 8, 1000}, {"closed", "all_bank", 0, 100}};
  const HbmTable table = load_hbm_table(config_dir() + "/memory/" + GetParam() + ".yaml");
  if (table.tRFCpb_ns > 0) {
    policies.push_back({"open", "per_bank", 8, 1000});
    policies.push_back({"closed", "per_bank", 1, 100});
  }
  struct Seen {
    std::uint64_t checked = 0, closest = ~0ULL;
  };
  std::map<std::string, Seen> seen;
  std::uint64_t commands = 0;
  for (const Policy& policy : policies) {
    SCOPED_TRACE(policy.page + " page, refresh " + policy.refresh);
    const Machine::Hbm hbm = memory_of(GetParam(), policy);
    DramMonitor monitor(hbm.table, hbm.controller);
    drive(hbm, requests_per_standard / policies.size(), 1, monitor);
    EXPECT_THAT(monitor.violations(), testing::IsEmpty());
    commands += monitor.commands();
    for (const DramRule& rule : monitor.rules()) {
      if (out_of_reach(rule, hbm.table, policy)) continue;
      Seen& s = seen[rule.text()];
      s.checked += rule.checked;
      s.closest = std::min(s.closest, rule.closest);
    }
  }
  fmt::print("{}: {} requests, {} commands\n", GetParam(), requests_per_standard, commands);
  for (const auto& [rule, s] : seen) {
    fmt::print("  {:<62} {:>10} checked, closest {}\n", rule, s.checked, s.closest);
    EXPECT_LE(s.closest, 2u) << rule << " was never near its limit";
  }
}

}  // namespace
}  // namespace assay

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  if (argc == 3 && std::string(argv[1]) == "--requests") assay::requests_per_standard = std::stoull(argv[2]);
  else if (argc != 1) return 2;
  return RUN_ALL_TESTS();
}
