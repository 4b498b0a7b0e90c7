#include "isa/encoding.hpp"

#include <fmt/format.h>

#include <array>

#include "base/error.hpp"
#include "isa/table.hpp"

namespace assay::isa {
namespace {

constexpr std::array<std::string_view, 32> kRegisterNames{
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0",  "a1",  "a2", "a3", "a4", "a5",
    "a6",   "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};

// Does this instruction's word form have these functs? Fills engine and register of a configuration.
bool matches(const InstructionInfo& in, unsigned funct3, unsigned funct7, Decoded& out) {
  if (in.form != Form::Configure) {
    out.engine = in.engine;
    return in.funct3 == funct3 && in.funct7 == funct7;
  }
  if (funct3 < in.funct3 || funct3 - in.funct3 >= kEngineCount) return false;
  out.engine = static_cast<Engine>(funct3 - in.funct3);
  out.register_index = static_cast<std::uint8_t>(funct7);
  return funct7 + in.registers_written <= registers_of(*out.engine).size();
}

}  // namespace

std::optional<Decoded> identify(std::uint32_t word) {
  const unsigned opcode = word & 0x7f, rd = (word >> 7) & 31, funct3 = (word >> 12) & 7, funct7 = word >> 25;
  if (rd != 0) return std::nullopt;
  for (const InstructionInfo& in : instructions()) {
    Decoded out;
    if (in.opcode != opcode || !matches(in, funct3, funct7, out)) continue;
    out.instruction = in.instruction;
    out.rs1 = static_cast<std::uint8_t>((word >> 15) & 31);
    out.rs2 = static_cast<std::uint8_t>((word >> 20) & 31);
    if ((in.rs1.empty() && out.rs1 != 0) || (in.rs2.empty() && out.rs2 != 0)) return std::nullopt;
    return out;
  }
  return std::nullopt;
}

std::uint32_t encode(const Decoded& d) {
  const InstructionInfo& in = info(d.instruction);
  unsigned funct3 = in.funct3, funct7 = in.funct7;
  if (in.form == Form::Configure) {
    if (!d.engine) fail(ExitCode::Usage, "{}: no engine given", in.mnemonic);
    if (d.register_index + in.registers_written > registers_of(*d.engine).size())
      fail(ExitCode::Usage, "{}: {} has no register {}", in.mnemonic, to_string(*d.engine), d.register_index);
    funct3 += static_cast<unsigned>(*d.engine);
    funct7 = d.register_index;
  }
  if (d.rs1 > 31 || d.rs2 > 31 || (in.rs1.empty() && d.rs1 != 0) || (in.rs2.empty() && d.rs2 != 0))
    fail(ExitCode::Usage, "{}: rs1 = {}, rs2 = {} are not possible", in.mnemonic, d.rs1, d.rs2);
  return funct7 << 25 | unsigned{d.rs2} << 20 | unsigned{d.rs1} << 15 | funct3 << 12 | in.opcode;
}

std::string_view register_name(unsigned index) { return kRegisterNames.at(index); }

std::optional<std::string> disassemble(std::uint32_t word) {
  const auto decoded = identify(word);
  if (!decoded) return std::nullopt;
  const InstructionInfo& in = info(decoded->instruction);
  std::string text(in.mnemonic);
  if (in.form == Form::Configure)
    text += fmt::format(" {}.{},", to_string(*decoded->engine),
                        registers_of(*decoded->engine)[decoded->register_index].name);
  if (!in.rs1.empty()) text += fmt::format(" {}", register_name(decoded->rs1));
  if (!in.rs2.empty()) text += fmt::format(", {}", register_name(decoded->rs2));
  return text;
}

}  // namespace assay::isa
