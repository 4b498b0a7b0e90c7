#include "core/host/disassemble.hpp"

#include <fmt/format.h>

#include <iterator>

#include "core/host/csr.hpp"
#include "core/host/float_types.hpp"
#include "isa/encoding.hpp"

namespace assay::core {
namespace {

struct Alias {
  std::string_view mnemonic, operands;
  Rv id;
  std::uint32_t match, mask;
};
constexpr Alias kAliases[] = {
#define ASSAY_RV_ALIAS(mnemonic, operands, id, match, mask) {mnemonic, operands, Rv::id, match, mask},
#include "core/host/alias.def"
#undef ASSAY_RV_ALIAS
};

std::string csr_text(unsigned number) {
  constexpr unsigned kFirstHpm = 3;
  const unsigned index = number & 31;
  if (const std::string_view name = csr_name(static_cast<Csr>(number)); !name.empty())
    return std::string(name);
  if (index >= kFirstHpm && (number & ~31u) == 0xb00) return fmt::format("mhpmcounter{}", index);
  if (index >= kFirstHpm && (number & ~31u) == 0x320) return fmt::format("mhpmevent{}", index);
  if (index >= kFirstHpm && (number & ~31u) == 0xc00) return fmt::format("hpmcounter{}", index);
  return fmt::format("{:#x}", number);
}

// The four low bits as fence prints them.
std::string fence_set(std::uint32_t bits) {
  std::string text;
  if (bits & 8) text += 'i';
  if (bits & 4) text += 'o';
  if (bits & 2) text += 'r';
  if (bits & 1) text += 'w';
  return text.empty() ? "unknown" : text;
}

// The rounding mode as a last operand; nothing where it is the assembler's default.
std::string rounding_suffix(int mode, int default_mode) {
  constexpr std::string_view kNames[] = {"rne", "rtz", "rdn", "rup", "rmm", "unknown", "unknown", "dyn"};
  return mode == default_mode ? std::string() : fmt::format(",{}", kNames[mode & 7]);
}

std::string operand(char letter, const Decoded& d, std::uint64_t pc) {
  const auto imm = static_cast<std::uint32_t>(d.imm);
  switch (letter) {
    case 'd': return std::string(isa::register_name(d.rd));
    case 's': return std::string(isa::register_name(d.rs1));
    case 't': return std::string(isa::register_name(d.rs2));
    case 'D': return std::string(float_register_name(d.rd));
    case 'S': return std::string(float_register_name(d.rs1));
    case 'T': return std::string(float_register_name(d.rs2));
    case 'R': return std::string(float_register_name(d.rs3));
    case 'm': return rounding_suffix(d.imm, static_cast<int>(Rounding::dynamic));
    case 'n': return rounding_suffix(d.imm, static_cast<int>(Rounding::nearest_even));
    case 'i': return fmt::format("{}", d.imm);
    case 'u': return fmt::format("{:#x}", imm >> 12);
    case 'x': return fmt::format("{:#x}", imm);
    case 'a': return fmt::format("{:x}", pc + static_cast<std::uint64_t>(std::int64_t{d.imm}));
    case 'C': return csr_text(imm);
    case 'z': return fmt::format("{}", d.rs1);
    case 'p': return fence_set(imm >> 4);
    case 'q': return fence_set(imm);
    default: return std::string(1, letter);
  }
}

// .aq and .rl, from bits 26 and 25 of an atomic.
std::string_view ordering(const Decoded& d) {
  constexpr std::string_view kSuffix[] = {"", ".rl", ".aq", ".aqrl"};
  return row(d.id).cost == CostClass::Atomic ? kSuffix[(d.word >> 25) & 3] : "";
}

}  // namespace

std::string_view float_register_name(unsigned index) {
  constexpr std::string_view kNames[] = {"ft0", "ft1", "ft2",  "ft3",  "ft4", "ft5", "ft6",  "ft7",
                                         "fs0", "fs1", "fa0",  "fa1",  "fa2", "fa3", "fa4",  "fa5",
                                         "fa6", "fa7", "fs2",  "fs3",  "fs4", "fs5", "fs6",  "fs7",
                                         "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11"};
  return kNames[index];
}

std::string disassemble(std::uint32_t raw, std::uint64_t pc) {
  const Decoded d = decode(raw);
  if (d.length == 2 && d.raw == 0) return "unimp";  // defined as illegal
  if (d.id == Rv::count || row(d.id).mnemonic.empty()) return "unknown";
  std::string_view mnemonic = row(d.id).mnemonic;
  std::string_view operands = row(d.id).operands;
  for (const Alias& alias : kAliases) {
    if (alias.id != d.id || (d.word & alias.mask) != alias.match) continue;
    mnemonic = alias.mnemonic;
    operands = alias.operands;
    break;
  }
  std::string text = fmt::format("{}{}", mnemonic, ordering(d));
  if (!operands.empty()) text += ' ';
  for (const char letter : operands) text += operand(letter, d, pc);
  return text;
}

}  // namespace assay::core
