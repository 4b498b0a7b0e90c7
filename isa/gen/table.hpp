// The instruction table as isagen reads it, and the checks that break the build.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace assay::isagen {

enum class Kind { Uint, Int, Flag, DType, Local, Hbm, Enum };

struct Code {
  std::string name;
  std::uint64_t value = 0;
};

// A named bit range of an operand or a register.
struct Field {
  int line = 0;
  std::string name;
  unsigned lsb = 0, width = 0;
  Kind kind = Kind::Uint;
  std::string enum_name;  // kind Enum
  std::int64_t min = 0;
  std::uint64_t max = 0;
  std::uint64_t align = 1;
  std::vector<Code> codes;  // the legal values, where they are a set and no range
  std::string doc;
};

struct Register {
  int line = 0;
  std::string name;
  std::uint64_t reset = 0;
  std::vector<Field> fields;
};

struct RegisterSet {
  int line = 0;
  std::string name;
  std::vector<std::string> engines;
  std::vector<Register> registers;
};

struct Enum {
  int line = 0;
  std::string name;
  std::string doc;
  std::vector<Code> codes;
};

struct Instruction {
  int line = 0;
  std::string mnemonic;
  std::string opcode_name;
  unsigned opcode = 0;
  // One word form; or a family of them: funct3 + engine code, funct7 = register index.
  unsigned funct3 = 0, funct7 = 0;
  unsigned family_registers = 0;  // registers that a configuration instruction writes; 0: no family
  std::string engine;             // an engine, "any" (named by an operand) or "host"
  std::string command;            // empty for a family
  std::string registers;          // register set, or empty
  std::vector<Field> rs1, rs2;
  std::vector<std::string> reads, writes;
  std::string doc;

  bool is_family() const { return family_registers != 0; }
};

struct Table {
  std::string file;
  unsigned isa_version = 0;
  std::vector<Enum> enums;
  std::vector<Instruction> instructions;
  std::vector<RegisterSet> sets;

  const Enum* find_enum(const std::string& name) const;
  const RegisterSet* find_set(const std::string& name) const;
  const RegisterSet* set_of_engine(const std::string& engine) const;
};

// Both throw Error(Usage), one line that names file, line and the entries at fault.
Table read_table(const std::string& path);
void check_table(const Table& table);

}  // namespace assay::isagen
