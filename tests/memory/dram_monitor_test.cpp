// The monitor itself: each of its rules finds a command that is one clock early, and passes it on time.
#include "../support/dram_monitor.hpp"

#include <gmock/gmock.h>

#include <set>

#include "dram_bench.hpp"

namespace assay {
namespace {

using memory::Clock;
using memory::DramCommand;
using memory::DramEvent;
using test::DramMonitor;
using test::Scope;

HbmTable table() {
  HbmTable t = test::one_channel().table;
  t.tREFI_ns = 9000;
  return t;
}

Machine::MemoryController policy(const std::string& refresh, std::uint32_t postpone = 8) {
  Machine::MemoryController p;
  p.refresh = refresh;
  p.refresh_postpone = postpone;
  return p;
}

DramEvent event(Clock clock, DramCommand command, std::uint32_t group = 0, std::uint32_t bank = 0) {
  DramEvent e;
  e.clock = clock;
  e.command = command;
  e.group = group;
  e.bank = bank;
  e.row = 1;
  return e;
}

constexpr auto ACT = DramCommand::activate, PRE = DramCommand::precharge, PREA = DramCommand::precharge_all,
               RD = DramCommand::read, WR = DramCommand::write, REFA = DramCommand::refresh_all,
               REFB = DramCommand::refresh_bank;

struct Case {
  std::string rule;
  Scope scope;
  std::vector<DramEvent> setup;  // the last one is the rule's earlier command
  DramEvent next;                // its clock: the distance
  std::uint32_t back = 1;        // tFAW: the earlier command is the fourth last
};

// Of a burst of 4: writes end 15 clocks after their command.
const std::vector<Case>& all_bank_cases() {
  static const std::vector<Case> cases{
      {"tCCD_L",
       Scope::group,
       {event(0, ACT, 0, 0), event(100, ACT, 0, 1), event(200, RD, 0, 0)},
       event(7, RD, 0, 1)},
      {"tCCD_S",
       Scope::other_group,
       {event(0, ACT, 0), event(100, ACT, 1), event(200, RD, 0)},
       event(5, RD, 1)},
      {"tCCD_L",
       Scope::group,
       {event(0, ACT, 0, 0), event(100, ACT, 0, 1), event(200, WR, 0, 0)},
       event(7, WR, 0, 1)},
      {"tCCD_S",
       Scope::other_group,
       {event(0, ACT, 0), event(100, ACT, 1), event(200, WR, 0)},
       event(5, WR, 1)},
      {"tRTW", Scope::channel, {event(0, ACT, 0), event(100, ACT, 1), event(200, RD, 0)}, event(37, WR, 1)},
      {"tWTR_L", Scope::group, {event(0, ACT, 0), event(200, WR, 0)}, event(15 + 9, RD, 0)},
      {"tWTR_S",
       Scope::other_group,
       {event(0, ACT, 0), event(100, ACT, 1), event(200, WR, 0)},
       event(15 + 3, RD, 1)},
      {"tRCDRD", Scope::bank, {event(0, ACT)}, event(29, RD)},
      {"tRCDWR", Scope::bank, {event(0, ACT)}, event(23, WR)},
      {"tRAS", Scope::bank, {event(0, ACT)}, event(61, PRE)},
      {"tRAS", Scope::channel, {event(0, ACT)}, event(61, PREA)},
      {"tRTP", Scope::bank, {event(0, ACT), event(200, RD)}, event(41, PRE)},
      {"tRTP", Scope::channel, {event(0, ACT), event(200, RD)}, event(41, PREA)},
      {"tWR", Scope::bank, {event(0, ACT), event(200, WR)}, event(15 + 43, PRE)},
      {"tWR", Scope::channel, {event(0, ACT), event(200, WR)}, event(15 + 43, PREA)},
      {"tRC", Scope::bank, {event(0, PRE), event(100, ACT), event(161, PRE)}, event(97, ACT), 1},
      {"tRRD_L", Scope::group, {event(0, ACT, 0, 0)}, event(19, ACT, 0, 1)},
      {"tRRD_S", Scope::other_group, {event(0, ACT, 0)}, event(13, ACT, 1)},
      {"tFAW",
       Scope::channel,
       {event(0, ACT, 0), event(13, ACT, 1), event(26, ACT, 2), event(39, ACT, 3)},
       event(71, ACT, 0, 1),
       4},
      {"tRP", Scope::bank, {event(0, ACT), event(200, PRE)}, event(31, ACT)},
      {"tRP", Scope::channel, {event(0, ACT), event(200, PREA)}, event(31, ACT)},
      {"tRP", Scope::channel, {event(0, ACT), event(200, PRE)}, event(31, REFA)},
      {"tRP", Scope::channel, {event(0, ACT), event(200, PREA)}, event(31, REFA)},
      {"tRFC", Scope::channel, {event(0, REFA)}, event(350, ACT)},
      {"tRFC", Scope::channel, {event(0, REFA)}, event(350, PRE)},
      {"tRFC", Scope::channel, {event(0, REFA)}, event(350, PREA)},
      {"tRFC", Scope::channel, {event(0, REFA)}, event(350, REFA)},
  };
  return cases;
}

const std::vector<Case>& per_bank_cases() {
  static const std::vector<Case> cases{
      {"tRP", Scope::bank, {event(0, ACT), event(200, PRE)}, event(31, REFB)},
      {"tRP", Scope::channel, {event(0, ACT), event(200, PREA)}, event(31, REFB)},
      {"tRFCpb", Scope::bank, {event(0, REFB)}, event(200, ACT)},
      {"tRFCpb", Scope::bank, {event(0, REFB)}, event(200, PRE)},
      {"tRFCpb", Scope::channel, {event(0, REFB)}, event(200, PREA)},
      {"tRREFD", Scope::other_bank, {event(0, REFB, 0)}, event(8, REFB, 1)},
      {"tRREFD", Scope::other_bank, {event(0, REFB, 0, 0)}, event(8, ACT, 0, 1)},
      {"tRRD before refresh", Scope::other_bank, {event(0, ACT, 0)}, event(13, REFB, 1)},
  };
  return cases;
}

// The violations of a case whose last command comes so many clocks behind the rule's earlier one.
std::vector<std::string> violations(const Case& c, const std::string& refresh, Clock distance) {
  DramMonitor monitor(table(), policy(refresh));
  for (const DramEvent& e : c.setup) monitor.command(e);
  DramEvent next = c.next;
  next.clock = c.setup[c.setup.size() - c.back].clock + distance;
  // tRC: the precharge between stands behind the activate.
  if (c.rule == "tRC") next.clock = c.setup[1].clock + distance;
  monitor.command(next);
  return monitor.violations();
}

void expect_found(const std::vector<Case>& cases, const std::string& refresh) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.rule + ", next " + std::to_string(static_cast<int>(c.next.command)));
    EXPECT_THAT(violations(c, refresh, c.next.clock), testing::IsEmpty());
    const std::vector<std::string> early = violations(c, refresh, c.next.clock - 1);
    EXPECT_THAT(early, testing::ElementsAre(testing::StartsWith(c.rule + ":")));
  }
}

TEST(DramMonitor, FindsEveryCommandThatIsAClockEarly) {
  expect_found(all_bank_cases(), "all_bank");
  expect_found(per_bank_cases(), "per_bank");
}

// Name, earlier and later command, scope: as the monitor's table has them, and as the cases above prove them.
using Row = std::tuple<std::string, DramCommand, DramCommand, Scope>;

TEST(DramMonitor, HasNoRuleThatIsNotProven) {
  std::set<Row> proven, rules;
  for (const auto* cases : {&all_bank_cases(), &per_bank_cases()})
    for (const Case& c : *cases)
      proven.insert({c.rule, c.rule == "tRC" ? ACT : c.setup.back().command, c.next.command, c.scope});
  for (const char* refresh : {"all_bank", "per_bank"}) {
    const DramMonitor monitor(table(), policy(refresh));
    for (const test::DramRule& r : monitor.rules()) rules.insert({r.name, r.before, r.after, r.scope});
  }
  // A bank is refreshed twice at that distance only where it is the last of its round and the next one's
  // first.
  proven.insert({"tRFCpb", REFB, REFB, Scope::bank});
  EXPECT_EQ(proven, rules);
}

std::vector<std::string> violations_of(const std::vector<DramEvent>& events, const HbmTable& t = table(),
                                       const std::string& refresh = "all_bank") {
  DramMonitor monitor(t, policy(refresh));
  for (const DramEvent& e : events) monitor.command(e);
  return monitor.violations();
}

TEST(DramMonitor, FindsARefreshOfABankThatIsBeingRefreshed) {
  HbmTable one_bank = table();
  one_bank.bank_groups = one_bank.banks_per_group = 1;
  EXPECT_THAT(violations_of({event(0, REFB), event(200, REFB)}, one_bank, "per_bank"), testing::IsEmpty());
  EXPECT_THAT(violations_of({event(0, REFB), event(199, REFB)}, one_bank, "per_bank"),
              testing::ElementsAre(testing::StartsWith("tRFCpb:")));
}

TEST(DramMonitor, FindsWhatTheStateOfABankForbids) {
  using testing::ElementsAre;
  using testing::StartsWith;
  EXPECT_THAT(violations_of({event(0, RD)}), ElementsAre(StartsWith("open row:")));
  EXPECT_THAT(violations_of({event(0, ACT), event(200, PRE), event(300, WR)}),
              ElementsAre(StartsWith("open row:")));
  EXPECT_THAT(violations_of({event(0, ACT), event(200, PREA), event(300, RD)}),
              ElementsAre(StartsWith("open row:")));
  DramEvent other = event(100, RD);
  other.row = 2;
  EXPECT_THAT(violations_of({event(0, ACT), other}), ElementsAre(StartsWith("open row:")));
  EXPECT_THAT(violations_of({event(0, ACT), event(200, ACT)}), ElementsAre(StartsWith("closed bank:")));
  EXPECT_THAT(violations_of({event(0, ACT), event(200, REFA)}), ElementsAre(StartsWith("closed bank:")));
  EXPECT_THAT(violations_of({event(0, ACT), event(200, REFB)}, table(), "per_bank"),
              ElementsAre(StartsWith("closed bank:")));
  EXPECT_THAT(violations_of({event(0, REFB), event(300, REFB)}, table(), "per_bank"),
              ElementsAre(StartsWith("refresh round:")));
  EXPECT_THAT(violations_of({event(0, ACT, 4, 0)}), ElementsAre(StartsWith("geometry:")));
  EXPECT_THAT(violations_of({event(10, ACT), event(9, PRE, 1)}), testing::Contains(StartsWith("order:")));
}

TEST(DramMonitor, FindsCommandsThatMeetOnABus) {
  const auto at = [](Clock clock, DramCommand command) { return event(clock, command, 1); };
  const auto bus = testing::ElementsAre(testing::StartsWith("command bus:"));
  const DramEvent open = event(0, ACT), read = event(200, RD);
  EXPECT_THAT(violations_of({open, event(100, ACT, 2), at(102, PRE)}), testing::IsEmpty());
  EXPECT_THAT(violations_of({open, event(100, ACT, 2), at(101, PRE)}), bus);
  EXPECT_THAT(violations_of({open, read, at(200, PRE)}), testing::IsEmpty()) << "two buses";
  HbmTable one = table();
  one.command_buses = 1;
  EXPECT_THAT(violations_of({open, read, at(201, PRE)}, one), testing::IsEmpty());
  EXPECT_THAT(violations_of({open, read, at(200, PRE)}, one), bus);
  HbmTable slow = table();
  slow.column_clocks = 9;
  EXPECT_THAT(violations_of({open, read, event(209, RD)}, slow), testing::IsEmpty());
  EXPECT_THAT(violations_of({open, read, event(208, RD)}, slow), bus);
  slow.precharge_clocks = 3;
  EXPECT_THAT(violations_of({at(0, PRE), event(3, PRE)}, slow), testing::IsEmpty());
  EXPECT_THAT(violations_of({at(0, PRE), event(2, PRE)}, slow), bus);
}

TEST(DramMonitor, FindsDataThatMeets) {
  HbmTable t = table();
  t.tRTW_ns = 3;  // read data at 17 .. 20, write data from 11 on
  const DramEvent open = event(0, ACT), read = event(200, RD);
  EXPECT_THAT(violations_of({open, read, event(210, WR)}, t), testing::IsEmpty());
  EXPECT_THAT(violations_of({open, read, event(209, WR)}, t),
              testing::ElementsAre(testing::StartsWith("data bus:")));
  EXPECT_THAT(violations_of({open, read, event(203, WR)}, t),
              testing::ElementsAre(testing::StartsWith("data bus:")));
}

TEST(DramMonitor, TakesABurstOfFourTransfersAClockForHalfAsLong) {
  HbmTable t = table();
  t.data_rate_mbps = 4000;
  t.tCCD_S_ns = 1;
  const DramEvent a = event(0, ACT, 0), b = event(100, ACT, 1), read = event(200, RD, 0);
  EXPECT_THAT(violations_of({a, b, read, event(202, RD, 1)}, t), testing::IsEmpty());
  EXPECT_THAT(violations_of({a, b, read, event(201, RD, 1)}, t),
              testing::ElementsAre(testing::StartsWith("data bus:")));
}

TEST(DramMonitor, FindsOverdueRefreshes) {
  for (const std::uint32_t postpone : {0u, 3u}) {
    const Clock deadline = 9000 * (postpone + 2);
    DramMonitor monitor(table(), policy("all_bank", postpone));
    monitor.command(event(0, ACT));
    monitor.finish(deadline - 1);
    EXPECT_THAT(monitor.violations(), testing::IsEmpty());
    monitor.finish(deadline);
    EXPECT_THAT(monitor.violations(), testing::ElementsAre(testing::StartsWith("tREFI:")));
  }
}

TEST(DramMonitor, CountsARefreshOfEveryBankAsOne) {
  DramMonitor monitor(table(), policy("per_bank", 0));
  for (std::uint32_t bank = 0; bank < 7; ++bank)
    monitor.command(event(100 + 300 * bank, REFB, bank / 2, bank % 2));
  monitor.finish(2 * 9000 - 1);
  EXPECT_THAT(monitor.violations(), testing::IsEmpty());
  monitor.finish(2 * 9000);
  EXPECT_THAT(monitor.violations(), testing::ElementsAre(testing::StartsWith("tREFI:")))
      << "the eighth is missing";
}

TEST(DramMonitor, CountsWhatItChecksAndHowNearItCame) {
  DramMonitor monitor(table(), policy("all_bank"));
  for (const DramEvent& e : {event(0, ACT), event(31, RD), event(61, RD)}) monitor.command(e);
  for (const test::DramRule& r : monitor.rules()) {
    if (r.name != "tRCDRD") continue;
    EXPECT_EQ(r.checked, 2u);
    EXPECT_EQ(r.closest, 2u);
    EXPECT_EQ(r.text(), "tRCDRD: activate -> read, bank, 29 clocks");
  }
  EXPECT_EQ(monitor.commands(), 3u);
}

}  // namespace
}  // namespace assay
