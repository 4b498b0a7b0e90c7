// From register values to a typed, validated command, and back.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "isa/generated/commands.hpp"

namespace assay::isa {

// The configuration registers of one engine; entries beyond its register count are 0.
using RegisterSnapshot = std::array<std::uint64_t, kMaxRegisters>;
RegisterSnapshot reset_registers(Engine engine);

// What a launch sees: the values of its two source registers and its engine's configuration.
struct RawCommand {
  std::uint64_t rs1 = 0, rs2 = 0;
  RegisterSnapshot registers{};
};

// An operand or register value that is not legal: the host traps (cause 24) with mtval = value.
struct Fault {
  std::string field;        // "mxu.size.k", or "mxu.size" for a bit outside every field
  std::uint64_t value = 0;  // the field's bits, right-aligned; the whole operand or register for stray bits
  std::string message;      // one line: "mxu.ws: mxu.size.k = 0 is outside 1..16777215"
};

// Every field of the operands and of the registers, checked in the order of the table. The instruction is
// no configuration instruction.
std::variant<Command, Fault> unpack(Instruction instruction, const RawCommand& raw);
// The check alone.
std::optional<Fault> check(Instruction instruction, const RawCommand& raw);

// The inverse of unpack: pack(c) unpacks to c when every member is legal; bits beyond a field are dropped.
RawCommand pack(const Command& command);

// The engine in whose queue the command waits; none for a fence.
std::optional<Engine> queue_of(const Command& command);
Instruction instruction_of(const Command& command);

namespace generated {  // without any check, from isagen
Command unpack(Instruction instruction, const RawCommand& raw);
}  // namespace generated

}  // namespace assay::isa
