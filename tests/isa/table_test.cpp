// The run-time table and the reference page.
#include "isa/table.hpp"

#include <gmock/gmock.h>

namespace assay::isa {
namespace {

TEST(Table, IsIndexedByInstruction) {
  for (const InstructionInfo& in : instructions()) {
    EXPECT_EQ(&info(in.instruction), &in);
    EXPECT_EQ(to_string(in.instruction), in.mnemonic);
  }
}

TEST(Table, LaunchesNameTheirEngineAndWhatTheyTouch) {
  const InstructionInfo& in = info(Instruction::dma_in);
  EXPECT_EQ(in.engine, Engine::dma_in);
  ASSERT_EQ(in.reads.size(), 1u);
  EXPECT_EQ(in.reads[0], "hbm");
  EXPECT_EQ(in.writes.size(), 2u);
}

TEST(Table, BothDmaEnginesHaveTheSameRegisters) {
  EXPECT_EQ(registers_of(Engine::dma_in).begin(), registers_of(Engine::dma_out).begin());
}

TEST(Markdown, CoversEveryInstructionRegisterAndField) {
  const std::string page(markdown());
  const auto mentions = [&](std::string_view name) {
    EXPECT_THAT(page, testing::HasSubstr("`" + std::string(name) + "`"));
  };
  for (const InstructionInfo& in : instructions()) {
    mentions(in.mnemonic);
    for (const Field& f : in.rs1) mentions(f.name);
    for (const Field& f : in.rs2) mentions(f.name);
  }
  for (unsigned e = 0; e < kEngineCount; ++e)
    for (const RegisterInfo& reg : registers_of(static_cast<Engine>(e))) {
      mentions(reg.name);
      for (const Field& f : reg.fields) mentions(f.name);
    }
}

}  // namespace
}  // namespace assay::isa
