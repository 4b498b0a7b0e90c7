// Instruction programs as data: their text, the generator, the order that is derived, the shrinker.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <set>

#include "../support/process.hpp"
#include "base/error.hpp"
#include "isa/table.hpp"
#include "testgen/program/assemble.hpp"
#include "testgen/program/order.hpp"
#include "testgen/program/program_yaml.hpp"
#include "testgen/program/random_program.hpp"
#include "testgen/program/shrink_program.hpp"

namespace assay::testgen::program {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

Program drawn(std::uint64_t seed, const std::string& config = "edge16") {
  RandomOptions options;
  options.seed = seed;
  options.config = config;
  return random_program(options);
}

// ------------------------------------------------------------------------------------------------ text

TEST(ProgramText, IsReadAsItWasWritten) {
  const test::TemporaryFolder folder;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const std::string text = write_program(drawn(seed));
    const Program again = read_program(folder.write("p.yaml", text));
    ASSERT_EQ(write_program(again), text) << seed;
    ASSERT_EQ(count_commands(again), count_commands(drawn(seed)));
  }
}

constexpr const char* kFrame =
    "program: 1\nmachine: {config: edge16}\nregisters: 0\n"
    "sync: {semaphores_per_pair: 1, transitive: true, host_fences: false}\n"
    "end: {kind: done, status: 0, fence: true}\nmemory: []\nitems:\n";

std::string error_of(const std::string& text) {
  const test::TemporaryFolder folder;
  try {
    read_program(folder.write("p.yaml", text));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::Usage);
    const std::string what = error.what();
    return what.substr(what.find("p.yaml"));
  }
  return "no error";
}

TEST(ProgramText, ErrorsNameLineAndNearestChoice) {
  const auto item = [](const char* text) { return std::string(kFrame) + "  - " + text + "\n"; };
  EXPECT_THAT(error_of(item("{id: 1, launch: dma.im}")),
              HasSubstr("p.yaml:8: items[0].launch: 'dma.im' is no launch"));
  EXPECT_THAT(error_of(item("{id: 1, launch: dma.im}")), HasSubstr("did you mean 'dma.in'?"));
  EXPECT_THAT(error_of(item("{id: 1, launch: dma.in, run_byte: 4}")), HasSubstr("unknown key 'run_byte'"));
  EXPECT_THAT(error_of(item("{id: 1, launch: dma.in, run_byte: 4}")), HasSubstr("did you mean 'run_bytes'?"));
  EXPECT_THAT(error_of(item("{id: 1, launch: dma.in, fill_bytes: 8}")),
              HasSubstr("p.yaml:8: items[0].fill_bytes: 8 does not fit 3 bits"));
  EXPECT_THAT(error_of(item("{id: 1, launch: mxu.ws, a_zero: -300}")), HasSubstr("does not fit 9 bits"));
  EXPECT_THAT(error_of(item("{id: 1, launch: mxu.ws, m: 2, reg.size: 5}")),
              HasSubstr("given beside the whole reg.size"));
  EXPECT_THAT(error_of(item("{id: 1, host: \"0000001\"}")), HasSubstr("'0000001' is no instruction"));
  EXPECT_THAT(error_of(item("{id: 1, host: \"00000012\"}")), HasSubstr("is no instruction"));  // a halfword
  EXPECT_THAT(error_of(item("{launch: dma.in}")), HasSubstr("missing key 'id'"));
  EXPECT_THAT(error_of(item("{id: 1, launch: dma.in, after: [9]}")),
              HasSubstr("1 is after 9, which is none"));
  EXPECT_THAT(error_of(item("{id: 1, host: \"00000013\"}\n  - {id: 1, host: \"00000013\"}")),
              HasSubstr("id 1 is given twice"));
  EXPECT_THAT(error_of("program: 2\n"), HasSubstr("p.yaml:1: program.program: format 2 is not known"));
  EXPECT_THAT(error_of("program: 1\nmashine: 2\n"), HasSubstr("did you mean 'machine'?"));
}

TEST(ProgramText, MemoryIsCheckedAgainstTheMachine) {
  Program p;
  p.memory.push_back({Space::spm, (256 << 10) - 8, 16, Chunk::Fill::value, DType::u8, DataKind::Mixed, 0, 0});
  EXPECT_THROW(assemble(p, machine_of(p)), Error);
  p.memory[0].offset -= 8;
  EXPECT_NO_THROW(assemble(p, machine_of(p)));
  p.set["sync.queue_dept"] = "2";
  EXPECT_THROW(machine_of(p), Error);
}

// ------------------------------------------------------------------------------------------- generator

TEST(RandomProgram, IsAFunctionOfItsOptions) {
  EXPECT_EQ(write_program(drawn(7)), write_program(drawn(7)));
  EXPECT_NE(write_program(drawn(7)), write_program(drawn(8)));
}

TEST(RandomProgram, HasEnoughCommandsOnEveryEngine) {
  for (const char* config : {"edge16", "tests/tiny4", "server128"})
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      std::set<isa::Engine> engines;
      const Program p = drawn(seed, config);
      for (const Item& item : p.items)
        if (is_command(item)) engines.insert(*isa::info(std::get<Launch>(item.what).instruction).engine);
      EXPECT_GE(count_commands(p), 32U) << config << " " << seed;
      EXPECT_GE(engines.size(), 3U) << config << " " << seed;
    }
}

// ----------------------------------------------------------------------------------------------- order

Launch copy(isa::Instruction instruction, std::uint64_t hbm, std::uint32_t local, std::uint64_t bytes) {
  isa::DmaCommand c;
  c.instruction = instruction;
  c.hbm_addr = isa::HbmAddr(ASSAY_HBM_BASE + hbm);
  c.local_addr = isa::LocalAddr::spm(local);
  c.run_bytes = static_cast<std::uint32_t>(bytes);
  c.count1 = c.count2 = c.count3 = c.count4 = 1;
  return {instruction, isa::pack(isa::Command(c))};
}

// In, out, in: the second reads what the first wrote, the third overwrites what the second reads.
Program three_transfers(std::uint32_t third) {
  Program p;
  p.memory.push_back({Space::hbm, 0, 256, Chunk::Fill::value, DType::u8, DataKind::Mixed, 0, 7});
  p.items.push_back({1, copy(isa::Instruction::dma_in, 0, 0x100, 64), {}});
  p.items.push_back({2, copy(isa::Instruction::dma_out, 128, 0x100, 64), {}});
  p.items.push_back({3, copy(isa::Instruction::dma_in, 64, third, 64), {}});
  return p;
}

TEST(Order, AHazardIsASignalAndAWait) {
  const Program p = three_transfers(0x100);
  EXPECT_EQ(assemble(p, machine_of(p)).sync.signals, 2U);  // the third's own queue is behind the second too
  const Program apart = three_transfers(0x400);
  EXPECT_EQ(assemble(apart, machine_of(apart)).sync.signals, 1U);
}

TEST(Order, CommandsThatShareNoByteHaveNone) {
  Program p = three_transfers(0x400);
  p.items.erase(p.items.begin() + 1);
  EXPECT_EQ(assemble(p, machine_of(p)).sync.signals, 0U);
  p.items[1].after = {1};
  EXPECT_EQ(assemble(p, machine_of(p)).sync.signals, 1U);
}

TEST(Order, AHostThatReadsAResultWaitsForIt) {
  Program p = three_transfers(0x400);
  const std::uint64_t before = assemble(p, machine_of(p)).sync.fences;
  p.items.push_back({4, HostCode{{0x200000B7, 0x1000B103}}, {}});  // lui x1, 0x20000; ld x2, 0x100(x1)
  EXPECT_EQ(assemble(p, machine_of(p)).sync.fences, before + 1);
}

// -------------------------------------------------------------------------------------------- shrinker

// Fails where a pass of at least three rows follows a transfer out, and the host has some instruction.
bool synthetic(const Program& p) {
  bool out = false, pass = false, host = false;
  for (const Item& item : p.items) {
    if (const auto* code = std::get_if<HostCode>(&item.what)) {
      for (const std::uint32_t word : code->words) host = host || (word & 0x7F) == 0x33;
      continue;
    }
    const auto& launch = std::get<Launch>(item.what);
    out = out || launch.instruction == isa::Instruction::dma_out;
    if (launch.instruction == isa::Instruction::vxu_pass)
      pass = pass || (out && (launch.raw.registers[1] & 0xFFFFFFFF) >= 3);
  }
  return pass && host;
}

TEST(ShrinkProgram, LeavesWhatTheFailureNeeds) {
  int seeds = 0;
  for (std::uint64_t seed = 1; seeds < 5; ++seed) {
    const Program p = drawn(seed);
    if (!synthetic(p)) continue;
    ++seeds;
    const Shrunk s = shrink(p, synthetic, 20'000);
    EXPECT_TRUE(s.complete);
    EXPECT_EQ(s.program.items.size(), 3U) << write_program(s.program);
    EXPECT_EQ(count_commands(s.program), 2U);
    EXPECT_EQ(count_words(s.program), 1U);
    EXPECT_TRUE(s.program.memory.empty());
    EXPECT_TRUE(s.program.set.empty());
    const auto pass = std::find_if(s.program.items.begin(), s.program.items.end(), [](const Item& item) {
      const auto* launch = std::get_if<Launch>(&item.what);
      return launch != nullptr && launch->instruction == isa::Instruction::vxu_pass;
    });
    ASSERT_NE(pass, s.program.items.end());
    EXPECT_EQ(std::get<Launch>(pass->what).raw.registers[1] & 0xFFFFFFFF, 3U);
  }
}

TEST(ShrinkProgram, EndsAfterSoManyTries) {
  const Program p = drawn(1);
  const Shrunk s = shrink(
      p, [](const Program&) { return true; }, 3);
  EXPECT_FALSE(s.complete);
  EXPECT_EQ(s.tried, 3);
}

}  // namespace
}  // namespace assay::testgen::program
