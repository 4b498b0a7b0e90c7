// RISC-V encodings for the host's tests, written from the opcode maps of the Unprivileged ISA manual
// (chapter 24) and independent of the table under test.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

namespace assay::test {

enum Reg : unsigned {
  zero,
  ra,
  sp,
  gp,
  tp,
  t0,
  t1,
  t2,
  s0,
  s1,
  a0,
  a1,
  a2,
  a3,
  a4,
  a5,
  a6,
  a7,
  s2,
  s3,
  s4,
  s5,
  s6,
  s7,
  s8,
  s9,
  s10,
  s11,
  t3,
  t4,
  t5,
  t6
};

constexpr std::uint32_t r_type(unsigned opcode, unsigned funct3, unsigned funct7, unsigned rd, unsigned rs1,
                               unsigned rs2) {
  return opcode | rd << 7 | funct3 << 12 | rs1 << 15 | rs2 << 20 | funct7 << 25;
}
constexpr std::uint32_t i_type(unsigned opcode, unsigned funct3, unsigned rd, unsigned rs1, int imm) {
  return opcode | rd << 7 | funct3 << 12 | rs1 << 15 | static_cast<std::uint32_t>(imm) << 20;
}
constexpr std::uint32_t s_type(unsigned funct3, unsigned rs2, unsigned rs1, int imm) {
  const auto v = static_cast<std::uint32_t>(imm);
  return 0x23 | (v & 31) << 7 | funct3 << 12 | rs1 << 15 | rs2 << 20 | (v >> 5 & 127) << 25;
}
constexpr std::uint32_t b_type(unsigned funct3, unsigned rs1, unsigned rs2, int offset) {
  const auto v = static_cast<std::uint32_t>(offset);
  return 0x63 | (v >> 11 & 1) << 7 | (v >> 1 & 15) << 8 | funct3 << 12 | rs1 << 15 | rs2 << 20 |
         (v >> 5 & 63) << 25 | (v >> 12 & 1) << 31;
}

// The few that programs in the tests are made of.
constexpr std::uint32_t lui(unsigned rd, unsigned upper) { return 0x37 | rd << 7 | upper << 12; }
constexpr std::uint32_t auipc(unsigned rd, unsigned upper) { return 0x17 | rd << 7 | upper << 12; }
constexpr std::uint32_t jal(unsigned rd, int offset) {
  const auto v = static_cast<std::uint32_t>(offset);
  return 0x6f | rd << 7 | (v >> 12 & 255) << 12 | (v >> 11 & 1) << 20 | (v >> 1 & 1023) << 21 |
         (v >> 20 & 1) << 31;
}
constexpr std::uint32_t jalr(unsigned rd, unsigned rs1, int imm) { return i_type(0x67, 0, rd, rs1, imm); }
constexpr std::uint32_t addi(unsigned rd, unsigned rs1, int imm) { return i_type(0x13, 0, rd, rs1, imm); }
constexpr std::uint32_t add(unsigned rd, unsigned rs1, unsigned rs2) {
  return r_type(0x33, 0, 0, rd, rs1, rs2);
}
constexpr std::uint32_t mul(unsigned rd, unsigned rs1, unsigned rs2) {
  return r_type(0x33, 0, 1, rd, rs1, rs2);
}
constexpr std::uint32_t div(unsigned rd, unsigned rs1, unsigned rs2) {
  return r_type(0x33, 4, 1, rd, rs1, rs2);
}
constexpr std::uint32_t lw(unsigned rd, unsigned rs1, int imm) { return i_type(0x03, 2, rd, rs1, imm); }
constexpr std::uint32_t ld(unsigned rd, unsigned rs1, int imm) { return i_type(0x03, 3, rd, rs1, imm); }
constexpr std::uint32_t sw(unsigned rs2, unsigned rs1, int imm) { return s_type(2, rs2, rs1, imm); }
constexpr std::uint32_t sd(unsigned rs2, unsigned rs1, int imm) { return s_type(3, rs2, rs1, imm); }
constexpr std::uint32_t beq(unsigned rs1, unsigned rs2, int offset) { return b_type(0, rs1, rs2, offset); }
constexpr std::uint32_t bne(unsigned rs1, unsigned rs2, int offset) { return b_type(1, rs1, rs2, offset); }
constexpr std::uint32_t csrrw(unsigned rd, unsigned csr, unsigned rs1) {
  return i_type(0x73, 1, rd, rs1, static_cast<int>(csr));
}
constexpr std::uint32_t csrrs(unsigned rd, unsigned csr, unsigned rs1) {
  return i_type(0x73, 2, rd, rs1, static_cast<int>(csr));
}
constexpr std::uint32_t csrrc(unsigned rd, unsigned csr, unsigned rs1) {
  return i_type(0x73, 3, rd, rs1, static_cast<int>(csr));
}
constexpr std::uint32_t amo(unsigned funct5, bool is_double, unsigned rd, unsigned rs2, unsigned rs1) {
  return r_type(0x2f, is_double ? 3 : 2, funct5 << 2, rd, rs1, rs2);
}
constexpr std::uint32_t nop = 0x00000013;
constexpr std::uint32_t ecall = 0x00000073;
constexpr std::uint32_t ebreak = 0x00100073;
constexpr std::uint32_t mret = 0x30200073;
constexpr std::uint32_t wfi = 0x10500073;
constexpr std::uint32_t fence = 0x0ff0000f;
constexpr std::uint32_t fence_i = 0x0000100f;

// A program of 32-bit words and, in between, halfwords: values whose lowest two bits are not 11.
using Program = std::vector<std::uint32_t>;

}  // namespace assay::test
