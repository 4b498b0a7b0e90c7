#include "sim/debug/host_access.hpp"

#include <fmt/format.h>

#include "core/host/csr.hpp"
#include "core/host/disassemble.hpp"
#include "isa/encoding.hpp"

namespace assay::sim {
std::optional<HostAccess> access_of(const core::Decoded& d, const core::Host& host) {
  if (d.id == core::Rv::count) return std::nullopt;
  const core::CostClass cost = core::row(d.id).cost;
  const bool atomic = cost == core::CostClass::Atomic;
  if (cost != core::CostClass::Load && cost != core::CostClass::Store && !atomic) return std::nullopt;
  HostAccess access;
  access.bytes = 1U << (d.word >> 12 & 3);  // funct3: the width, its top bit says unsigned
  access.address = host.x(d.rs1);
  if (!atomic) access.address += static_cast<std::uint64_t>(std::int64_t{d.imm});
  const std::string_view mnemonic = core::row(d.id).mnemonic;
  access.reads = cost == core::CostClass::Load || (atomic && mnemonic.substr(0, 2) != "sc");
  access.writes = cost == core::CostClass::Store || (atomic && mnemonic.substr(0, 2) != "lr");
  return access;
}

std::string destination_text(const core::Decoded& d, const core::Host& host) {
  if (d.id == core::Rv::count) return {};
  const core::InstructionRow& row = core::row(d.id);
  if (core::has_operand(row, 'D'))
    return fmt::format("{}={:#x}", core::float_register_name(d.rd), host.f(d.rd));
  if (core::has_operand(row, 'd') && d.rd != 0)
    return fmt::format("{}={:#x}", isa::register_name(d.rd), host.x(d.rd));
  return {};
}

std::string instruction_text(std::uint32_t raw, std::uint64_t pc) {
  if (const auto ai = isa::disassemble(raw)) return *ai;
  return core::disassemble(raw, pc);
}

std::string trap_text(std::uint64_t mcause) {
  switch (mcause) {
    case core::kFetchFault: return "instruction access fault";
    case core::kIllegalInstruction: return "illegal instruction";
    case core::kBreakpoint: return "breakpoint";
    case core::kLoadMisaligned: return "misaligned load";
    case core::kLoadFault: return "load access fault";
    case core::kStoreMisaligned: return "misaligned store";
    case core::kStoreFault: return "store access fault";
    case core::kMachineEcall: return "environment call";
    case core::kAiOperandFault: return "AI operand fault";
    case core::kSoftwareInterrupt: return "software interrupt";
    case core::kTimerInterrupt: return "timer interrupt";
    default: return fmt::format("cause {:#x}", mcause);
  }
}

}  // namespace assay::sim
