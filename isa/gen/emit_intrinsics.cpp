// assay_intrinsics.h: what a kernel includes. Freestanding C99 and C++17; no header but <stdint.h>.
#include <fmt/format.h>

#include "base/dtype.hpp"
#include "isa/gen/emit.hpp"

namespace assay::isagen {
namespace {

const char* c_type(const Field& field) {
  if (field.kind == Kind::Int) return field.width > 32 ? "int64_t" : "int32_t";
  return field.width > 32 ? "uint64_t" : "uint32_t";
}

std::string parameters(const std::vector<Field>& fields) {
  std::string text;
  for (const Field& f : fields) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", c_type(f), f.name);
  return text;
}

// The fields joined into one 64-bit value, each cut to its width.
std::string packed(const std::vector<Field>& fields) {
  std::string text;
  for (const Field& f : fields) {
    std::string value = fmt::format("(uint64_t){}", f.name);
    if (f.width < 64) value = fmt::format("({} & {:#x}u)", value, (1ULL << f.width) - 1);
    if (f.lsb != 0) value = fmt::format("({} << {})", value, f.lsb);
    text += (text.empty() ? "" : " | ") + value;
  }
  return text;
}

std::string emit_constants(const Table& table) {
  std::string text;
  const auto constant = [&](const std::string& group, const std::string& name, std::uint64_t value) {
    text += fmt::format("#define ASSAY_{}_{} {}u\n", group, name, value);
  };
  text += "/* Element types. */\n";
  for (const DType type : all_dtypes())
    constant("DTYPE", std::string(to_string(type)), static_cast<std::uint64_t>(type));
  for (const Enum& e : table.enums) {
    text += fmt::format("\n/* {} */\n", e.doc);
    std::string group;
    for (const char c : e.name) group += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    for (const Code& code : e.codes) constant(group, code.name, code.value);
  }
  return text + "\n";
}

std::string insn(const Instruction& in, unsigned funct3, unsigned funct7, const std::string& rs1,
                 const std::string& rs2, const char* clobbers) {
  std::string inputs;
  if (!rs1.empty()) inputs += fmt::format("\"rJ\"({})", rs1);
  if (!rs2.empty()) inputs += fmt::format("{}\"rJ\"({})", inputs.empty() ? "" : ", ", rs2);
  const char* first = rs1.empty() ? "x0" : "%z0";
  const char* second = rs2.empty() ? "x0" : rs1.empty() ? "%z0" : "%z1";
  return fmt::format("  __asm__ volatile(\".insn r {}, {}, {}, x0, {}, {}\" : : {}{});\n",
                     in.opcode == 0x0b ? "CUSTOM_0" : "CUSTOM_1", funct3, funct7, first, second, inputs,
                     clobbers);
}

// A function that joins fields into the value of a register or operand.
std::string emit_packer(const std::string& name, const std::vector<Field>& fields) {
  return fmt::format("ASSAY_PACKER uint64_t assay_pack_{}({}) {{\n  return {};\n}}\n", name,
                     parameters(fields), packed(fields));
}

// The packer of one operand, appended to `text`, and a call of it; nothing where the operand has no fields.
std::string pack_operand(const std::string& name, const std::vector<Field>& fields, std::string& text) {
  if (fields.empty()) return "";
  text += emit_packer(name, fields);
  std::string arguments;
  for (const Field& f : fields) arguments += (arguments.empty() ? "" : ", ") + f.name;
  return fmt::format("assay_pack_{}({})", name, arguments);
}

std::string emit_launch(const Instruction& in) {
  const std::string name = identifier(in.mnemonic);
  std::vector<Field> all = in.rs1;
  all.insert(all.end(), in.rs2.begin(), in.rs2.end());
  std::string text;
  const std::string rs1 = pack_operand(name + "_rs1", in.rs1, text),
                    rs2 = pack_operand(name + "_rs2", in.rs2, text);
  text += "/* " + in.doc;
  for (const Field& f : all) text += fmt::format("\n *   {}: {}", f.name, f.doc);
  text +=
      fmt::format(" */\nstatic inline void assay_{}({}) {{\n", name, all.empty() ? "void" : parameters(all));
  const char* clobbers = " : ASSAY_LAUNCH_CLOBBERS";
  if (in.engine == "any") clobbers = "";  // a semaphore's command
  if (in.engine == "host") clobbers = " : \"memory\"";
  return text + insn(in, in.funct3, in.funct7, rs1, rs2, clobbers) + "}\n";
}

std::string emit_configuration(const Instruction& in, const Code& engine, const RegisterSet& set) {
  std::string text;
  const bool pair = in.family_registers == 2;
  for (std::size_t i = 0; i + in.family_registers <= set.registers.size(); ++i)
    text += fmt::format("static inline void assay_{}_{}_{}(uint64_t value{}) {{\n", identifier(in.mnemonic),
                        engine.name, set.registers[i].name,
                        pair ? ", uint64_t next /* " + set.registers[i + 1].name + " */" : "") +
            insn(in, in.funct3 + static_cast<unsigned>(engine.value), static_cast<unsigned>(i), "value",
                 pair ? "next" : "", "") +
            "}\n";
  return text;
}

std::string emit_packers(const RegisterSet& set) {
  std::string text;
  for (const Register& reg : set.registers) {
    text += fmt::format("/* {}.{}:", set.name, reg.name);
    for (const Field& f : reg.fields) text += fmt::format("\n *   {}: {}", f.name, f.doc);
    text += " */\n" + emit_packer(set.name + "_" + reg.name, reg.fields);
  }
  return text + "\n";
}

}  // namespace

std::string emit_intrinsics(const Table& table) {
  std::string text =
      "/* Generated by isagen from isa/instructions.yaml: the AI instructions for kernels, C99 and C++17.\n"
      " * Do not edit.\n *\n"
      " * assay_pack_SET_REGISTER joins a register's fields; assay_cfg_ENGINE_REGISTER and assay_cfg2_... "
      "write one\n"
      " * register or two adjacent ones; every other function is one instruction. Fields are cut to their "
      "width,\n"
      " * never checked: the host traps on an illegal value when the command is launched. */\n"
      "#ifndef ASSAY_INTRINSICS_H\n#define ASSAY_INTRINSICS_H\n\n#include <stdint.h>\n\n"
      "#ifdef __cplusplus\n#define ASSAY_PACKER constexpr inline\n#else\n#define ASSAY_PACKER static "
      "inline\n#endif\n\n"
      "/* A launch orders the program's own loads and stores of tensors. A kernel that leaves them all to "
      "the engines\n"
      " * defines this as nothing before it includes the file, and keeps its variables in registers. */\n"
      "#ifndef ASSAY_LAUNCH_CLOBBERS\n#define ASSAY_LAUNCH_CLOBBERS \"memory\"\n#endif\n\n";
  text += emit_constants(table);
  for (const RegisterSet& set : table.sets) text += emit_packers(set);
  for (const Instruction& in : table.instructions) {
    if (!in.is_family()) {
      text += emit_launch(in);
      continue;
    }
    text += fmt::format("\n/* {} */\n", in.doc);
    for (const Code& engine : table.find_enum("engine")->codes)
      text += emit_configuration(in, engine, *table.set_of_engine(engine.name));
  }
  return text + "\n#undef ASSAY_PACKER\n#endif /* ASSAY_INTRINSICS_H */\n";
}

}  // namespace assay::isagen
