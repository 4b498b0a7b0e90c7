// commands.hpp and commands.cpp: the typed side of the instruction set.
#include <fmt/format.h>

#include <set>

#include "isa/gen/emit.hpp"

namespace assay::isagen {
namespace {

std::string cpp_type(const Field& field) {
  switch (field.kind) {
    case Kind::Uint: return field.width > 32 ? "std::uint64_t" : "std::uint32_t";
    case Kind::Int: return "std::int64_t";
    case Kind::Flag: return "bool";
    case Kind::DType: return "DType";
    case Kind::Local: return "LocalAddr";
    case Kind::Hbm: return "HbmAddr";
    case Kind::Enum: return type_name(field.enum_name);
  }
  return "";
}

// The member's value from the 64-bit word that holds the field.
std::string from_bits(const Field& field, const std::string& word) {
  const std::string bits = fmt::format("bits({}, {}, {})", word, field.lsb, field.width);
  switch (field.kind) {
    case Kind::Int: return fmt::format("sign_extend({}, {})", bits, field.width);
    case Kind::Flag: return bits + " != 0";
    case Kind::Local: return fmt::format("LocalAddr(static_cast<std::uint32_t>({}))", bits);
    case Kind::Hbm: return fmt::format("HbmAddr({})", bits);
    default: return fmt::format("static_cast<{}>({})", cpp_type(field), bits);
  }
}

std::string to_bits(const Field& field) {
  const bool address = field.kind == Kind::Local || field.kind == Kind::Hbm;
  return fmt::format("place(c.{}{}, {}, {})", field.name, address ? ".raw()" : "", field.lsb, field.width);
}

// One member per field name, operands first.
std::vector<const Field*> members(const CommandGroup& group) {
  std::vector<const Field*> list;
  std::set<std::string> seen;
  const auto add = [&](const std::vector<Field>& fields) {
    for (const Field& field : fields)
      if (seen.insert(field.name).second) list.push_back(&field);
  };
  for (const Instruction* in : group.instructions) {
    add(in->rs1);
    add(in->rs2);
  }
  if (group.set != nullptr)
    for (const Register& reg : group.set->registers) add(reg.fields);
  return list;
}

std::string emit_enum(const Enum& e) {
  std::string text = fmt::format("// {}\nenum class {} : std::uint8_t {{\n", e.doc, type_name(e.name));
  for (const Code& code : e.codes) text += fmt::format("  {} = {},\n", code.name, code.value);
  return text + fmt::format("}};\nstd::string_view to_string({} value);\n\n", type_name(e.name));
}

std::string emit_register_enum(const RegisterSet& set) {
  std::string text = fmt::format("// Indices of the {} registers.\nenum class {}Register : std::uint8_t {{\n",
                                 set.name, type_name(set.name));
  for (std::size_t i = 0; i < set.registers.size(); ++i)
    text += fmt::format("  {} = {},\n", set.registers[i].name, i);
  return text + "};\n\n";
}

std::string emit_struct(const CommandGroup& group) {
  std::string names;
  for (const Instruction* in : group.instructions) names += (names.empty() ? "" : ", ") + in->mnemonic;
  std::string text =
      fmt::format("// {}. Members that the instruction has no operand for are 0.\nstruct {}Command {{\n",
                  names, type_name(group.name));
  text += fmt::format("  Instruction instruction = Instruction::{};\n",
                      identifier(group.instructions[0]->mnemonic));
  for (const Field* field : members(group))
    text += fmt::format("  {} {}{{}};  // {}\n", cpp_type(*field), field->name, field->doc);
  return text + "};\n\n";
}

std::string emit_unpack(const CommandGroup& group) {
  const std::string type = type_name(group.name) + "Command";
  std::string text = fmt::format("{} unpack_{}(Instruction instruction, const RawCommand& raw) {{\n  {} c;\n",
                                 type, group.name, type);
  text += "  c.instruction = instruction;\n  switch (instruction) {\n";
  for (const Instruction* in : group.instructions) {
    text += fmt::format("    case Instruction::{}:\n", identifier(in->mnemonic));
    for (const Field& f : in->rs1) text += fmt::format("      c.{} = {};\n", f.name, from_bits(f, "raw.rs1"));
    for (const Field& f : in->rs2) text += fmt::format("      c.{} = {};\n", f.name, from_bits(f, "raw.rs2"));
    text += "      break;\n";
  }
  text += "    default: break;\n  }\n";
  if (group.set != nullptr)
    for (std::size_t i = 0; i < group.set->registers.size(); ++i)
      for (const Field& f : group.set->registers[i].fields)
        text += fmt::format("  c.{} = {};\n", f.name, from_bits(f, fmt::format("raw.registers[{}]", i)));
  return text + "  return c;\n}\n\n";
}

std::string joined_bits(const std::vector<Field>& fields) {
  std::string text;
  for (const Field& f : fields) text += (text.empty() ? "" : " | ") + to_bits(f);
  return text;
}

std::string emit_pack(const CommandGroup& group) {
  std::string text =
      fmt::format("RawCommand pack_one(const {}Command& c) {{\n  RawCommand raw;\n", type_name(group.name));
  text += "  switch (c.instruction) {\n";
  for (const Instruction* in : group.instructions) {
    text += fmt::format("    case Instruction::{}:\n", identifier(in->mnemonic));
    if (!in->rs1.empty()) text += fmt::format("      raw.rs1 = {};\n", joined_bits(in->rs1));
    if (!in->rs2.empty()) text += fmt::format("      raw.rs2 = {};\n", joined_bits(in->rs2));
    text += "      break;\n";
  }
  text += "    default: break;\n  }\n";
  if (group.set != nullptr)
    for (std::size_t i = 0; i < group.set->registers.size(); ++i)
      text += fmt::format("  raw.registers[{}] = {};\n", i, joined_bits(group.set->registers[i].fields));
  return text + "  return raw;\n}\n\n";
}

std::string emit_to_string(const std::string& type,
                           const std::vector<std::pair<std::string, std::string>>& names) {
  std::string text = fmt::format("std::string_view to_string({} value) {{\n  switch (value) {{\n", type);
  for (const auto& [enumerator, name] : names)
    text += fmt::format("    case {}::{}: return {};\n", type, enumerator, quoted(name));
  return text + "  }\n  return \"?\";\n}\n\n";
}

std::string emit_names(const Table& table) {
  std::string text;
  for (const Enum& e : table.enums) {
    std::vector<std::pair<std::string, std::string>> names;
    for (const Code& code : e.codes) names.emplace_back(code.name, code.name);
    text += emit_to_string(type_name(e.name), names);
  }
  std::vector<std::pair<std::string, std::string>> names;
  for (const Instruction& in : table.instructions) names.emplace_back(identifier(in.mnemonic), in.mnemonic);
  return text + emit_to_string("Instruction", names);
}

std::size_t max_registers(const Table& table) {
  std::size_t most = 0;
  for (const RegisterSet& set : table.sets) most = std::max(most, set.registers.size());
  return most;
}

}  // namespace

std::string emit_commands_header(const Table& table) {
  std::string text =
      "// Generated by isagen from isa/instructions.yaml: the AI instructions as C++ types. Do not edit.\n"
      "#pragma once\n\n#include <cstdint>\n#include <string_view>\n#include <variant>\n\n"
      "#include \"base/dtype.hpp\"\n#include \"isa/address.hpp\"\n\nnamespace assay::isa {\n\n";
  text += fmt::format("inline constexpr unsigned kIsaVersion = {};\n", table.isa_version);
  text +=
      "static_assert(kIsaVersion == ASSAY_ISA_VERSION, \"isa/abi.h and isa/instructions.yaml differ\");\n\n";
  for (const Enum& e : table.enums) text += emit_enum(e);
  text +=
      fmt::format("inline constexpr unsigned kEngineCount = {};\n", table.find_enum("engine")->codes.size());
  text += fmt::format("inline constexpr unsigned kMaxRegisters = {};  // of one engine\n\n",
                      max_registers(table));
  text += "enum class Instruction : std::uint8_t {\n";
  for (const Instruction& in : table.instructions) text += fmt::format("  {},\n", identifier(in.mnemonic));
  text += "};\nstd::string_view to_string(Instruction value);  // its mnemonic\n\n";
  for (const RegisterSet& set : table.sets) text += emit_register_enum(set);
  std::string variants;
  for (const CommandGroup& group : command_groups(table)) {
    text += emit_struct(group);
    variants += (variants.empty() ? "" : ", ") + type_name(group.name) + "Command";
  }
  return text + fmt::format("using Command = std::variant<{}>;\n\n}}  // namespace assay::isa\n", variants);
}

std::string emit_commands_source(const Table& table) {
  std::string text =
      "// Generated by isagen from isa/instructions.yaml. Do not edit.\n"
      "#include \"isa/command.hpp\"\n#include \"isa/field.hpp\"\n\nnamespace assay::isa {\nnamespace {\n\n"
      "std::uint64_t bits(std::uint64_t word, unsigned lsb, unsigned width) {\n"
      "  return (word >> lsb) & (width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1);\n}\n\n"
      "template <typename T>\nstd::uint64_t place(T value, unsigned lsb, unsigned width) {\n"
      "  return bits(static_cast<std::uint64_t>(value), 0, width) << lsb;\n}\n\n";
  std::string cases;
  for (const CommandGroup& group : command_groups(table)) {
    text += emit_unpack(group) + emit_pack(group);
    for (const Instruction* in : group.instructions)
      cases += fmt::format("    case Instruction::{}:\n", identifier(in->mnemonic));
    cases += fmt::format("      return unpack_{}(instruction, raw);\n", group.name);
  }
  text += "}  // namespace\n\n" + emit_names(table);
  text +=
      "RawCommand pack(const Command& command) {\n"
      "  return std::visit([](const auto& c) { return pack_one(c); }, command);\n}\n\n";
  text +=
      "namespace generated {\n\nCommand unpack(Instruction instruction, const RawCommand& raw) {\n"
      "  switch (instruction) {\n" +
      cases + "    default: break;\n  }\n  return {};\n}\n\n}  // namespace generated\n";
  return text + "}  // namespace assay::isa\n";
}

}  // namespace assay::isagen
