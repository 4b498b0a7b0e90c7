#include "core/host/compressed.hpp"

#include "core/host/instruction.hpp"

namespace assay::core {
namespace {

constexpr unsigned kRa = 1;
constexpr unsigned kSp = 2;

// --- Fields of a halfword. Bit positions as in table 16.5 and following of the manual. ---
constexpr std::uint32_t field(std::uint32_t h, unsigned high, unsigned low) {
  return (h >> low) & ((1u << (high - low + 1)) - 1);
}
constexpr std::int32_t sign_extend(std::uint32_t value, unsigned width) {
  const std::uint32_t sign = 1u << (width - 1);
  return static_cast<std::int32_t>((value ^ sign) - sign);
}
constexpr unsigned rd(std::uint32_t h) { return field(h, 11, 7); }
constexpr unsigned rs2(std::uint32_t h) { return field(h, 6, 2); }
constexpr unsigned rdp(std::uint32_t h) { return 8 + field(h, 4, 2); }
constexpr unsigned rs1p(std::uint32_t h) { return 8 + field(h, 9, 7); }

// The values of immediates are non-negative unless sign-extended here.
constexpr std::int32_t positive(std::uint32_t value) { return static_cast<std::int32_t>(value); }
constexpr std::int32_t imm_4spn(std::uint32_t h) {
  return positive(field(h, 10, 7) << 6 | field(h, 12, 11) << 4 | field(h, 5, 5) << 3 | field(h, 6, 6) << 2);
}
constexpr std::int32_t imm_word(std::uint32_t h) {
  return positive(field(h, 5, 5) << 6 | field(h, 12, 10) << 3 | field(h, 6, 6) << 2);
}
constexpr std::int32_t imm_double(std::uint32_t h) {
  return positive(field(h, 6, 5) << 6 | field(h, 12, 10) << 3);
}
constexpr std::int32_t imm_shift(std::uint32_t h) { return positive(field(h, 12, 12) << 5 | field(h, 6, 2)); }
constexpr std::int32_t imm_6(std::uint32_t h) {
  return sign_extend(field(h, 12, 12) << 5 | field(h, 6, 2), 6);
}
constexpr std::int32_t imm_16sp(std::uint32_t h) {
  return sign_extend(field(h, 12, 12) << 9 | field(h, 4, 3) << 7 | field(h, 5, 5) << 6 | field(h, 2, 2) << 5 |
                         field(h, 6, 6) << 4,
                     10);
}
constexpr std::int32_t imm_jump(std::uint32_t h) {
  return sign_extend(field(h, 12, 12) << 11 | field(h, 8, 8) << 10 | field(h, 10, 9) << 8 |
                         field(h, 6, 6) << 7 | field(h, 7, 7) << 6 | field(h, 2, 2) << 5 |
                         field(h, 11, 11) << 4 | field(h, 5, 3) << 1,
                     12);
}
constexpr std::int32_t imm_branch(std::uint32_t h) {
  return sign_extend(field(h, 12, 12) << 8 | field(h, 6, 5) << 6 | field(h, 2, 2) << 5 |
                         field(h, 11, 10) << 3 | field(h, 4, 3) << 1,
                     9);
}
constexpr std::int32_t imm_lwsp(std::uint32_t h) {
  return positive(field(h, 3, 2) << 6 | field(h, 12, 12) << 5 | field(h, 6, 4) << 2);
}
constexpr std::int32_t imm_ldsp(std::uint32_t h) {
  return positive(field(h, 4, 2) << 6 | field(h, 12, 12) << 5 | field(h, 6, 5) << 3);
}
constexpr std::int32_t imm_swsp(std::uint32_t h) {
  return positive(field(h, 8, 7) << 6 | field(h, 12, 9) << 2);
}
constexpr std::int32_t imm_sdsp(std::uint32_t h) {
  return positive(field(h, 9, 7) << 6 | field(h, 12, 10) << 3);
}

// --- Encoders of base instructions. ---
std::uint32_t r(Rv id, unsigned d, unsigned s1, unsigned s2) {
  return row(id).match | d << 7 | s1 << 15 | s2 << 20;
}
std::uint32_t i(Rv id, unsigned d, unsigned s1, std::int32_t imm) {
  return row(id).match | d << 7 | s1 << 15 | static_cast<std::uint32_t>(imm) << 20;
}
std::uint32_t s(Rv id, unsigned s1, unsigned s2, std::int32_t imm) {
  const auto v = static_cast<std::uint32_t>(imm);
  return row(id).match | s1 << 15 | s2 << 20 | field(v, 4, 0) << 7 | field(v, 11, 5) << 25;
}
std::uint32_t b(Rv id, unsigned s1, unsigned s2, std::int32_t imm) {
  const auto v = static_cast<std::uint32_t>(imm);
  return row(id).match | s1 << 15 | s2 << 20 | field(v, 11, 11) << 7 | field(v, 4, 1) << 8 |
         field(v, 10, 5) << 25 | field(v, 12, 12) << 31;
}
std::uint32_t u(Rv id, unsigned d, std::int32_t imm) {
  return row(id).match | d << 7 | static_cast<std::uint32_t>(imm) << 12;
}
std::uint32_t j(Rv id, unsigned d, std::int32_t imm) {
  const auto v = static_cast<std::uint32_t>(imm);
  return row(id).match | d << 7 | field(v, 19, 12) << 12 | field(v, 11, 11) << 20 | field(v, 10, 1) << 21 |
         field(v, 20, 20) << 31;
}

}  // namespace

std::uint32_t expand_compressed(std::uint16_t halfword) {
  const std::uint32_t h = halfword;
#define ASSAY_RVC(mnemonic, match, mask, legal, expansion) \
  if ((h & (mask)) == (match) && (legal)) return expansion;
#include "core/host/rvc.def"
#undef ASSAY_RVC
  return 0;
}

}  // namespace assay::core
