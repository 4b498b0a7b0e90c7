#include "isa/command_text.hpp"

#include <fmt/format.h>

#include "base/dtype.hpp"
#include "isa/address.hpp"
#include "isa/table.hpp"

namespace assay::isa {
namespace {

std::string value_text(const Field& field, std::uint64_t bits) {
  for (const Code& code : field.codes)
    if (code.value == bits && field.kind != FieldKind::Uint) return std::string(code.name);
  const LocalAddr local(static_cast<std::uint32_t>(bits));
  switch (field.kind) {
    case FieldKind::Int: return fmt::format("{}", sign_extend(bits, field.width));
    case FieldKind::Local: return fmt::format("{}+{:#x}", local.is_acc() ? "acc" : "spm", local.offset());
    case FieldKind::Hbm: return fmt::format("{:#x}", bits);
    default: return fmt::format("{}", bits);
  }
}

std::string fields_text(Span<Field> fields, std::uint64_t word, std::uint64_t but_not) {
  std::string text;
  for (const Field& field : fields)
    if (field.extract(word) != field.extract(but_not))
      text += fmt::format(" {}={}", field.name, value_text(field, field.extract(word)));
  return text;
}

}  // namespace

std::string describe(const Command& command) {
  const InstructionInfo& in = info(instruction_of(command));
  const RawCommand raw = pack(command);
  std::string text(in.mnemonic);
  text += fields_text(in.rs1, raw.rs1, ~raw.rs1) + fields_text(in.rs2, raw.rs2, ~raw.rs2);
  if (!in.takes_registers) return text;
  const Span<RegisterInfo> registers = registers_of(*in.engine);
  for (std::size_t i = 0; i < registers.size(); ++i)
    text += fields_text(registers[i].fields, raw.registers[i], registers[i].reset);
  return text;
}

}  // namespace assay::isa
