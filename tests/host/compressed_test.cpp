// RV64C: every compressed instruction against the base instruction that the manual says it stands for. The
// halfwords were written by GNU as.
#include <gtest/gtest.h>

#include "core/host/instruction.hpp"
#include "machine.hpp"

namespace assay::test {
namespace {

using core::decode;

TEST(Host, CompressedInstructionsExpandToTheirBaseInstruction) {
  struct {
    const char* name;
    std::uint16_t halfword;
    std::uint32_t word;
  } const kRows[] = {
#include "compressed_rows.inc"
  };
  for (const auto& row : kRows) {
    const core::Decoded d = decode(row.halfword);
    EXPECT_EQ(d.word, row.word) << row.name << std::hex << ": got " << d.word << ", expected " << row.word;
    EXPECT_EQ(d.length, 2) << row.name;
  }
}

TEST(Host, ReservedCompressedEncodingsAreIllegal) {
  struct {
    const char* name;
    std::uint16_t halfword;
  } const kRows[] = {
      {"all zeros", 0x0000},
      {"c.addi4spn with 0", 0x0004},
      {"quadrant 0, funct3 4", 0x8000},
      {"c.addiw to x0", 0x2005},
      {"c.addi16sp with 0", 0x6101},
      {"c.lui with 0", 0x6081},
      {"c.jr x0", 0x8002},
      {"c.lwsp to x0", 0x4012},
      {"c.ldsp to x0", 0x6012},
      {"quadrant 1, 100 1 11 10", 0x9c41},
      {"quadrant 1, 100 1 11 11", 0x9c61},
  };
  for (const auto& row : kRows) {
    Machine m({row.halfword});
    EXPECT_EQ(m.run(), core::StopReason::trap_loop) << row.name;
    EXPECT_EQ(m.host.csrs().mcause(), std::uint64_t{core::kIllegalInstruction}) << row.name;
    EXPECT_EQ(m.host.csrs().mtval(), row.halfword) << row.name;
  }
}

TEST(Host, CompressedHintsDoNothing) {
  // c.nop 5; c.li x0, 3; c.mv x0, a0; c.add x0, a0; c.slli a0, 0; c.lui x0, 1; ebreak
  Machine m({0x0015, 0x400d, 0x802a, 0x902a, 0x0502, 0x6005, 0x9002});
  m.host.set_x(a0, 77);
  m.run();
  EXPECT_EQ(m.host.csrs().mcause(), std::uint64_t{core::kBreakpoint});
  EXPECT_EQ(m.host.csrs().mepc(), kBase + 12);
  EXPECT_EQ(m.host.x(a0), 77u);
  EXPECT_EQ(m.host.x(0), 0u);
}

TEST(Host, CompressedJumpsLinkBehindTheirTwoBytes) {
  Machine m({0x9502, kEnd, 0x9002});  // c.jalr a0; ...; c.ebreak
  m.host.set_x(a0, kBase + 6);
  m.run();
  EXPECT_EQ(m.host.csrs().mepc(), kBase + 6);
  EXPECT_EQ(m.host.x(ra), kBase + 2);
}

}  // namespace
}  // namespace assay::test
