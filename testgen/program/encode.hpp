// The host instructions that programs are put together from. Source: RISC-V Unprivileged ISA 20191213.
#pragma once

#include <cstdint>

namespace assay::testgen::program::rv {

constexpr std::uint32_t r(unsigned opcode, unsigned f3, unsigned f7, unsigned rd, unsigned rs1,
                          unsigned rs2) {
  return opcode | rd << 7 | f3 << 12 | rs1 << 15 | rs2 << 20 | f7 << 25;
}
constexpr std::uint32_t i(unsigned opcode, unsigned f3, unsigned rd, unsigned rs1, int imm) {
  return opcode | rd << 7 | f3 << 12 | rs1 << 15 | static_cast<std::uint32_t>(imm) << 20;
}
constexpr std::uint32_t s(unsigned opcode, unsigned f3, unsigned rs2, unsigned rs1, int imm) {
  const auto v = static_cast<std::uint32_t>(imm);
  return opcode | (v & 31) << 7 | f3 << 12 | rs1 << 15 | rs2 << 20 | (v >> 5 & 127) << 25;
}
constexpr std::uint32_t b(unsigned f3, unsigned rs1, unsigned rs2, int offset) {
  const auto v = static_cast<std::uint32_t>(offset);
  return 0x63 | (v >> 11 & 1) << 7 | (v >> 1 & 15) << 8 | f3 << 12 | rs1 << 15 | rs2 << 20 |
         (v >> 5 & 63) << 25 | (v >> 12 & 1) << 31;
}
constexpr std::uint32_t jal(unsigned rd, int offset) {
  const auto v = static_cast<std::uint32_t>(offset);
  return 0x6F | rd << 7 | (v >> 12 & 255) << 12 | (v >> 11 & 1) << 20 | (v >> 1 & 1023) << 21 |
         (v >> 20 & 1) << 31;
}
constexpr std::uint32_t lui(unsigned rd, std::uint32_t upper) { return 0x37 | rd << 7 | upper << 12; }
constexpr std::uint32_t auipc(unsigned rd, std::uint32_t upper) { return 0x17 | rd << 7 | upper << 12; }
constexpr std::uint32_t addi(unsigned rd, unsigned rs1, int imm) { return i(0x13, 0, rd, rs1, imm); }
constexpr std::uint32_t slli(unsigned rd, unsigned rs1, int by) { return i(0x13, 1, rd, rs1, by); }
constexpr std::uint32_t ld(unsigned rd, unsigned rs1, int imm) { return i(0x03, 3, rd, rs1, imm); }
constexpr std::uint32_t lbu(unsigned rd, unsigned rs1, int imm) { return i(0x03, 4, rd, rs1, imm); }
constexpr std::uint32_t lhu(unsigned rd, unsigned rs1, int imm) { return i(0x03, 5, rd, rs1, imm); }
constexpr std::uint32_t fld(unsigned rd, unsigned rs1, int imm) { return i(0x07, 3, rd, rs1, imm); }
constexpr std::uint32_t sd(unsigned rs2, unsigned rs1, int imm) { return s(0x23, 3, rs2, rs1, imm); }
constexpr std::uint32_t sw(unsigned rs2, unsigned rs1, int imm) { return s(0x23, 2, rs2, rs1, imm); }
constexpr std::uint32_t sb(unsigned rs2, unsigned rs1, int imm) { return s(0x23, 0, rs2, rs1, imm); }
constexpr std::uint32_t fsd(unsigned rs2, unsigned rs1, int imm) { return s(0x27, 3, rs2, rs1, imm); }
constexpr std::uint32_t csrrw(unsigned rd, unsigned csr, unsigned rs1) {
  return i(0x73, 1, rd, rs1, static_cast<int>(csr));
}
constexpr std::uint32_t csrrs(unsigned rd, unsigned csr, unsigned rs1) {
  return i(0x73, 2, rd, rs1, static_cast<int>(csr));
}
constexpr std::uint32_t csrrc(unsigned rd, unsigned csr, unsigned rs1) {
  return i(0x73, 3, rd, rs1, static_cast<int>(csr));
}
constexpr std::uint32_t csrrwi(unsigned rd, unsigned csr, unsigned value) {
  return i(0x73, 5, rd, value, static_cast<int>(csr));
}
constexpr std::uint32_t kFence = 0x0FF0000F, kMret = 0x30200073, kWfi = 0x10500073;

constexpr unsigned kMstatus = 0x300, kMie = 0x304, kMtvec = 0x305, kMscratch = 0x340, kMepc = 0x341,
                   kMcause = 0x342, kMtval = 0x343, kFcsr = 0x003;

}  // namespace assay::testgen::program::rv
