// At least 100,000 random commands against the reference machine, with not one difference; and that they are
// all that the instruction table has.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "isa/table.hpp"
#include "programs.hpp"

namespace assay {
namespace {

void expect_every_field(const std::map<std::string, std::set<std::uint64_t>>& values,
                        const std::string& owner, isa::Span<isa::Field> fields, std::uint64_t& count) {
  for (const isa::Field& field : fields) {
    const std::string name = fmt::format("{}.{}", owner, field.name);
    const auto found = values.find(name);
    ASSERT_NE(found, values.end()) << name;
    for (const isa::Code& code : field.codes)
      EXPECT_TRUE(found->second.count(code.value) != 0) << name << " is never " << code.name;
    const bool must_be_zero = name.rfind("dma_out.pad_", 0) == 0;  // dma.in alone pads
    EXPECT_TRUE(must_be_zero || found->second.size() > 1) << name << " is always the same";
    ++count;
  }
}

TEST(Programs, AHundredThousandCommandsWithoutADifference) {
  app::program::Statistics statistics;
  test::expect_no_difference("edge16", 10'000, 1000, statistics);
  test::expect_no_difference("tests/tiny4", 20'000, 1000, statistics);
  test::expect_no_difference("tests/wide8x32", 30'000, 400, statistics);
  test::expect_no_difference("server128", 40'000, 200, statistics);
  fmt::print("{}", statistics.text());
  EXPECT_GE(statistics.launches(), 100'000U);
  std::uint64_t fields = 0;
  for (const isa::InstructionInfo& in : isa::instructions()) {
    if (in.form == isa::Form::Configure || in.form == isa::Form::Host) continue;
    EXPECT_GT(statistics.instructions[std::string(in.mnemonic)], 1000U) << in.mnemonic;
    if (in.form != isa::Form::Launch) continue;
    expect_every_field(statistics.values, std::string(in.mnemonic), in.rs1, fields);
    expect_every_field(statistics.values, std::string(in.mnemonic), in.rs2, fields);
  }
  for (unsigned e = 0; e < isa::kEngineCount; ++e)
    for (const isa::RegisterInfo& reg : isa::registers_of(static_cast<isa::Engine>(e)))
      expect_every_field(statistics.values, std::string(isa::to_string(static_cast<isa::Engine>(e))),
                         reg.fields, fields);
  fmt::print("fields    {}, each with several values\n", fields);
  EXPECT_GT(fields, 100U);
  for (const std::uint64_t cause : {1, 2, 3, 4, 5, 6, 7, 11, 24})
    EXPECT_GT(statistics.traps[app::program::trap_name(cause)], 20U) << cause;
  EXPECT_GT(statistics.traps["software interrupt"], 20U);
  for (const char* end : {"halted", "trap", "fault", "deadlock"}) EXPECT_GT(statistics.ends[end], 20U) << end;
}

}  // namespace
}  // namespace assay
