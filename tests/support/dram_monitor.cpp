#include "dram_monitor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay::test {
namespace {

using memory::DramCommand;
using memory::DramEvent;

constexpr std::array<const char*, 7> kNames{"activate", "precharge",   "precharge_all", "read",
                                            "write",    "refresh_all", "refresh_bank"};
constexpr std::array<const char*, 5> kScopes{"bank", "other bank", "group", "other group", "channel"};

const char* name_of(DramCommand command) { return kNames[static_cast<std::size_t>(command)]; }

bool is_column(DramCommand command) { return command == DramCommand::read || command == DramCommand::write; }

bool has_bank(DramCommand command) {
  return command != DramCommand::precharge_all && command != DramCommand::refresh_all;
}

}  // namespace

std::string DramRule::text() const {
  return fmt::format("{}: {} -> {}, {}, {} clocks", name, name_of(before), name_of(after),
                     kScopes[static_cast<std::size_t>(scope)], distance);
}

void DramMonitor::Times::Pair::add(std::int64_t when, std::uint32_t where) {
  if (at >= 0 && place != where) other_at = at;
  at = when;
  place = where;
}

DramMonitor::DramMonitor(const HbmTable& table, const Machine::MemoryController& policy)
    : groups_(table.bank_groups),
      banks_per_group_(table.banks_per_group),
      one_bus_(table.command_buses == 1),
      per_bank_(policy.refresh == "per_bank"),
      activate_clocks_(table.activate_clocks),
      precharge_clocks_(table.precharge_clocks),
      column_clocks_(table.column_clocks),
      refi_clocks_(table.tREFI_ns / table.tCK_ns),
      postpone_(policy.refresh_postpone) {
  make_rules(table);
  for (std::size_t i = 0; i < rules_.size(); ++i)
    by_after_[static_cast<std::size_t>(rules_[i].after)].push_back(i);
}

void DramMonitor::make_rules(const HbmTable& t) {
  const auto n = [&t](double ns) {
    const double clocks = ns / t.tCK_ns, whole = std::floor(clocks);
    return static_cast<memory::Clock>(clocks - whole < 1e-6 ? whole : whole + 1);
  };
  // A burst of two or four transfers a clock, as the data rate says.
  const auto burst =
      static_cast<memory::Clock>(std::lround(t.burst_length * 1000.0 / t.data_rate_mbps / t.tCK_ns));
  const memory::Clock written = n(t.tCWL_ns) + burst;  // write command to the end of its data
  read_data_ = static_cast<std::int64_t>(n(t.tCL_ns));
  write_data_ = static_cast<std::int64_t>(n(t.tCWL_ns));
  burst_ = static_cast<std::int64_t>(burst);

  const auto ACT = DramCommand::activate, PRE = DramCommand::precharge, PREA = DramCommand::precharge_all;
  const auto RD = DramCommand::read, WR = DramCommand::write;
  const auto REFA = DramCommand::refresh_all, REFB = DramCommand::refresh_bank;
  rules_ = {
      {"tCCD_L", RD, RD, Scope::group, n(t.tCCD_L_ns)},
      {"tCCD_S", RD, RD, Scope::other_group, n(t.tCCD_S_ns)},
      {"tCCD_L", WR, WR, Scope::group, n(t.tCCD_L_ns)},
      {"tCCD_S", WR, WR, Scope::other_group, n(t.tCCD_S_ns)},
      {"tRTW", RD, WR, Scope::channel, n(t.tRTW_ns)},
      {"tWTR_L", WR, RD, Scope::group, written + n(t.tWTR_L_ns)},
      {"tWTR_S", WR, RD, Scope::other_group, written + n(t.tWTR_S_ns)},

      {"tRCDRD", ACT, RD, Scope::bank, n(t.tRCDRD_ns)},
      {"tRCDWR", ACT, WR, Scope::bank, n(t.tRCDWR_ns)},
      {"tRAS", ACT, PRE, Scope::bank, n(t.tRAS_ns)},
      {"tRAS", ACT, PREA, Scope::channel, n(t.tRAS_ns)},
      {"tRTP", RD, PRE, Scope::bank, n(t.tRTP_ns)},
      {"tRTP", RD, PREA, Scope::channel, n(t.tRTP_ns)},
      {"tWR", WR, PRE, Scope::bank, written + n(t.tWR_ns)},
      {"tWR", WR, PREA, Scope::channel, written + n(t.tWR_ns)},

      {"tRC", ACT, ACT, Scope::bank, n(t.tRC_ns)},
      {"tRRD_L", ACT, ACT, Scope::group, n(t.tRRD_L_ns)},
      {"tRRD_S", ACT, ACT, Scope::other_group, n(t.tRRD_S_ns)},
      {"tFAW", ACT, ACT, Scope::channel, n(t.tFAW_ns), 4},
      {"tRP", PRE, ACT, Scope::bank, n(t.tRP_ns)},
      {"tRP", PREA, ACT, Scope::channel, n(t.tRP_ns)},
  };
  const auto add = [this](const DramRule& rule) { rules_.push_back(rule); };
  if (!per_bank_) {
    add({"tRP", PRE, REFA, Scope::channel, n(t.tRP_ns)});
    add({"tRP", PREA, REFA, Scope::channel, n(t.tRP_ns)});
    for (const DramCommand next : {ACT, PRE, PREA, REFA})  // a column command needs an activate first
      add({"tRFC", REFA, next, Scope::channel, n(t.tRFC_ns)});
    return;
  }
  add({"tRP", PRE, REFB, Scope::bank, n(t.tRP_ns)});
  add({"tRP", PREA, REFB, Scope::channel, n(t.tRP_ns)});
  for (const DramCommand next : {ACT, PRE, REFB}) add({"tRFCpb", REFB, next, Scope::bank, n(t.tRFCpb_ns)});
  add({"tRFCpb", REFB, PREA, Scope::channel, n(t.tRFCpb_ns)});
  add({"tRREFD", REFB, REFB, Scope::other_bank, n(t.tRREFD_ns)});
  add({"tRREFD", REFB, ACT, Scope::other_bank, n(t.tRREFD_ns)});
  add({"tRRD before refresh", ACT, REFB, Scope::other_bank, n(t.tRRD_S_ns)});
}

DramMonitor::Channel& DramMonitor::channel(std::uint32_t number) {
  while (channels_.size() <= number) {
    Channel& c = channels_.emplace_back();
    const std::size_t banks = std::size_t{groups_} * banks_per_group_;
    for (Times& times : c.times) {
      times.bank.assign(banks, -1);
      times.group.assign(groups_, -1);
      times.last.fill(-1);
    }
    c.open.assign(banks, -1);
    c.bank_refreshes.assign(banks, 0);
  }
  return channels_[number];
}

void DramMonitor::command(const DramEvent& event) {
  Channel& c = channel(event.channel);
  ++commands_;
  const auto clock = static_cast<std::int64_t>(event.clock);
  if (clock < c.now) violate("order", event, fmt::format("comes after one at {}", c.now));
  c.now = clock;
  if (has_bank(event.command) && (event.group >= groups_ || event.bank >= banks_per_group_)) {
    violate("geometry", event, fmt::format("the table has {} groups of {} banks", groups_, banks_per_group_));
    return;
  }
  check_distances(event, c);
  check_rows(event, c);
  check_buses(event, c);
  check_refresh(event, c);
  remember(event, c);
}

std::int64_t DramMonitor::latest(const DramRule& rule, const DramEvent& event, const Channel& c) const {
  const Times& times = c.times[static_cast<std::size_t>(rule.before)];
  const std::uint32_t bank = event.group * banks_per_group_ + event.bank;
  switch (rule.scope) {
    case Scope::bank: return times.bank[bank];
    case Scope::other_bank: return times.by_bank.elsewhere(bank);
    case Scope::group: return times.group[event.group];
    case Scope::other_group: return times.by_group.elsewhere(event.group);
    case Scope::channel: return times.last[rule.back - 1];
  }
  return -1;
}

void DramMonitor::check_distances(const DramEvent& event, const Channel& c) {
  for (const std::size_t index : by_after_[static_cast<std::size_t>(event.command)]) {
    DramRule& rule = rules_[index];
    const std::int64_t before = latest(rule, event, c);
    if (before < 0) continue;
    const std::uint64_t distance = event.clock - static_cast<std::uint64_t>(before);
    ++rule.checked;
    if (distance < rule.distance) {
      violate(rule.name, event,
              fmt::format("{} is at {}: {} clocks, not {}", name_of(rule.before), before, distance,
                          rule.distance));
      continue;
    }
    rule.closest = std::min(rule.closest, distance - rule.distance);
  }
}

void DramMonitor::check_rows(const DramEvent& event, Channel& c) {
  const std::size_t bank = std::size_t{event.group} * banks_per_group_ + event.bank;
  const auto row = static_cast<std::int64_t>(event.row);
  switch (event.command) {
    case DramCommand::activate:
      if (c.open[bank] >= 0) violate("closed bank", event, fmt::format("row {} is open", c.open[bank]));
      c.open[bank] = row;
      return;
    case DramCommand::read:
    case DramCommand::write:
      if (c.open[bank] < 0) violate("open row", event, "the bank is closed");
      else if (c.open[bank] != row) violate("open row", event, fmt::format("row {} is open", c.open[bank]));
      return;
    case DramCommand::precharge: c.open[bank] = -1; return;
    case DramCommand::precharge_all: std::fill(c.open.begin(), c.open.end(), -1); return;
    case DramCommand::refresh_all:
      if (std::any_of(c.open.begin(), c.open.end(), [](std::int64_t open) { return open >= 0; }))
        violate("closed bank", event, "a row is open");
      return;
    case DramCommand::refresh_bank:
      if (c.open[bank] >= 0) violate("closed bank", event, fmt::format("row {} is open", c.open[bank]));
      return;
  }
}

void DramMonitor::check_buses(const DramEvent& event, Channel& c) {
  const auto clock = static_cast<std::int64_t>(event.clock);
  const bool column = is_column(event.command);
  std::int64_t& bus = c.bus[column && !one_bus_ ? 1 : 0];
  if (clock < bus) violate("command bus", event, fmt::format("it is taken until {}", bus));
  bus = clock + (column                                   ? column_clocks_
                 : event.command == DramCommand::activate ? activate_clocks_
                                                          : precharge_clocks_);
  if (!column) return;
  const std::int64_t from = clock + (event.command == DramCommand::read ? read_data_ : write_data_);
  const Burst burst{from, from + burst_};
  for (const Burst& other : c.bursts)
    if (burst.from < other.to && other.from < burst.to)
      violate("data bus", event,
              fmt::format("data at {} .. {} meets that at {} .. {}", burst.from, burst.to - 1, other.from,
                          other.to - 1));
  c.bursts[c.next_burst] = burst;
  c.next_burst = (c.next_burst + 1) % c.bursts.size();
}

void DramMonitor::check_refresh(const DramEvent& event, Channel& c) {
  check_overdue(static_cast<std::int64_t>(event.clock), event.channel, c);
  if (event.command == DramCommand::refresh_all) ++c.refreshes;
  if (event.command != DramCommand::refresh_bank) return;
  std::uint64_t& count = c.bank_refreshes[event.group * banks_per_group_ + event.bank];
  const std::uint64_t fewest = *std::min_element(c.bank_refreshes.begin(), c.bank_refreshes.end());
  if (++count > fewest + 1) violate("refresh round", event, "another bank of its round waits");
  c.refreshes = *std::min_element(c.bank_refreshes.begin(), c.bank_refreshes.end());
}

void DramMonitor::check_overdue(std::int64_t clock, std::uint32_t number, const Channel& c) {
  const auto due = static_cast<std::uint64_t>(static_cast<double>(clock) / refi_clocks_);
  if (due <= postpone_ + 1 + c.refreshes) return;
  DramEvent event;
  event.clock = static_cast<memory::Clock>(clock);
  event.command = per_bank_ ? DramCommand::refresh_bank : DramCommand::refresh_all;
  event.channel = number;
  violate("tREFI", event, fmt::format("{} of {} are done", c.refreshes, due));
}

void DramMonitor::finish(memory::Clock end) {
  for (std::uint32_t c = 0; c < channels_.size(); ++c)
    check_overdue(static_cast<std::int64_t>(end), c, channels_[c]);
}

void DramMonitor::remember(const DramEvent& event, Channel& c) {
  Times& times = c.times[static_cast<std::size_t>(event.command)];
  const auto clock = static_cast<std::int64_t>(event.clock);
  std::rotate(times.last.begin(), times.last.end() - 1, times.last.end());
  times.last[0] = clock;
  if (!has_bank(event.command)) return;
  const std::uint32_t bank = event.group * banks_per_group_ + event.bank;
  times.bank[bank] = times.group[event.group] = clock;
  times.by_group.add(clock, event.group);
  times.by_bank.add(clock, bank);
}

void DramMonitor::violate(const std::string& rule, const DramEvent& event, const std::string& why) {
  constexpr std::size_t kMost = 100;
  if (violations_.size() < kMost)
    violations_.push_back(fmt::format("{}: channel {}, clock {}, {} of bank {}.{}: {}", rule, event.channel,
                                      event.clock, name_of(event.command), event.group, event.bank, why));
}

}  // namespace assay::test
