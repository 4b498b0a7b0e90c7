// A debugger on whole runs, over a wire made of a script: what it is told, and that the run stays the same.
#include "sim/debug/gdb_server.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "base/machine_yaml.hpp"
#include "kernels/probe.h"
#include "sim/platform.hpp"

namespace assay::sim {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Sends the next packet of its script whenever the server waits for one, and keeps what the server says.
class Script : public Transport {
 public:
  std::deque<std::string> packets;    // sent as they are where they begin with '!'
  std::string forever;                // after the last of them; empty: the connection breaks
  std::string meanwhile;              // arrives once, while the host runs
  std::vector<std::string>* answers;  // payloads

  void connect() override {}
  std::optional<std::string> read(bool wait) override {
    if (!wait) return std::exchange(meanwhile, "");
    if (packets.empty() && forever.empty()) return std::nullopt;
    const std::string packet = packets.empty() ? forever : packets.front();
    if (!packets.empty()) packets.pop_front();
    return packet[0] == '!' ? packet.substr(1) : rsp_frame(packet);
  }
  void write(std::string_view bytes) override {
    reader_.feed(bytes);
    while (const auto event = reader_.next()) {
      if (event->kind == RspEvent::Kind::packet) answers->push_back(event->payload);
      if (event->kind == RspEvent::Kind::negative) answers->emplace_back("-");
    }
  }

 private:
  RspReader reader_;
};

struct Wish {
  assay_probe program = kPrint;
  std::deque<std::string> packets;
  std::string forever, meanwhile;
  std::uint64_t detail = 0;
  Cycle watchdog{2'000'000'000};
  bool sanitize = false;  // most programs of probe.cpp are no right kernels
};

struct Session {
  RunResult run;
  std::vector<std::string> answers, said;
};

RunResult run_probe(assay_probe program, std::uint64_t detail, const PlatformOptions& options) {
  Platform platform(find_machine("edge16"), options);
  assay_args args{};
  args.tensor_count = 2;
  args.tensors[0].address = ASSAY_HBM_BASE;
  args.tensors[1].address = ASSAY_HBM_BASE + 65536;
  args.attributes[0] = program;
  args.attributes[1] = detail;
  const std::vector<std::uint64_t> words(512, 7);
  platform.hbm().write(65536, reinterpret_cast<const std::byte*>(words.data()), 8 * words.size());
  platform.load(load_elf(PROBE_KERNEL));
  platform.set_args(args);
  return platform.run();
}

Session debug(const Wish& wish) {
  Session session;
  auto script = std::make_unique<Script>();
  script->packets = wish.packets;
  script->forever = wish.forever;
  script->meanwhile = wish.meanwhile;
  script->answers = &session.answers;
  GdbServer server(
      std::move(script), [&](const std::string& line) { session.said.push_back(line); },
      [](std::uint64_t pc) { return fmt::format("line of {:#x}", pc); });
  PlatformOptions options;
  options.watchdog = wish.watchdog;
  options.observers = {&server};
  options.sanitize = wish.sanitize;
  session.run = run_probe(wish.program, wish.detail, options);
  server.close();
  return session;
}

std::string fingerprint(const RunResult& run) {
  std::string text = fmt::format("{} {} {} {}", static_cast<int>(run.outcome), run.cycles.count(),
                                 run.instructions, run.uart);
  for (const CommandRecord& r : run.log)
    text += fmt::format(" {}:{}-{}-{}", r.pc, r.issued.count(), r.start.count(), r.end.count());
  return text;
}

std::uint64_t address_of(const std::string& symbol) {
  for (const ElfSymbol& s : load_elf(PROBE_KERNEL).symbols)
    if (s.name == symbol) return s.address;
  throw std::out_of_range(symbol);
}

// A register's value as the protocol has it.
std::string little_endian(std::uint64_t value) {
  std::string text;
  for (unsigned i = 0; i < 8; ++i) text += fmt::format("{:02x}", value >> 8 * i & 0xFF);
  return text;
}

TEST(GdbServer, TheRunIsTheSameHoweverItIsDebugged) {
  for (const assay_probe program : {kPrint, kFillQueue, kSignal, kFence, kReach, kLoadSignal}) {
    const std::string plain = fingerprint(run_probe(program, 0, {}));
    const Session stepped = debug({program, {}, "s", ""});
    EXPECT_EQ(fingerprint(stepped.run), plain) << "stepped through, program " << program;
    EXPECT_EQ(stepped.answers.size(), stepped.run.instructions)
        << "a stop for each step but the last, and the end";
    EXPECT_EQ(fingerprint(debug({program, {"Z0,0,4", "c"}, "", ""}).run), plain)
        << "running, program " << program;
    EXPECT_EQ(fingerprint(debug({program, {"D"}, "", ""}).run), plain) << "detached, program " << program;
  }
}

TEST(GdbServer, StopsBeforeTheInstructionWithABreakpoint) {
  const std::uint64_t kernel = address_of("assay_kernel");
  const Session s = debug({kPrint, {"?", fmt::format("Z0,{:x},4", kernel), "c", "p20", "pa", "c"}, "", ""});
  EXPECT_THAT(s.answers, ElementsAre("S05", "OK", "T05swbreak:;", little_endian(kernel),
                                     little_endian(ASSAY_ARGS_BASE), "W07"));
  EXPECT_THAT(s.said, IsEmpty());
}

TEST(GdbServer, StopsAfterAnAccessThatIsWatchedWithItsValueThere) {
  const Session s = debug({kReach, {"Z2,20000080,8", "c", "m20000080,8", "c"}, "c", ""});
  EXPECT_EQ(s.answers.at(1), "T05watch:20000080;");
  EXPECT_EQ(s.answers.at(2), "efcdab8967452301");
  EXPECT_EQ(s.answers.at(3), "T05watch:20000083;") << "the byte written into it";
  EXPECT_EQ(s.answers.at(4), "W00");
}

TEST(GdbServer, ShowsATrapAtItsInstruction) {
  const Session s = debug({kBeyond, {"c", "p383", "p20", "p382", "s", "p20", "c"}, "", ""});
  EXPECT_EQ(s.run.outcome, Outcome::trap);
  EXPECT_EQ(s.answers.at(0), "S0b") << "a segmentation fault";
  EXPECT_EQ(s.answers.at(1), little_endian(7)) << "mcause: store access fault";
  EXPECT_EQ(s.answers.at(2), s.answers.at(3)) << "pc is mepc";
  EXPECT_EQ(s.answers.at(4), "S05");
  EXPECT_EQ(s.answers.at(5), little_endian(address_of("trap") + 4)) << "the handler's second instruction";
  EXPECT_EQ(s.answers.back(), "X06");
}

TEST(GdbServer, ShowsTheEnginesAsTheyAreAtTheHostsCycle) {
  const Session s = debug(
      {kSpin,
       {fmt::format("Z0,{:x},4", address_of("halt")), "c", "qRcmd," + to_hex("commands"), "m20000048,8"},
       "D",
       ""});
  EXPECT_THAT(from_hex(s.answers.at(2)).value(), HasSubstr("dma_in   idle"));
  EXPECT_EQ(s.answers.at(3), little_endian(7)) << "the transfer is done";
}

TEST(GdbServer, ARunThatEndsByAFaultCanBeLookedAt) {
  const Session s =
      debug({kPrintMuch, {"c", "p20", "qRcmd," + to_hex("cycle"), "c"}, "", "", 1000000, Cycle(5000)});
  EXPECT_EQ(s.run.outcome, Outcome::watchdog);
  ASSERT_EQ(s.answers.size(), 5u);
  EXPECT_THAT(from_hex(s.answers[0].substr(1)).value(), HasSubstr("did not halt within 5000 cycles"));
  EXPECT_EQ(s.answers[1], "S06");
  EXPECT_EQ(s.answers[2].size(), 16u);
  EXPECT_THAT(from_hex(s.answers[3]).value(), testing::MatchesRegex("cycle 50[0-9][0-9], .*\n"));
  EXPECT_EQ(s.answers[4], "X06");
}

TEST(GdbServer, StopsWhereTheSanitizerFindsSomething) {
  const Session s = debug({kRace, {"c"}, "c", "", 0, Cycle(1000000), true});
  EXPECT_THAT(
      from_hex(s.answers.at(0).substr(1)).value(),
      AllOf(HasSubstr("sanitizer: host-read-race at SPM 0x40\n"), HasSubstr("    at line of 0x8000")));
  EXPECT_EQ(s.answers.at(1), "S1e");
  EXPECT_EQ(s.run.findings.size(), 1u);
  EXPECT_EQ(s.answers.back(), "W00");
}

TEST(GdbServer, KillingEndsTheRun) {
  for (const char* kill : {"k", "vKill;1"}) {
    const Session s = debug({kPrint, {kill}, "", ""});
    EXPECT_EQ(s.run.outcome, Outcome::ended);
    EXPECT_EQ(s.run.message, "the debugger ended the run");
    EXPECT_EQ(s.run.instructions, 0u);
  }
}

TEST(GdbServer, WithoutItsDebuggerTheRunGoesOn) {
  const Session s = debug({kPrint, {"s"}, "", ""});
  EXPECT_EQ(fingerprint(s.run), fingerprint(run_probe(kPrint, 0, {})));
  EXPECT_THAT(s.said, ElementsAre("the debugger's connection broke; the run goes on without it"));
}

TEST(GdbServer, InterruptsARunningHost) {
  const Session s = debug({kPrintMuch, {"c", "D"}, "", "\x03", 100000});
  EXPECT_EQ(s.answers.at(0), "S02");
  EXPECT_EQ(fingerprint(s.run), fingerprint(run_probe(kPrintMuch, 100000, {})));
}

TEST(GdbServer, DamagedPacketsAreAskedForAndAnswersRepeated) {
  const Session s = debug({kPrint, {"!$?#00", "?", "!-", "D"}, "", ""});
  EXPECT_THAT(s.answers, ElementsAre("-", "S05", "S05", "OK"));
}

TEST(GdbServer, ReachesEveryMemoryWithoutTakingTime) {
  const Session s =
      debug({kPrint,
             {"M20000010,2:abcd", "m20000010,2", "Macc000000020,1:7f", "macc000000020,1", "M1000000000,1:11",
              "m1000000000,2", "m100000,4", "M100000,1:00", "m50000000,1", "macc000010000,1", "m80000000,4"},
             "D",
             ""});
  EXPECT_THAT(s.answers, ElementsAre("OK", "abcd", "OK", "7f", "OK", "11a5", "02000000", "E03", "E03", "E03",
                                     "00000000", "OK"));
  EXPECT_EQ(fingerprint(s.run), fingerprint(run_probe(kPrint, 0, {})));
}

TEST(GdbServer, WhatTheDebuggerWritesIsNotUnwrittenForTheSanitizer) {
  const auto findings = [](std::deque<std::string> packets) {
    return debug({kUnwritten, std::move(packets), "c", "", 0, Cycle(1000000), true}).run.findings.size();
  };
  EXPECT_EQ(findings({}), 1u);
  EXPECT_EQ(findings({"M20000100,8:0000000000000000"}), 0u);
}

TEST(GdbServer, ChangedRegistersAndCodeTakeEffect) {
  // The kernel's first instruction becomes ret, with another status in a0.
  const std::uint64_t kernel = address_of("assay_kernel");
  const Session s = debug({kPrint,
                           {fmt::format("Z1,{:x},4", kernel), "c", fmt::format("M{:x},4:67800000", kernel),
                            "Pa=" + little_endian(42), fmt::format("z1,{:x},4", kernel), "c"},
                           "",
                           ""});
  EXPECT_THAT(s.answers, Contains("T05hwbreak:;"));
  EXPECT_EQ(s.answers.back(), "W2a");
  EXPECT_EQ(s.run.kernel_status, 42u);
}

TEST(GdbServer, MonitorShowsTheQueues) {
  const auto ask = [](const char* command) { return "qRcmd," + to_hex(command); };
  const Session s = debug({kSignal,
                           {ask("help"), ask("comands"), fmt::format("Z0,{:x},4", address_of("halt")), "c",
                            ask("commands"), ask("semaphores"), ask("instruction")},
                           "D",
                           ""});
  EXPECT_THAT(from_hex(s.answers.at(0)).value(), HasSubstr("monitor commands"));
  EXPECT_THAT(from_hex(s.answers.at(1)).value(), HasSubstr("unknown command 'comands'"));
  EXPECT_THAT(from_hex(s.answers.at(4)).value(), HasSubstr("mxu      idle\nvxu      executes command 3"));
  EXPECT_THAT(from_hex(s.answers.at(4)).value(), HasSubstr("vxu      holds    command 4"));
  EXPECT_THAT(from_hex(s.answers.at(4)).value(), HasSubstr("sem.wait engine=vxu semaphore=3\n"));
  EXPECT_EQ(from_hex(s.answers.at(5)).value(), "every semaphore is 0\n");
  EXPECT_THAT(from_hex(s.answers.at(6)).value(), HasSubstr("lui t0,0x10010"));
}

}  // namespace
}  // namespace assay::sim
