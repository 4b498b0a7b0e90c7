// assay_isa.sv: the package through which RTL knows the instruction set.
#include <fmt/format.h>

#include <set>

#include "base/dtype.hpp"
#include "isa/gen/emit.hpp"

namespace assay::isagen {
namespace {

std::string emit_widths(const CommandGroup& group) {
  std::string text;
  std::set<std::string> seen;
  const auto add = [&](const std::vector<Field>& fields) {
    for (const Field& field : fields)
      if (seen.insert(field.name).second)
        text += fmt::format("  localparam int {}_{}_bits = {};\n", group.name, field.name, field.width);
  };
  for (const Instruction* in : group.instructions) {
    add(in->rs1);
    add(in->rs2);
  }
  if (group.set != nullptr)
    for (const Register& reg : group.set->registers) add(reg.fields);
  return text;
}

}  // namespace

std::string emit_verilog(const Table& table) {
  std::string text = "// Made by isagen from the instruction table.\npackage assay_isa;\n";
  text += "  // Codes of the element types.\n";
  for (const DType type : engine_dtypes())
    text += fmt::format("  localparam logic [3:0] dtype_{} = {};\n", to_string(type), static_cast<int>(type));
  text += "  // Codes of the other enumerations.\n";
  for (const Enum& e : table.enums)
    for (const Code& code : e.codes)
      text += fmt::format("  localparam logic [3:0] {}_{} = {};\n", e.name, code.name, code.value);
  for (const CommandGroup& group : command_groups(table))
    text += fmt::format("  // Bits of each field of a {} command.\n{}", group.name, emit_widths(group));
  return text + "endpackage\n";
}

}  // namespace assay::isagen
