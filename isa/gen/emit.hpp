// The generated files, each as one text.
#pragma once

#include <string>

#include "isa/gen/table.hpp"

namespace assay::isagen {

std::string emit_commands_header(const Table& table);  // commands.hpp: enums and command structs
std::string emit_commands_source(const Table& table);  // commands.cpp: pack, unpack, names
std::string emit_tables(const Table& table);           // tables.hpp: descriptors of everything
std::string emit_intrinsics(const Table& table);       // assay_intrinsics.h: for kernels
std::string emit_markdown(const Table& table);         // isa.md
std::string emit_verilog(const Table& table);          // assay_isa.sv: for rtl/
std::string emit_markdown_source(const Table& table);  // markdown.cpp: the same, as a string

// --- Shared by the emitters ---

// "mxu.ws" -> "mxu_ws".
std::string identifier(const std::string& mnemonic);
// "vector_function" -> "VectorFunction".
std::string type_name(const std::string& name);
// Text as a C++ string literal, quotes included.
std::string quoted(const std::string& text);
// The commands in order of first use, each with its instructions.
struct CommandGroup {
  std::string name;
  const RegisterSet* set;  // or null
  std::vector<const Instruction*> instructions;
};
std::vector<CommandGroup> command_groups(const Table& table);

}  // namespace assay::isagen
