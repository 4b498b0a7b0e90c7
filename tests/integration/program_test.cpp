// Some thousand random commands against the reference machine; the verb; programs that judge themselves.
#include "../support/program.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "../support/process.hpp"
#include "core/footprint.hpp"
#include "isa/command_text.hpp"
#include "programs.hpp"
#include "testgen/program/elf_file.hpp"
#include "testgen/program/program_yaml.hpp"

namespace assay {
namespace {

using app::program::Statistics;
using golden::machine::Space;
using test::assay;
using test::output_of;
using ::testing::HasSubstr;

TEST(Programs, AgreeWithTheReferenceMachine) {
  Statistics statistics;
  test::expect_no_difference("edge16", 1, 60, statistics);
  test::expect_no_difference("tests/tiny4", 1, 60, statistics);
  test::expect_no_difference("server128", 1, 8, statistics);
  fmt::print("{}", statistics.text());
  EXPECT_GT(statistics.launches(), 4000U);
  EXPECT_GT(statistics.host_instructions, 50'000U);
  for (const char* end : {"halted", "trap", "fault", "deadlock"}) EXPECT_GT(statistics.ends[end], 0U) << end;
}

TEST(Programs, NeitherQuantumNorSanitizerChangesAnything) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    testgen::program::RandomOptions options;
    options.seed = seed;
    options.traps = false;
    const auto p = testgen::program::random_program(options);
    const Machine machine = testgen::program::machine_of(p);
    app::program::ExecuteOptions other;
    other.quantum = Cycle(1);
    other.sanitize = false;
    const auto a = app::program::judge(p, machine), b = app::program::judge(p, machine, other);
    EXPECT_FALSE(b.difference) << b.difference->text;
    ASSERT_EQ(a.reference.end, golden::machine::End::halted);
    EXPECT_EQ(a.execution.result.cycles.count(), b.execution.result.cycles.count()) << seed;
  }
}

// What a command claims to touch (the sanitizer reasons about nothing else) is what the reference machine's
// execution of it touches, byte by byte.
class Touched : public golden::machine::Listener {
 public:
  using Bytes = std::set<std::tuple<int, std::uint64_t, bool>>;
  void command(std::uint64_t number) override { now_ = &commands[number]; }
  void host(std::uint64_t) override { now_ = nullptr; }
  void touched(Space space, std::uint64_t offset, std::uint64_t bytes, bool write) override {
    for (std::uint64_t i = 0; now_ != nullptr && i < bytes; ++i) {
      const bool own = now_->count({static_cast<int>(space), offset + i, true}) != 0;  // a sum of its own
      if (write || !own) now_->insert({static_cast<int>(space), offset + i, write});
    }
  }
  std::map<std::uint64_t, Bytes> commands;

 private:
  Bytes* now_ = nullptr;
};

Touched::Bytes claimed(const sim::CommandRecord& record, const Machine& machine) {
  Touched::Bytes bytes;
  for (const core::Access& access : core::footprint(record.command, record.index)) {
    const Space space = access.space == core::Space::spm   ? Space::spm
                        : access.space == core::Space::acc ? Space::acc
                                                           : Space::hbm;
    const auto region = core::Region::of(access, space == Space::hbm   ? machine.hbm.bytes().count()
                                                 : space == Space::spm ? machine.spm.bytes().count()
                                                                       : machine.acc.bytes().count());
    if (!region) continue;
    region->for_each_run(region->low, region->high, [&](std::uint64_t offset, std::uint64_t size) {
      for (std::uint64_t i = 0; i < size; ++i)
        bytes.insert({static_cast<int>(space), offset + i, access.write});
      return true;
    });
  }
  return bytes;
}

TEST(Programs, FootprintsAreWhatTheReferenceMachineTouches) {
  std::uint64_t compared = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    testgen::program::RandomOptions options;
    options.seed = seed;
    options.traps = options.host_code = false;
    const auto p = testgen::program::random_program(options);
    const Machine machine = testgen::program::machine_of(p);
    const auto image = testgen::program::assemble(p, machine);
    Touched touched;
    golden::machine::ReferenceMachine reference(machine, &touched);
    testgen::program::load(image, reference);
    const auto result = reference.run(testgen::program::kMostInstructions);
    ASSERT_EQ(result.end, golden::machine::End::halted) << result.message;
    const auto execution = app::program::execute(image, machine);
    for (const sim::CommandRecord& record : execution.result.log) {
      if (!image.item_at(record.pc) || std::holds_alternative<isa::SemaphoreCommand>(record.command))
        continue;
      const Touched::Bytes claims = claimed(record, machine), does = touched.commands[record.id];
      Touched::Bytes apart;
      std::set_symmetric_difference(claims.begin(), claims.end(), does.begin(), does.end(),
                                    std::inserter(apart, apart.end()));
      ASSERT_TRUE(apart.empty()) << "seed " << seed << ": " << isa::describe(record.command) << ": "
                                 << (claims.count(*apart.begin()) != 0 ? "claims" : "hides") << " byte "
                                 << std::get<1>(*apart.begin()) << " of memory "
                                 << std::get<0>(*apart.begin());
      ++compared;
    }
  }
  EXPECT_GT(compared, 2500U);
}

// ----------------------------------------------------------------------------------------------- the verb

TEST(ProgramVerb, DrawsRunsAndExports) {
  const test::TemporaryFolder folder;
  const std::string yaml = folder.file("p.yaml"), elf = folder.file("p.elf");
  output_of("program draw --seed 4 --no-traps --plain-machine -o " + yaml);
  const auto run = nlohmann::json::parse(output_of("program run --json " + yaml));
  EXPECT_EQ(run["verdict"], "PASS");
  EXPECT_GE(run["commands"], 32);
  EXPECT_THAT(output_of("program export " + yaml + " -o " + elf),
              HasSubstr("assay program run " + elf + " --config edge16"));
  const auto self = nlohmann::json::parse(output_of("program run --json " + elf));
  EXPECT_EQ(self["verdict"], "PASS");
  EXPECT_THAT(self["uart"].get<std::string>(), HasSubstr("PASS\n"));
  EXPECT_THAT(output_of("disasm " + elf), HasSubstr("item_1_dma_in"));
  const auto many = nlohmann::json::parse(output_of("program random --seed 9 --count 3 --json"));
  EXPECT_EQ(many["programs"], 3);
  EXPECT_EQ(many["different"], 0);
}

TEST(ProgramVerb, ErrorsAreOneLine) {
  const test::TemporaryFolder folder;
  test::expect_error(2, "cannot be read", "program run " + folder.file("none.yaml"));
  test::expect_error(7, "cannot be read", "program run " + folder.file("none.elf"));
  test::expect_error(2, "no such parameter", "program run --set sync.depth=3 " + folder.write("x.elf", "x"));
  test::expect_error(2, "unknown verb 'rum'", "program rum");
  test::expect_error(2, "unknown configuration", "program random --config edge17");
  const std::string yaml = folder.file("p.yaml");
  output_of("program draw --seed 4 --no-traps -o " + yaml);
  test::expect_error(5, "does not fail", "program shrink " + yaml + " -o " + folder.file("s.yaml"));
  test::expect_error(2, "names its machine itself", "program run --config tests/tiny4 " + yaml);
  test::expect_error(3, "", "program draw -o /nowhere/p.yaml");
}

// A legal program, and one byte of what it expects altered.
std::string altered(const std::string& elf, const testgen::program::Program& p, const Machine& machine,
                    std::size_t back) {
  testgen::program::AssembleOptions options;
  options.self_checking = true;
  auto image = testgen::program::assemble(p, machine, options);
  std::size_t at = image.tcm.bytes.size() - back;
  image.tcm.bytes[at] = static_cast<std::uint8_t>(image.tcm.bytes[at] ^ 0x40);
  std::ofstream(elf, std::ios::binary) << testgen::program::elf_file(image, p);
  const auto result = assay("program run " + elf);
  EXPECT_EQ(result.exit_code, 1) << result.output;
  return result.output;
}

TEST(SelfCheckingElf, SaysWhatDiffers) {
  testgen::program::RandomOptions options;
  options.seed = 4;
  options.traps = options.vary_machine = false;
  const auto p = testgen::program::random_program(options);
  const test::TemporaryFolder folder;
  // Behind the registers, which are the last to be compared, lie the names of all that is: "...registers+".
  std::size_t names = 0;
  for (const auto& c : p.memory) names += fmt::format("{}+{:#x}+", "spm", c.offset).size() + 1;
  names += sizeof "scratch+" + sizeof "traps+" + sizeof "registers+";
  const std::string output = altered(folder.file("x.elf"), p, testgen::program::machine_of(p), names + 8);
  EXPECT_THAT(output, HasSubstr("FAIL registers+0x"));
  EXPECT_THAT(output, HasSubstr(", expected 0x"));
  EXPECT_THAT(output, HasSubstr("verdict   FAIL"));
}

// A program cannot be given a race, but it may read what nothing has written.
TEST(ProgramVerb, AFindingIsAnErrorAndShrinks) {
  const test::TemporaryFolder folder;
  testgen::program::RandomOptions options;
  options.seed = 4;
  options.traps = false;
  auto p = testgen::program::random_program(options);
  const auto in_spm = [](const auto& c) { return c.space == Space::spm; };
  p.memory.erase(std::remove_if(p.memory.begin(), p.memory.end(), in_spm), p.memory.end());
  const std::string yaml = folder.write("p.yaml", testgen::program::write_program(p)),
                    small = folder.file("s.yaml");
  const auto result = assay("program run " + yaml);
  EXPECT_EQ(result.exit_code, 4) << result.output;
  EXPECT_THAT(result.output, HasSubstr("uninitialised-spm"));
  const std::string shrunk = output_of("program shrink --tries 3000 " + yaml + " -o " + small);
  EXPECT_THAT(shrunk, HasSubstr("shrunk    1 commands"));
  EXPECT_EQ(assay("program run " + small).exit_code, 4);
}

}  // namespace
}  // namespace assay
