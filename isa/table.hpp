// The instruction table at run time: what each instruction, register and field is. Generated from
// isa/instructions.yaml, which says what the entries mean.
#pragma once

#include <optional>
#include <string_view>

#include "isa/field.hpp"
#include "isa/generated/commands.hpp"

namespace assay::isa {

enum class Form : std::uint8_t {
  Launch,     // appends a command to its engine's queue
  Queue,      // appends to the queue that its operand field `engine` names
  Host,       // acts on the host itself
  Configure,  // writes configuration registers; engine and register are in the word
};

struct InstructionInfo {
  Instruction instruction;
  std::string_view mnemonic;
  Form form;
  std::uint8_t opcode, funct3, funct7;   // Configure: funct3 + engine code, register index in funct7
  std::uint8_t registers_written;        // Configure: one or two
  std::optional<Engine> engine;          // Launch
  bool takes_registers;                  // the command holds a snapshot of the engine's registers
  Span<Field> rs1, rs2;                  // empty: the register field of the word is x0
  Span<std::string_view> reads, writes;  // memories
  std::string_view doc;
};

struct RegisterInfo {
  std::string_view name;
  std::uint64_t reset;
  Span<Field> fields;
};

Span<InstructionInfo> instructions();
const InstructionInfo& info(Instruction instruction);
Span<RegisterInfo> registers_of(Engine engine);

// The reference page of the instruction set, in Markdown.
std::string_view markdown();

}  // namespace assay::isa
