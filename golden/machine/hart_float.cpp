// The host's F and D instructions, and the expansion of compressed ones.
#include <initializer_list>
#include <utility>

#include "golden/machine/hart.hpp"
#include "golden/machine/soft_float.hpp"

namespace assay::golden::machine {
namespace {

constexpr std::uint32_t field(std::uint32_t w, unsigned high, unsigned low) {
  return w >> low & ((1U << (high - low + 1)) - 1);
}
constexpr unsigned rd(std::uint32_t w) { return field(w, 11, 7); }
constexpr unsigned rs1(std::uint32_t w) { return field(w, 19, 15); }
constexpr unsigned rs2(std::uint32_t w) { return field(w, 24, 20); }

}  // namespace

void Hart::require_float() const {
  if (!float_on_) throw Trap{kIllegal, raw_};
}

unsigned Hart::rounding(std::uint32_t w) const {
  const unsigned given = field(w, 14, 12), mode = given == 7 ? frm : given;
  if (mode > kNearestAway) throw Trap{kIllegal, raw_};
  return mode;
}

// A single that is not boxed in ones is the canonical NaN.
std::uint64_t Hart::unboxed(unsigned reg) const {
  return f[reg] >> 32 == 0xFFFFFFFF ? f[reg] & 0xFFFFFFFF : kSingle.nan();
}

void Hart::float_multiply_add(std::uint32_t w) {
  require_float();
  const unsigned format = field(w, 26, 25);
  if (format > 1) throw Trap{kIllegal, raw_};
  const FloatFormat type = format == 0 ? kSingle : kDouble;
  SoftFloat unit(type, rounding(w), fflags);
  const auto operand = [&](unsigned reg) { return format == 0 ? unboxed(reg) : f[reg]; };
  std::uint64_t a = operand(rs1(w)), c = operand(w >> 27);
  const unsigned kind = field(w, 3, 2);  // fmadd, fmsub, fnmsub, fnmadd
  if (kind >= 2) a ^= type.sign();
  if (kind == 1 || kind == 3) c ^= type.sign();
  const std::uint64_t result = unit.fma(a, operand(rs2(w)), c);
  if (format == 0) set_single(rd(w), result);
  else f[rd(w)] = result;
}

void Hart::float_operation(std::uint32_t w) {
  require_float();
  const unsigned format = field(w, 26, 25), operation = w >> 27, f3 = field(w, 14, 12), sub = rs2(w);
  const auto illegal = [&] { return Trap{kIllegal, raw_}; };
  if (format > 1) throw illegal();
  const FloatFormat type = format == 0 ? kSingle : kDouble;
  const auto operand = [&](unsigned reg) { return format == 0 ? unboxed(reg) : f[reg]; };
  const auto put = [&](std::uint64_t bits) {
    if (format == 0) set_single(rd(w), bits);
    else f[rd(w)] = bits;
  };
  const std::uint64_t a = operand(rs1(w)), b = operand(rs2(w));
  const auto unit = [&](bool rounds) { return SoftFloat(type, rounds ? rounding(w) : 0, fflags); };
  switch (operation) {
    case 0x00: return put(unit(true).add(a, b));
    case 0x01: {
      const bool nan = type.is_nan(b);
      return put(unit(true).add(a, nan ? b : b ^ type.sign()));
    }
    case 0x02: return put(unit(true).multiply(a, b));
    case 0x03: return put(unit(true).divide(a, b));
    case 0x0B:
      if (sub != 0) throw illegal();
      return put(unit(true).root(a));
    case 0x04: {
      if (f3 > 2) throw illegal();
      const std::uint64_t sign = f3 == 0 ? b : f3 == 1 ? ~b : a ^ b;
      return put((a & ~type.sign()) | (sign & type.sign()));
    }
    case 0x05:
      if (f3 > 1) throw illegal();
      return put(f3 == 0 ? unit(false).least_of(a, b) : unit(false).greatest_of(a, b));
    case 0x08: {
      if (sub != 1 - format) throw illegal();
      SoftFloat converter = unit(true);
      return put(format == 0 ? converter.convert_from(kDouble, f[rs1(w)])
                             : converter.convert_from(kSingle, unboxed(rs1(w))));
    }
    case 0x14:
      if (f3 > 2) throw illegal();
      return set_x(rd(w), (f3 == 2 ? unit(false).equal(a, b) : unit(false).less(a, b, f3 == 0)) ? 1 : 0);
    case 0x18:
      if (sub > 3) throw illegal();
      return set_x(rd(w), unit(true).to_integer(a, (sub & 1) == 0, sub < 2 ? 32 : 64));
    case 0x1A: {
      if (sub > 3) throw illegal();
      std::uint64_t value = x[rs1(w)];
      if (sub == 0) value = static_cast<std::uint64_t>(std::int64_t{static_cast<std::int32_t>(value)});
      if (sub == 1) value &= 0xFFFFFFFF;
      const bool negative = (sub & 1) == 0 && value >> 63 != 0;
      return put(unit(true).from_integer(negative, negative ? std::uint64_t{0} - value : value));
    }
    case 0x1C:
      if (sub != 0 || f3 > 1) throw illegal();
      if (f3 == 1) return set_x(rd(w), unit(false).classify(a));
      return set_x(rd(w), format == 1 ? f[rs1(w)]
                                      : static_cast<std::uint64_t>(
                                            std::int64_t{static_cast<std::int32_t>(f[rs1(w)])}));
    case 0x1E:
      if (sub != 0 || f3 != 0) throw illegal();
      return put(format == 1 ? x[rs1(w)] : x[rs1(w)] & 0xFFFFFFFF);
    default: throw illegal();
  }
}

namespace {

// Encoders of the instructions that compressed ones stand for.
std::uint32_t make_i(unsigned opcode, unsigned f3, unsigned d, unsigned s1, std::uint32_t imm) {
  return opcode | d << 7 | f3 << 12 | s1 << 15 | (imm & 0xFFF) << 20;
}
std::uint32_t make_s(unsigned opcode, unsigned f3, unsigned s1, unsigned s2, std::uint32_t imm) {
  return opcode | (imm & 31) << 7 | f3 << 12 | s1 << 15 | s2 << 20 | (imm >> 5 & 127) << 25;
}
std::uint32_t make_r(unsigned opcode, unsigned f3, unsigned f7, unsigned d, unsigned s1, unsigned s2) {
  return opcode | d << 7 | f3 << 12 | s1 << 15 | s2 << 20 | f7 << 25;
}
std::uint32_t make_b(unsigned f3, unsigned s1, std::uint32_t imm) {
  return 0x63 | (imm >> 11 & 1) << 7 | (imm >> 1 & 15) << 8 | f3 << 12 | s1 << 15 | (imm >> 5 & 63) << 25 |
         (imm >> 12 & 1) << 31;
}
std::uint32_t make_j(unsigned d, std::uint32_t imm) {
  return 0x6F | d << 7 | (imm >> 12 & 255) << 12 | (imm >> 11 & 1) << 20 | (imm >> 1 & 1023) << 21 |
         (imm >> 20 & 1) << 31;
}
std::uint32_t sign_from(std::uint32_t value, unsigned width) {
  return (value & 1U << (width - 1)) != 0 ? value | ~((1U << width) - 1) : value;
}

// The parts of a halfword's immediate: each bit of `from` (highest first) goes to the place in `to`.
std::uint32_t scattered(std::uint32_t h, std::initializer_list<std::pair<unsigned, unsigned>> from_to) {
  std::uint32_t value = 0;
  for (const auto& [from, to] : from_to) value |= (h >> from & 1) << to;
  return value;
}

}  // namespace

// 0 (which is illegal) where the halfword is no instruction.
std::uint32_t Hart::expand(std::uint16_t half) const {
  const std::uint32_t h = half;
  const unsigned d = field(h, 11, 7), s2 = field(h, 6, 2), dp = 8 + field(h, 4, 2), sp = 8 + field(h, 9, 7);
  const std::uint32_t imm6 = sign_from(field(h, 12, 12) << 5 | s2, 6), shift = field(h, 12, 12) << 5 | s2;
  const std::uint32_t word_offset = scattered(h, {{5, 6}, {12, 5}, {11, 4}, {10, 3}, {6, 2}});
  const std::uint32_t double_offset = scattered(h, {{6, 7}, {5, 6}, {12, 5}, {11, 4}, {10, 3}});
  switch ((h & 3) << 3 | h >> 13) {
    case 0x00: {
      const std::uint32_t imm =
          scattered(h, {{10, 9}, {9, 8}, {8, 7}, {7, 6}, {12, 5}, {11, 4}, {5, 3}, {6, 2}});
      return imm == 0 ? 0 : make_i(0x13, 0, dp, 2, imm);
    }
    case 0x01: return make_i(0x07, 3, dp, sp, double_offset);
    case 0x02: return make_i(0x03, 2, dp, sp, word_offset);
    case 0x03: return make_i(0x03, 3, dp, sp, double_offset);
    case 0x05: return make_s(0x27, 3, sp, dp, double_offset);
    case 0x06: return make_s(0x23, 2, sp, dp, word_offset);
    case 0x07: return make_s(0x23, 3, sp, dp, double_offset);
    case 0x08: return make_i(0x13, 0, d, d, imm6);
    case 0x09: return d == 0 ? 0 : make_i(0x1B, 0, d, d, imm6);
    case 0x0A: return make_i(0x13, 0, d, 0, imm6);
    case 0x0B: {
      if (d != 2) return imm6 == 0 ? 0 : 0x37 | d << 7 | imm6 << 12;
      const std::uint32_t imm =
          sign_from(scattered(h, {{12, 9}, {4, 8}, {3, 7}, {5, 6}, {2, 5}, {6, 4}}), 10);
      return imm == 0 ? 0 : make_i(0x13, 0, 2, 2, imm);
    }
    case 0x0C:
      switch (field(h, 11, 10)) {
        case 0: return make_i(0x13, 5, sp, sp, shift);
        case 1: return make_i(0x13, 5, sp, sp, shift | 0x400);
        case 2: return make_i(0x13, 7, sp, sp, imm6);
        default: break;
      }
      switch (field(h, 12, 12) << 2 | field(h, 6, 5)) {
        case 0: return make_r(0x33, 0, 0x20, sp, sp, dp);
        case 1: return make_r(0x33, 4, 0, sp, sp, dp);
        case 2: return make_r(0x33, 6, 0, sp, sp, dp);
        case 3: return make_r(0x33, 7, 0, sp, sp, dp);
        case 4: return make_r(0x3B, 0, 0x20, sp, sp, dp);
        case 5: return make_r(0x3B, 0, 0, sp, sp, dp);
        default: return 0;
      }
    case 0x0D:
      return make_j(0, sign_from(scattered(h, {{12, 11},
                                               {8, 10},
                                               {10, 9},
                                               {9, 8},
                                               {6, 7},
                                               {7, 6},
                                               {2, 5},
                                               {11, 4},
                                               {5, 3},
                                               {4, 2},
                                               {3, 1}}),
                                 12));
    case 0x0E:
    case 0x0F:
      return make_b(
          (h >> 13 & 1), sp,
          sign_from(scattered(h, {{12, 8}, {6, 7}, {5, 6}, {2, 5}, {11, 4}, {10, 3}, {4, 2}, {3, 1}}), 9));
    case 0x10: return make_i(0x13, 1, d, d, shift);
    case 0x11: return make_i(0x07, 3, d, 2, scattered(h, {{4, 8}, {3, 7}, {2, 6}, {12, 5}, {6, 4}, {5, 3}}));
    case 0x12:
      return d == 0 ? 0
                    : make_i(0x03, 2, d, 2, scattered(h, {{3, 7}, {2, 6}, {12, 5}, {6, 4}, {5, 3}, {4, 2}}));
    case 0x13:
      return d == 0 ? 0
                    : make_i(0x03, 3, d, 2, scattered(h, {{4, 8}, {3, 7}, {2, 6}, {12, 5}, {6, 4}, {5, 3}}));
    case 0x14:
      if (field(h, 12, 12) == 0) {
        if (s2 != 0) return make_r(0x33, 0, 0, d, 0, s2);
        return d == 0 ? 0 : make_i(0x67, 0, 0, d, 0);
      }
      if (s2 != 0) return make_r(0x33, 0, 0, d, d, s2);
      return d == 0 ? 0x00100073 : make_i(0x67, 0, 1, d, 0);
    case 0x15:
      return make_s(0x27, 3, 2, s2, scattered(h, {{9, 8}, {8, 7}, {7, 6}, {12, 5}, {11, 4}, {10, 3}}));
    case 0x16:
      return make_s(0x23, 2, 2, s2, scattered(h, {{8, 7}, {7, 6}, {12, 5}, {11, 4}, {10, 3}, {9, 2}}));
    case 0x17:
      return make_s(0x23, 3, 2, s2, scattered(h, {{9, 8}, {8, 7}, {7, 6}, {12, 5}, {11, 4}, {10, 3}}));
    default: return 0;
  }
}

}  // namespace assay::golden::machine
