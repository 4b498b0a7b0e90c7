// RV64I and RV64M: every register-register and register-immediate instruction on corner operands. The
// expected values are worked out by hand from the manual's text.
#include <gtest/gtest.h>

#include "machine.hpp"

namespace assay::test {
namespace {

constexpr std::uint64_t kMin = 0x8000000000000000, kMax = 0x7fffffffffffffff, kOnes = ~std::uint64_t{0};
constexpr std::uint64_t kMin32 = 0xffffffff80000000;  // the least word, sign extended

struct Row {
  const char* name;
  unsigned opcode, funct3, funct7;
  std::uint64_t a, b, expected;
};

// What rd is after `word` with a0 = a, a1 = b.
std::uint64_t result(std::uint32_t word, std::uint64_t a, std::uint64_t b) {
  Machine m({word, kEnd});
  m.host.set_x(a0, a);
  m.host.set_x(a1, b);
  EXPECT_EQ(m.run(), core::StopReason::trap_loop);
  EXPECT_EQ(m.host.csrs().mcause(), std::uint64_t{core::kMachineEcall});
  return m.host.x(a2);
}

TEST(Host, RegisterRegisterInstructionsGiveTheManualsResults) {
  constexpr Row kRows[] = {
      {"add", 0x33, 0, 0, kMax, 1, kMin},
      {"add", 0x33, 0, 0, kOnes, 1, 0},
      {"sub", 0x33, 0, 32, 0, 1, kOnes},
      {"sub", 0x33, 0, 32, kMin, 1, kMax},
      {"sll", 0x33, 1, 0, 1, 63, kMin},
      {"sll", 0x33, 1, 0, 3, 64 + 4, 48},  // only six bits count
      {"slt", 0x33, 2, 0, kMin, kMax, 1},
      {"slt", 0x33, 2, 0, kMax, kMin, 0},
      {"slt", 0x33, 2, 0, 5, 5, 0},
      {"sltu", 0x33, 3, 0, kMin, kMax, 0},
      {"sltu", 0x33, 3, 0, 0, kOnes, 1},
      {"xor", 0x33, 4, 0, 0xff00ff00ff00ff00, kOnes, 0x00ff00ff00ff00ff},
      {"srl", 0x33, 5, 0, kMin, 63, 1},
      {"srl", 0x33, 5, 0, kOnes, 64, kOnes},
      {"sra", 0x33, 5, 32, kMin, 63, kOnes},
      {"sra", 0x33, 5, 32, kMax, 62, 1},
      {"or", 0x33, 6, 0, 0xf0, 0x0f, 0xff},
      {"and", 0x33, 7, 0, 0xff, 0x0ff0, 0xf0},
      {"addw", 0x3b, 0, 0, 0x7fffffff, 1, kMin32},
      {"addw", 0x3b, 0, 0, 0x123456780fffffff, 1, 0x10000000},
      {"subw", 0x3b, 0, 32, 0xffffffff80000000, 1, 0x7fffffff},
      {"sllw", 0x3b, 1, 0, 1, 31, kMin32},
      {"sllw", 0x3b, 1, 0, 1, 32, 1},  // only five bits count
      {"srlw", 0x3b, 5, 0, 0xffffffff80000000, 31, 1},
      {"srlw", 0x3b, 5, 0, 0x0000000180000000, 0, kMin32},
      {"sraw", 0x3b, 5, 32, 0x0000000080000000, 31, kOnes},
      {"sraw", 0x3b, 5, 32, 0xffffffff7fffffff, 30, 1},
      {"sraw", 0x3b, 5, 32, 0x12345678, 32, 0x12345678},
      {"srlw", 0x3b, 5, 0, 0x12345678, 32, 0x12345678},
      {"mul", 0x33, 0, 1, kMin, kOnes, kMin},
      {"mul", 0x33, 0, 1, 0x100000001, 0x100000001, 0x200000001},
      {"mulh", 0x33, 1, 1, kMin, kMin, 0x4000000000000000},
      {"mulh", 0x33, 1, 1, kOnes, 1, kOnes},
      {"mulh", 0x33, 1, 1, kOnes, kOnes, 0},
      {"mulhsu", 0x33, 2, 1, kOnes, kOnes, kOnes},
      {"mulhsu", 0x33, 2, 1, 1, kOnes, 0},
      {"mulhsu", 0x33, 2, 1, kMin, kOnes, kMin},
      {"mulhu", 0x33, 3, 1, kOnes, kOnes, 0xfffffffffffffffe},
      {"mulhu", 0x33, 3, 1, kMin, 2, 1},
      {"mulw", 0x3b, 0, 1, 0x10000, 0x8000, kMin32},
      {"mulw", 0x3b, 0, 1, 0xffffffff00000003, 5, 15},
      {"div", 0x33, 4, 1, static_cast<std::uint64_t>(-7), 2, static_cast<std::uint64_t>(-3)},
      {"div", 0x33, 4, 1, kMin, kOnes, kMin},
      {"divu", 0x33, 5, 1, kOnes, 2, kMax},
      {"divu", 0x33, 5, 1, kMin, kOnes, 0},
      {"rem", 0x33, 6, 1, static_cast<std::uint64_t>(-7), 2, kOnes},
      {"rem", 0x33, 6, 1, 7, static_cast<std::uint64_t>(-2), 1},
      {"rem", 0x33, 6, 1, kMin, kOnes, 0},
      {"remu", 0x33, 7, 1, kOnes, 10, 5},
      {"divw", 0x3b, 4, 1, kMin32, kOnes, kMin32},
      {"divw", 0x3b, 4, 1, 0xffffffff00000009, 0x1200000002, 4},
      {"divuw", 0x3b, 5, 1, 0xffffffff80000000, 1, kMin32},
      {"divuw", 0x3b, 5, 1, 0xfffffffe, 0xffffffff00000002, 0x7fffffff},
      {"remw", 0x3b, 6, 1, kMin32, kOnes, 0},
      {"remw", 0x3b, 6, 1, static_cast<std::uint64_t>(-7), 4, static_cast<std::uint64_t>(-3)},
      {"remuw", 0x3b, 7, 1, 0xffffffff, 0x80000000, 0x7fffffff},
      {"remuw", 0x3b, 7, 1, 0x1ffffffff, 0xffffffff, 0},
  };
  for (const Row& row : kRows) {
    EXPECT_EQ(result(r_type(row.opcode, row.funct3, row.funct7, a2, a0, a1), row.a, row.b), row.expected)
        << row.name << std::hex << " " << row.a << ", " << row.b;
  }
}

TEST(Host, DivisionByZeroGivesAllOnesAndTheDividend) {
  for (const std::uint64_t a : {std::uint64_t{0}, std::uint64_t{7}, kMin, kOnes}) {
    EXPECT_EQ(result(r_type(0x33, 4, 1, a2, a0, a1), a, 0), kOnes);  // div
    EXPECT_EQ(result(r_type(0x33, 5, 1, a2, a0, a1), a, 0), kOnes);  // divu
    EXPECT_EQ(result(r_type(0x33, 6, 1, a2, a0, a1), a, 0), a);      // rem
    EXPECT_EQ(result(r_type(0x33, 7, 1, a2, a0, a1), a, 0), a);      // remu
  }
  const std::uint64_t zero_word = 0x5500000000;  // the upper half does not count
  EXPECT_EQ(result(r_type(0x3b, 4, 1, a2, a0, a1), 9, zero_word), kOnes);
  EXPECT_EQ(result(r_type(0x3b, 5, 1, a2, a0, a1), 9, zero_word), kOnes);
  EXPECT_EQ(result(r_type(0x3b, 6, 1, a2, a0, a1), 0x80000000, zero_word), kMin32);
  EXPECT_EQ(result(r_type(0x3b, 7, 1, a2, a0, a1), 0x80000000, zero_word), kMin32);
}

TEST(Host, RegisterImmediateInstructionsGiveTheManualsResults) {
  struct {
    const char* name;
    unsigned opcode, funct3;
    int imm;
    std::uint64_t a, expected;
  } const kRows[] = {
      {"addi", 0x13, 0, -1, 0, kOnes},
      {"addi", 0x13, 0, 2047, 1, 2048},
      {"addi", 0x13, 0, -2048, 0, static_cast<std::uint64_t>(-2048)},
      {"slti", 0x13, 2, -1, kMin, 1},
      {"slti", 0x13, 2, -1, 0, 0},
      {"sltiu", 0x13, 3, -1, 5, 1},  // the immediate is sign extended, then unsigned
      {"sltiu", 0x13, 3, 1, 0, 1},
      {"xori", 0x13, 4, -1, 0xff, 0xffffffffffffff00},
      {"ori", 0x13, 6, -2048, 1, 0xfffffffffffff801},
      {"andi", 0x13, 7, 0x7f0, kOnes, 0x7f0},
      {"slli", 0x13, 1, 63, 1, kMin},
      {"slli", 0x13, 1, 32, kOnes, 0xffffffff00000000},
      {"srli", 0x13, 5, 63, kMin, 1},
      {"srai", 0x13, 5, 0x400 | 63, kMin, kOnes},
      {"srai", 0x13, 5, 0x400 | 33, kMin, 0xffffffffc0000000},
      {"addiw", 0x1b, 0, 1, 0x7fffffff, kMin32},
      {"addiw", 0x1b, 0, 0, 0x1234567880000000, kMin32},
      {"slliw", 0x1b, 1, 31, 1, kMin32},
      {"srliw", 0x1b, 5, 4, 0xffffffff80000000, 0x08000000},
      {"srliw", 0x1b, 5, 0, 0x80000000, kMin32},
      {"sraiw", 0x1b, 5, 0x400 | 31, 0x80000000, kOnes},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(result(i_type(row.opcode, row.funct3, a2, a0, row.imm), row.a, 0), row.expected)
        << row.name << " " << row.imm;
  }
}

TEST(Host, UpperImmediatesAreSignExtendedAndRelativeToPc) {
  EXPECT_EQ(result(lui(a2, 0x80000), 0, 0), kMin32);
  EXPECT_EQ(result(lui(a2, 0x7ffff), 0, 0), 0x7ffff000u);
  EXPECT_EQ(result(auipc(a2, 0), 0, 0), kBase);
  EXPECT_EQ(result(auipc(a2, 0x80000), 0, 0), kBase + kMin32);
  EXPECT_EQ(result(auipc(a2, 0xfffff), 0, 0), kBase - 0x1000);
}

TEST(Host, RegisterZeroStaysZero) {
  Machine m(
      {addi(zero, zero, 5), lui(zero, 1), add(a0, zero, zero), jal(zero, 4), csrrs(zero, 0xf14, zero), kEnd});
  m.run();
  EXPECT_EQ(m.host.x(0), 0u);
  EXPECT_EQ(m.host.x(a0), 0u);
}

TEST(Host, BranchesCompareSignedAndUnsigned) {
  struct {
    const char* name;
    unsigned funct3;
    std::uint64_t a, b;
    bool taken;
  } const kRows[] = {
      {"beq", 0, 5, 5, true},          {"beq", 0, 5, 6, false},     {"bne", 1, 5, 6, true},
      {"bne", 1, kOnes, kOnes, false}, {"blt", 4, kMin, 0, true},   {"blt", 4, 0, kMin, false},
      {"blt", 4, 3, 3, false},         {"bge", 5, 0, kOnes, true},  {"bge", 5, 3, 3, true},
      {"bge", 5, kMin, kMax, false},   {"bltu", 6, 0, kMin, true},  {"bltu", 6, kOnes, 0, false},
      {"bltu", 6, 9, 9, false},        {"bgeu", 7, kOnes, 0, true}, {"bgeu", 7, 0, 0, true},
      {"bgeu", 7, kMax, kMin, false},
  };
  for (const auto& row : kRows) {
    Machine m({b_type(row.funct3, a0, a1, 8), addi(a2, a2, 1), kEnd});
    m.host.set_x(a0, row.a);
    m.host.set_x(a1, row.b);
    m.run();
    EXPECT_EQ(m.host.x(a2), row.taken ? 0u : 1u) << row.name << std::hex << " " << row.a << ", " << row.b;
  }
}

TEST(Host, BranchesAndJumpsReachTheirWholeRange) {
  constexpr std::size_t kMiddle = 1u << 21, kBytes = 1u << 22;
  for (const int offset : {-4096, 4094, 2048, -2}) {
    Machine m({}, {}, kBytes);
    m.place(kMiddle, {beq(zero, zero, offset)});
    m.place(kMiddle + static_cast<std::size_t>(offset), {0x9002});  // c.ebreak
    m.host.set_pc(kBase + kMiddle);
    m.run();
    EXPECT_EQ(m.host.csrs().mepc(), kBase + kMiddle + static_cast<std::uint64_t>(std::int64_t{offset}));
  }
  for (const int offset : {-1048576, 1048574, 2048, -2}) {
    Machine m({}, {}, kBytes);
    m.place(kMiddle, {jal(ra, offset)});
    m.place(kMiddle + static_cast<std::size_t>(offset), {0x9002});
    m.host.set_pc(kBase + kMiddle);
    m.run();
    EXPECT_EQ(m.host.csrs().mepc(), kBase + kMiddle + static_cast<std::uint64_t>(std::int64_t{offset}));
    EXPECT_EQ(m.host.x(ra), kBase + kMiddle + 4);
  }
}

TEST(Host, IndirectJumpClearsBitZeroAndLinksAfterReadingItsSource) {
  Machine m({auipc(a0, 0), jalr(a0, a0, 13), addi(a1, a1, 1), addi(a2, a2, 1), kEnd});
  m.run();
  EXPECT_EQ(m.host.x(a0), kBase + 8);
  EXPECT_EQ(m.host.x(a1), 0u);
  EXPECT_EQ(m.host.x(a2), 1u);
}

}  // namespace
}  // namespace assay::test
