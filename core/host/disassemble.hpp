// Host instructions as text, in the spelling of GNU objdump: ABI register names, pseudo-instructions where
// they apply, compressed instructions as what they stand for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/host/instruction.hpp"

namespace assay::core {

// ABI names of the floating-point registers: "ft0", ... for 0..31.
std::string_view float_register_name(unsigned index);

// One instruction: a 32-bit word, or a halfword in the low bits. `pc` is its address; the targets of jumps
// and branches are printed as absolute hexadecimal addresses. "unknown" for anything that is no host
// instruction, the AI instructions among them.
std::string disassemble(std::uint32_t raw, std::uint64_t pc);

}  // namespace assay::core
