// The platform, seen by kernels that probe it and by the log of their commands.
#include "sim/platform.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstring>
#include <map>
#include <memory>

#include "base/machine_yaml.hpp"
#include "kernels/probe.h"
#include "probe_run.hpp"
#include "sim/critical_path.hpp"
#include "sim/host_module.hpp"
#include "sim/what_if.hpp"

namespace assay {
namespace {

using core::Owner;
using sim::CommandRecord;
using sim::Outcome;
using sim::Platform;
using sim::PlatformOptions;
using sim::RunResult;
using test::kIn;
using test::kOut;
using test::Probe;
using testing::HasSubstr;

const core::Ledger& ledger(const RunResult& run, const std::string& unit) {
  for (const sim::UnitAccount& account : run.accounts)
    if (account.unit == unit) return account.ledger;
  throw std::out_of_range(unit);
}

std::vector<const CommandRecord*> commands_of(const RunResult& run, isa::Engine engine) {
  std::vector<const CommandRecord*> records;
  for (const CommandRecord& record : run.log)
    if (record.engine == engine) records.push_back(&record);
  return records;
}

TEST(Platform, KernelsSeeTheMachineOfTheConfiguration) {
  for (const char* name : {"edge16", "server128", "tests/tiny4"}) {
    Probe probe(kDescribe, find_machine(name));
    ASSERT_EQ(probe.run().outcome, Outcome::halted);
    assay_machine seen{};
    probe.platform().hbm().read(kOut, reinterpret_cast<std::byte*>(&seen), sizeof seen);
    const Machine& m = probe.machine();
    EXPECT_EQ(seen.abi_version, static_cast<std::uint32_t>(ASSAY_ABI_VERSION));
    EXPECT_EQ(seen.mxu_rows, m.mxu.rows);
    EXPECT_EQ(seen.mxu_cols, m.mxu.cols);
    EXPECT_EQ(seen.mxu_load_rows_per_cycle, m.mxu.load_rows_per_cycle);
    EXPECT_EQ(seen.mxu_load_cycles, m.mxu.rows / m.mxu.load_rows_per_cycle);
    EXPECT_LE(1U << seen.mxu_rows_log2, m.mxu.rows);
    EXPECT_GT(2U << seen.mxu_rows_log2, m.mxu.rows);
    for (std::size_t t = 0; t < 16; ++t) {
      EXPECT_EQ(seen.mxu_chain[t], m.mxu.rates[t].chain);
      EXPECT_EQ(seen.mxu_cycles_per_step[t], m.mxu.rates[t].cycles_per_step);
    }
    EXPECT_EQ(seen.vxu_lanes, m.vxu.lanes);
    EXPECT_EQ(seen.spm_bytes, m.spm.bytes().count());
    EXPECT_EQ(seen.acc_bytes, m.acc.bytes().count());
    EXPECT_EQ(seen.spm_banks, m.spm.banks);
    EXPECT_EQ(seen.spm_bank_bytes, m.spm.bank_bytes);
    EXPECT_EQ(seen.acc_banks, m.acc.banks);
    EXPECT_EQ(seen.acc_bank_bytes, m.acc.bank_bytes);
    EXPECT_EQ(seen.queue_depth, m.sync.queue_depth);
    EXPECT_EQ(seen.semaphores, m.sync.semaphores);
    EXPECT_EQ(seen.dma_burst_bytes, 256u);
    EXPECT_EQ(seen.hbm_bytes_per_kcycle,
              static_cast<std::uint32_t>(m.hbm.table.bytes_per_second() / (m.freq_mhz * 1e6) * 1000));
    EXPECT_EQ(seen.hbm_bytes, m.hbm.bytes().count());
  }
}

TEST(Platform, UartAndStatusReachTheResult) {
  const RunResult run = Probe(kPrint).run();
  EXPECT_EQ(run.outcome, Outcome::halted);
  EXPECT_EQ(run.uart, "hello, core\n");
  EXPECT_EQ(run.kernel_status, 7u);
}

TEST(Platform, KernelsPrintWithPrintfAndAreHeardLineByLine) {
  std::vector<std::string> lines;
  PlatformOptions options;
  options.on_line = [&](const std::string& line) { lines.push_back(line); };
  const RunResult run = Probe(kPrintf, find_machine("edge16"), options).run();
  ASSERT_EQ(run.outcome, Outcome::halted) << run.message;
  EXPECT_EQ(lines, (std::vector<std::string>{fmt::format("{} 0.500000 5e-21 text", int{kPrintf} - 100),
                                             "123456789abcdef -9000000000000000000 0500.000", "no newline"}));
  EXPECT_EQ(run.uart_not_kept, 0u);
}

TEST(Platform, WhatIsPrintedBeyondTheLimitIsHeardAndCounted) {
  constexpr std::uint64_t kBeyond = 1234;
  std::uint64_t heard = 0;
  PlatformOptions options;
  options.on_line = [&](const std::string& line) { heard += line.size() + 1; };
  const RunResult run =
      Probe(kPrintMuch, find_machine("edge16"), options, sim::Console::kKept + kBeyond).run();
  ASSERT_EQ(run.outcome, Outcome::halted) << run.message;
  EXPECT_EQ(run.uart.size(), sim::Console::kKept);
  EXPECT_EQ(run.uart_not_kept, kBeyond);
  EXPECT_EQ(heard, sim::Console::kKept + kBeyond + 1) << "and the end of the last line";
}

TEST(Platform, McycleIsTheRunsOwnTime) {
  Probe probe(kTime);
  const RunResult run = probe.run();
  EXPECT_EQ(probe.word(1) - probe.word(0), probe.machine().host.csr) << "two reads of mcycle in a row";
  // Two stores of HBM lie between, each there and back over the fabric.
  EXPECT_GT(probe.word(2) - probe.word(1), 4u * probe.machine().fabric.latency_cycles);
  EXPECT_LT(probe.word(2), run.cycles.count());
  EXPECT_GE(ledger(run, "host").of(Owner::stall_memory).count(), 6u * probe.machine().fabric.latency_cycles);
}

TEST(Platform, AFullQueueHoldsTheHostUntilItsHeadIsDone) {
  Probe probe(kFillQueue);
  const RunResult run = probe.run();
  ASSERT_EQ(run.outcome, Outcome::halted) << run.message;
  const auto mxu = commands_of(run, isa::Engine::mxu);
  const std::uint32_t depth = probe.machine().sync.queue_depth;
  ASSERT_EQ(mxu.size(), depth + 3);
  const Cycle released = mxu[0]->end;  // the wait at the head
  for (std::uint32_t i = 0; i < depth; ++i) EXPECT_LT(mxu[i]->issued, released) << "command " << i << " fits";
  EXPECT_EQ(mxu[depth]->issued, released) << "one more waits for the head to leave";
  EXPECT_GE(mxu[depth + 2]->issued, released);
  EXPECT_GT(ledger(run, "host").of(Owner::stall_queue), Cycle(0));
  EXPECT_LE(mxu[depth - 1]->issued + Cycle(1) + ledger(run, "host").of(Owner::stall_queue),
            released + Cycle(10));
}

TEST(Platform, ASignalArrivesSignalCyclesAfterTheWritesAreVisible) {
  for (const std::uint32_t cycles : {0u, 1u, 4u, 100u}) {
    Machine machine = find_machine("edge16");
    machine.sync.signal_cycles = cycles;
    const RunResult run = Probe(kSignal, machine).run();
    ASSERT_EQ(run.outcome, Outcome::halted) << run.message;
    const Cycle visible = commands_of(run, isa::Engine::dma_in).at(0)->end;
    const auto waits = commands_of(run, isa::Engine::vxu);
    EXPECT_EQ(waits.at(0)->end, visible + Cycle(cycles));
    EXPECT_EQ(waits.at(1)->end, visible + Cycle(cycles)) << "the second count is there already";
  }
}

TEST(Platform, ASignalOfAnIdleEngineTakesSignalCyclesToo) {
  for (const std::uint32_t cycles : {0u, 1u, 4u}) {
    Machine machine = find_machine("edge16");
    machine.sync.signal_cycles = cycles;
    const RunResult run = Probe(kIdleSignal, machine).run();
    ASSERT_EQ(run.outcome, Outcome::halted) << run.message;
    const Cycle signalled = commands_of(run, isa::Engine::vxu).at(0)->end;
    // Semaphores are posted at the start of a cycle: not in the one that signals.
    EXPECT_EQ(commands_of(run, isa::Engine::mxu).at(0)->end, signalled + Cycle(std::max(cycles, 1u)));
  }
}

TEST(Platform, ASignalBehindALoadWaitsForIt) {
  Probe probe(kLoadSignal);
  const RunResult run = probe.run();
  ASSERT_EQ(run.outcome, Outcome::halted) << run.message;
  const auto mxu = commands_of(run, isa::Engine::mxu);
  EXPECT_EQ(mxu.at(0)->end - mxu.at(0)->start, Cycle(16 / probe.machine().mxu.load_rows_per_cycle));
  EXPECT_EQ(commands_of(run, isa::Engine::dma_in).at(0)->end,
            mxu.at(0)->end + Cycle(probe.machine().sync.signal_cycles));
}

TEST(Platform, AFenceHoldsTheHostUntilTheWritesAreVisible) {
  Probe probe(kFence);
  const RunResult run = probe.run();
  ASSERT_EQ(run.outcome, Outcome::halted) << run.message;
  const Cycle visible = run.log.at(0).end;
  EXPECT_GT(probe.word(0), visible.count());
  EXPECT_LE(probe.word(0), visible.count() + 3);
  EXPECT_EQ(probe.word(1), 1u) << "the transferred word";
  EXPECT_GT(ledger(run, "host").of(Owner::stall_fence), Cycle(0));
  EXPECT_TRUE(run.depends_on_values);
}

TEST(Platform, AWaitOfAnEngineIsOwnedByWhatItWaitsFor) {
  Probe probe(kWaits);
  const RunResult run = probe.run();
  ASSERT_EQ(run.outcome, Outcome::halted) << run.message;
  const auto vxu = commands_of(run, isa::Engine::vxu);  // wait, pass, wait, pass, pass
  ASSERT_EQ(vxu.size(), 5u);
  const core::Ledger& books = ledger(run, "vxu");
  EXPECT_EQ(books.of(Owner::stall_data), vxu[0]->end - vxu[0]->start);
  EXPECT_GT(books.of(Owner::stall_data), Cycle(0));
  EXPECT_EQ(books.of(Owner::stall_semaphore), vxu[2]->end - vxu[2]->start);
  EXPECT_GT(books.of(Owner::stall_semaphore), Cycle(0));
  EXPECT_EQ(books.of(Owner::stall_host), vxu[0]->start + vxu[4]->start - vxu[3]->end);
  EXPECT_GT(vxu[4]->start - vxu[3]->end, Cycle(0));
  EXPECT_EQ(books.of(Owner::setup), Cycle(3 * probe.machine().vxu.setup_cycles));
  EXPECT_EQ(books.of(Owner::idle), run.cycles - vxu[4]->end);
  EXPECT_EQ(ledger(run, "mxu").of(Owner::idle), run.cycles) << "a signal is no work";
}

TEST(Platform, TheArrayDrainsBeforeItWaitsForTheHost) {
  Probe probe(kTwoTiles);
  const RunResult run = probe.run();
  ASSERT_EQ(run.outcome, Outcome::halted) << run.message;
  const auto mxu = commands_of(run, isa::Engine::mxu);
  ASSERT_EQ(mxu.size(), 2u);
  const core::Ledger& books = ledger(run, "mxu");
  const Machine& m = probe.machine();
  const Cycle drain(m.mxu.rows + m.mxu.cols - 1), load(16 / m.mxu.load_rows_per_cycle);
  EXPECT_EQ(books.of(Owner::useful), Cycle(2 * 16));
  EXPECT_EQ(books.of(Owner::drain), drain * 2);
  EXPECT_EQ(books.of(Owner::stall_load), load * 2);
  EXPECT_EQ(books.of(Owner::stall_host), mxu[0]->start + mxu[1]->start - mxu[0]->end);
  EXPECT_EQ(books.of(Owner::idle), run.cycles - mxu[1]->end);
}

TEST(Platform, TheHostReachesSpmAndHbm) {
  Probe probe(kReach);
  const RunResult run = probe.run();
  ASSERT_EQ(run.outcome, Outcome::halted) << run.message;
  EXPECT_EQ(probe.word(0), 0x01234567EEABCDEFu);
  EXPECT_EQ(probe.word(1), 0x01234567EEABCDF0u);
  EXPECT_EQ(probe.word(2), 0x01234567u);
}

TEST(Platform, BeyondSpmAndHbmTheHostFaults) {
  for (const std::uint64_t memory : {0u, 1u}) {
    Probe probe(kBeyond, find_machine("edge16"), {}, memory);
    const RunResult run = probe.run();
    EXPECT_EQ(run.outcome, Outcome::trap);
    const std::uint64_t end = memory == 0 ? ASSAY_SPM_BASE + probe.machine().spm.bytes().count()
                                          : ASSAY_HBM_BASE + probe.machine().hbm.bytes().count();
    EXPECT_THAT(run.message, HasSubstr("mcause 7"));
    EXPECT_THAT(run.message, HasSubstr(fmt::format("mtval {:#x}", end)));
  }
}

TEST(Platform, EveryUnitsCyclesAddUpToTheRun) {
  for (const assay_probe program :
       {kDescribe, kPrint, kTime, kFillQueue, kSignal, kFence, kReach, kLoadSignal}) {
    const RunResult run = Probe(program).run();
    EXPECT_EQ(run.accounts.size(), 5u);
    for (const sim::UnitAccount& account : run.accounts) {
      EXPECT_EQ(account.ledger.sum(), run.cycles) << "program " << program << ", " << account.unit;
    }
  }
}

// Everything that two runs of one program must share.
std::string fingerprint(const RunResult& run) {
  std::string text = fmt::format("{} {} {}", run.cycles.count(), run.instructions, run.uart);
  for (const CommandRecord& r : run.log)
    text += fmt::format(" {}:{}-{}-{}", r.pc, r.issued.count(), r.start.count(), r.end.count());
  for (const sim::UnitAccount& account : run.accounts)
    for (std::size_t o = 0; o < core::kOwners; ++o)
      text += fmt::format(" {}", account.ledger.of(static_cast<Owner>(o)).count());
  return text;
}

TEST(Platform, TheSameProgramIsTheSameRunAtEveryQuantumAndWithoutValues) {
  for (const assay_probe program : {kPrint, kFillQueue, kSignal, kFence, kReach, kLoadSignal}) {
    const std::string first = fingerprint(Probe(program).run());
    for (const std::uint64_t quantum : {1u, 3u, 17u, 100000u}) {
      PlatformOptions options;
      options.quantum = Cycle(quantum);
      EXPECT_EQ(fingerprint(Probe(program, find_machine("edge16"), options).run()), first)
          << "program " << program << ", quantum " << quantum;
    }
    PlatformOptions timing;
    timing.values = false;
    EXPECT_EQ(fingerprint(Probe(program, find_machine("edge16"), timing).run()), first)
        << "program " << program;
  }
}

TEST(Platform, ManyLiveInOneProcessAndEndInAnyOrder) {
  const std::string expected = fingerprint(Probe(kFence).run());
  auto first = std::make_unique<Probe>(kFence);
  auto second = std::make_unique<Probe>(kPrint);
  auto third = std::make_unique<Probe>(kFence);
  EXPECT_EQ(fingerprint(first->run()), expected);
  EXPECT_EQ(fingerprint(third->run()), expected);
  first.reset();
  EXPECT_EQ(second->run().uart, "hello, core\n");
  third.reset();
  second.reset();
  EXPECT_EQ(fingerprint(Probe(kFence).run()), expected);
}

TEST(Platform, TheWatchdogEndsARunWhereverItIs) {
  PlatformOptions options;
  options.watchdog = Cycle(50);
  const RunResult run = Probe(kFence, find_machine("edge16"), options).run();
  EXPECT_EQ(run.outcome, Outcome::watchdog);
  EXPECT_THAT(run.message, HasSubstr("50 cycles"));
}

TEST(Describe, LeavesNoParameterOfItOut) {
  const assay_machine d = sim::describe(find_machine("server128"));
  EXPECT_EQ(d.mxu_chain[static_cast<std::size_t>(DType::s8)], 2u);
  EXPECT_EQ(d.mxu_cycles_per_step[static_cast<std::size_t>(DType::f32)], 4u);
  EXPECT_EQ(d.mxu_chain[static_cast<std::size_t>(DType::e4m3)], 2u);
  EXPECT_EQ(d.mxu_chain[static_cast<std::size_t>(DType::s32)], 0u);
  EXPECT_EQ(d.hbm_bytes_per_kcycle, 800'000u);
}

// The path by unit and owner, after a look that its steps follow each other from the end to cycle 0.
std::map<std::string, std::uint64_t> path_of(const RunResult& run, const Machine& machine) {
  std::map<std::string, std::uint64_t> sums;
  Cycle at = run.cycles;
  for (const sim::PathStep& step : sim::critical_path(run, machine)) {
    EXPECT_EQ(step.to, at);
    Cycle sum;
    for (const auto& [owner, cycles] : step.parts) {
      sums[fmt::format("{} {}", step.unit, owner)] += cycles.count();
      sum += cycles;
    }
    EXPECT_EQ(sum, step.to - step.from);
    at = step.from;
  }
  EXPECT_EQ(at, Cycle(0));
  return sums;
}

std::uint64_t unit_sum(const std::map<std::string, std::uint64_t>& path, const std::string& unit) {
  std::uint64_t sum = 0;
  for (const auto& [name, cycles] : path)
    if (name.rfind(unit + " ", 0) == 0) sum += cycles;
  return sum;
}

TEST(CriticalPath, IsTheHostAloneWhereNothingElseIsWaitedFor) {
  Probe probe(kSpin);
  const RunResult run = probe.run();
  const auto path = path_of(run, probe.machine());
  EXPECT_EQ(path.at("host useful"), run.cycles.count());
}

TEST(CriticalPath, GoesThroughAFenceIntoTheTransfer) {
  Probe probe(kFence);
  const RunResult run = probe.run();
  const CommandRecord& load = run.log.at(0);
  auto path = path_of(run, probe.machine());
  EXPECT_EQ(unit_sum(path, "dma_in"), (load.end - load.head).count());
  EXPECT_EQ(path["dma_in setup"], probe.machine().dma.setup_cycles);
  EXPECT_EQ(path["dma_in useful"], 1024 / probe.machine().hbm_bytes_per_cycle());
  EXPECT_EQ(path["host issue"], (load.head - load.issued).count());
  EXPECT_EQ(path["host stall_memory"], ledger(run, "host").of(Owner::stall_memory).count());
  EXPECT_EQ(path["host useful"] + path["host stall_memory"], (load.issued + run.cycles - load.end).count());
}

// The host's last launches wait for room behind a wait, that for a signal, that for a transfer.
TEST(CriticalPath, GoesThroughAFullQueueAndASignal) {
  Probe probe(kFillQueue);
  const RunResult run = probe.run();
  const CommandRecord& load = run.log.at(0);
  auto path = path_of(run, probe.machine());
  EXPECT_EQ(unit_sum(path, "dma_in"), (load.end - load.head).count());
  EXPECT_EQ(path["sync signal"], probe.machine().sync.signal_cycles);
}

// The vector unit's passes wait for a transfer, for a signal behind which the host was late, for the host.
TEST(CriticalPath, GoesToTheHostThatWasLate) {
  Probe probe(kWaits);
  const RunResult run = probe.run();
  const auto vxu = commands_of(run, isa::Engine::vxu);
  auto path = path_of(run, probe.machine());
  EXPECT_EQ(path["vxu setup"], probe.machine().vxu.setup_cycles) << "of the last pass alone";
  EXPECT_EQ(path["vxu useful"], 1024 / probe.machine().vxu.lanes);
  EXPECT_EQ(path["host useful"], vxu.back()->issued.count());
  EXPECT_EQ(path.count("dma_in useful"), 0u);
}

// Four commands of the vector unit stand before the transfer that they wait for.
TEST(WhatIf, QueuesTooShortForTheOrderOfTheCommandsNeverEnd) {
  Probe probe(kWaits);
  const RunResult run = probe.run();
  Machine other = probe.machine();
  other.sync.queue_depth = 4;
  EXPECT_EQ(sim::retime(run, probe.machine(), other), run.cycles);
  other.sync.queue_depth = 3;
  EXPECT_EQ(sim::retime(run, probe.machine(), other), std::nullopt);
  EXPECT_EQ(Probe(kWaits, other).run().outcome, Outcome::deadlock);
}

}  // namespace
}  // namespace assay
