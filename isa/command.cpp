#include "isa/command.hpp"

#include <fmt/format.h>

#include "isa/table.hpp"

namespace assay::isa {
namespace {

// Checks one 64-bit value against its fields. `prefix` names the register ("mxu.size."), or is empty.
std::optional<Fault> check_word(const InstructionInfo& in, Span<Field> fields, std::uint64_t word,
                                const std::string& holder, const std::string& prefix) {
  std::uint64_t stray = word;
  for (const Field& field : fields) {
    stray &= ~field.mask();
    const std::uint64_t bits = field.extract(word);
    if (const auto problem = problem_with(field, bits))
      return Fault{prefix + std::string(field.name), bits,
                   fmt::format("{}: {}{}", in.mnemonic, prefix, *problem)};
  }
  if (stray != 0)
    return Fault{holder, word,
                 fmt::format("{}: {} = {:#x} sets a bit outside every field", in.mnemonic, holder, word)};
  return std::nullopt;
}

}  // namespace

RegisterSnapshot reset_registers(Engine engine) {
  RegisterSnapshot values{};
  const Span<RegisterInfo> registers = registers_of(engine);
  for (std::size_t i = 0; i < registers.size(); ++i) values[i] = registers[i].reset;
  return values;
}

std::optional<Fault> check(Instruction instruction, const RawCommand& raw) {
  const InstructionInfo& in = info(instruction);
  if (auto fault = check_word(in, in.rs1, raw.rs1, "rs1", "")) return fault;
  if (auto fault = check_word(in, in.rs2, raw.rs2, "rs2", "")) return fault;
  if (!in.takes_registers) return std::nullopt;
  const Span<RegisterInfo> registers = registers_of(*in.engine);
  for (std::size_t i = 0; i < registers.size(); ++i) {
    const std::string holder = fmt::format("{}.{}", to_string(*in.engine), registers[i].name);
    if (auto fault = check_word(in, registers[i].fields, raw.registers[i], holder, holder + "."))
      return fault;
  }
  return std::nullopt;
}

std::variant<Command, Fault> unpack(Instruction instruction, const RawCommand& raw) {
  if (auto fault = check(instruction, raw)) return *std::move(fault);
  return generated::unpack(instruction, raw);
}

Instruction instruction_of(const Command& command) {
  return std::visit([](const auto& c) { return c.instruction; }, command);
}

std::optional<Engine> queue_of(const Command& command) {
  const InstructionInfo& in = info(instruction_of(command));
  if (in.form != Form::Queue) return in.engine;
  return std::get<SemaphoreCommand>(command).engine;
}

}  // namespace assay::isa
