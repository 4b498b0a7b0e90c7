// What the host's next instruction will do to memory and registers, from the instruction and the registers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/host/host.hpp"
#include "core/host/instruction.hpp"

namespace assay::sim {

struct HostAccess {
  std::uint64_t address = 0;
  unsigned bytes = 0;
  bool reads = false, writes = false;
};

// A load, store or atomic; nothing for any other instruction.
std::optional<HostAccess> access_of(const core::Decoded& instruction, const core::Host& host);

// "a0=0x10", "fa0=0x3ff0000000000000", or empty where the instruction has no destination.
std::string destination_text(const core::Decoded& instruction, const core::Host& host);

// Host and AI instructions alike; "unknown" for neither.
std::string instruction_text(std::uint32_t raw, std::uint64_t pc);

// "illegal instruction", "load access fault"; "cause 24" is "AI operand fault".
std::string trap_text(std::uint64_t mcause);

}  // namespace assay::sim
