// Instruction words of custom-0 and custom-1: encode, identify, disassemble. Register numbers are those
// of the host's integer registers, 0..31.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "isa/generated/commands.hpp"

namespace assay::isa {

struct Decoded {
  Instruction instruction{};
  std::uint8_t rs1 = 0, rs2 = 0;  // 0 where the instruction has no such operand
  // Launch: its engine. Configuration: the engine whose register is written. Otherwise absent.
  std::optional<Engine> engine;
  std::uint8_t register_index = 0;  // Configuration: the (first) register written
};

// The inverse of identify. Throws Error(Usage) where identify could not give `decoded` back: a register
// number beyond 31, an operand that the instruction lacks, an engine or a register that does not exist.
std::uint32_t encode(const Decoded& decoded);

// Nothing when the word is no AI instruction: unknown functs, rd or an unused source register other than x0,
// a configuration register that the engine lacks.
std::optional<Decoded> identify(std::uint32_t word);

std::string_view register_name(
    unsigned index);  // ABI names of the host's registers: "zero", "ra", ... for 0..31

// "mxu.ws a0, a1", "cfg2 mxu.size, a2, a3".
std::optional<std::string> disassemble(std::uint32_t word);

}  // namespace assay::isa
