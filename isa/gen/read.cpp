// YAML to Table: syntax, keys and the legality of each value alone.
#include <algorithm>
#include <limits>

#include "base/dtype.hpp"
#include "base/suggest.hpp"
#include "base/yaml.hpp"
#include "isa/gen/table.hpp"

namespace assay::isagen {
namespace {

const std::vector<std::string> kKindNames{"uint", "int", "flag", "dtype", "local", "hbm"};
constexpr Kind kPlainKinds[] = {Kind::Uint, Kind::Int, Kind::Flag, Kind::DType, Kind::Local, Kind::Hbm};

std::uint64_t all_ones(unsigned width) { return width == 64 ? ~0ULL : (1ULL << width) - 1; }

void read_bits(const YamlMap& map, Field& field) {
  unsigned high = 0, low = 0;
  char rest = 0;
  const std::string text = map.text("bits");
  if (std::sscanf(text.c_str(), "%2u:%2u%c", &high, &low, &rest) != 2 || high < low || high > 63)
    map.complain("bits", "'{}' is no bit range \"high:low\" within 63:0", text);
  field.lsb = low;
  field.width = high - low + 1;
}

void read_kind(const YamlMap& map, const Table& table, Field& field) {
  if (!map.has("type")) return;
  const std::string name = map.text("type");
  const auto plain = std::find(kKindNames.begin(), kKindNames.end(), name);
  if (plain != kKindNames.end()) {
    field.kind = kPlainKinds[plain - kKindNames.begin()];
    return;
  }
  const Enum* found = table.find_enum(name);
  if (found == nullptr) {
    std::vector<std::string> valid = kKindNames;
    for (const Enum& e : table.enums) valid.push_back(e.name);
    map.complain("type", "unknown type '{}'; {}", name, expected_one_of(name, valid));
  }
  field.kind = Kind::Enum;
  field.enum_name = name;
  field.codes = found->codes;
}

void read_values(const YamlMap& map, Field& field) {
  if (field.kind == Kind::DType)
    for (const DType type : engine_dtypes())
      field.codes.push_back({std::string(to_string(type)), static_cast<std::uint64_t>(type)});
  if (!map.has("values")) return;
  const std::vector<std::string> names = map.list("values");
  if (field.kind == Kind::DType) {
    for (const std::string& name : names)
      parse_dtype(name, fmt::format("{}:{}", map.file(), map.line("values")));
    const auto illegal = [&](const Code& c) {
      return std::find(names.begin(), names.end(), c.name) == names.end();
    };
    field.codes.erase(std::remove_if(field.codes.begin(), field.codes.end(), illegal), field.codes.end());
  } else if (field.kind == Kind::Uint) {
    for (const YAML::Node& item : map.at("values"))
      field.codes.push_back({item.Scalar(), item.as<std::uint64_t>()});
  } else {
    map.complain("values", "only a dtype or a uint has a list of values");
  }
}

void read_range(const YamlMap& map, Field& field) {
  const bool is_signed = field.kind == Kind::Int;
  const std::uint64_t ones = all_ones(field.width);
  field.max = is_signed ? ones >> 1 : ones;
  field.min = is_signed ? -static_cast<std::int64_t>(ones >> 1) - 1 : 0;
  if ((map.has("min") || map.has("max")) && field.kind != Kind::Uint && !is_signed)
    map.complain(map.has("min") ? "min" : "max", "only a uint or an int has a range");
  if (map.has("min")) {
    const std::int64_t min = map.signed_integer("min");
    if (min < field.min || (min > 0 && static_cast<std::uint64_t>(min) > field.max))
      map.complain("min", "{} does not fit {} bits", min, field.width);
    field.min = min;
  }
  if (map.has("max")) {
    const std::uint64_t max = map.unsigned_integer("max");
    if (max > field.max) map.complain("max", "{} does not fit {} bits", max, field.width);
    if (field.min > 0 && max < static_cast<std::uint64_t>(field.min))
      map.complain("max", "{} is below min", max);
    field.max = max;
  }
  if (map.has("align")) field.align = map.unsigned_integer("align");
  if (field.align == 0 || (field.align & (field.align - 1)) != 0) map.complain("align", "no power of two");
  for (const Code& code : field.codes)
    if (code.value > ones)
      map.complain("bits", "value {} = {} does not fit {} bits", code.name, code.value, field.width);
}

Field read_field(const YAML::Node& node, const Table& table, const std::string& owner) {
  const YamlMap map(node, table.file, owner + " field",
                    {"name", "bits", "type", "min", "max", "align", "values", "doc"});
  Field field;
  field.line = map.line();
  field.name = map.text("name");
  field.doc = map.text("doc");
  read_bits(map, field);
  read_kind(map, table, field);
  if (field.kind == Kind::Flag && field.width != 1) map.complain("bits", "a flag is one bit");
  if (field.kind == Kind::Local && field.width != 32) map.complain("bits", "a local address is 32 bits");
  if (field.kind == Kind::Hbm && field.width != 64) map.complain("bits", "an HBM address is 64 bits");
  read_values(map, field);
  read_range(map, field);
  return field;
}

std::vector<Field> read_fields(const YAML::Node& list, const Table& table, const std::string& owner) {
  std::vector<Field> fields;
  for (const YAML::Node& node : list) fields.push_back(read_field(node, table, owner));
  return fields;
}

// funct3 and funct7: a number, or {engine: base} and {register: count} for a family.
void read_functs(const YamlMap& map, Instruction& instruction) {
  const YAML::Node funct3 = map.at("funct3"), funct7 = map.at("funct7");
  if (funct3.IsMap() != funct7.IsMap())
    map.complain("funct7", "a family has {{engine: N}} and {{register: N}}");
  std::uint64_t three = 0, seven = 0;
  if (funct3.IsMap()) {
    three = YamlMap(funct3, map.file(), map.what() + ".funct3", {"engine"}).unsigned_integer("engine");
    const YamlMap family(funct7, map.file(), map.what() + ".funct7", {"register"});
    instruction.family_registers = static_cast<unsigned>(family.unsigned_integer("register"));
    if (instruction.family_registers == 0 || instruction.family_registers > 2)
      family.complain("register", "a configuration instruction writes one register or two");
  } else {
    three = map.unsigned_integer("funct3");
    seven = map.unsigned_integer("funct7");
  }
  if (three > 7) map.complain("funct3", "{} does not fit 3 bits", three);
  if (seven > 127) map.complain("funct7", "{} does not fit 7 bits", seven);
  instruction.funct3 = static_cast<unsigned>(three);
  instruction.funct7 = static_cast<unsigned>(seven);
}

Instruction read_instruction(const YAML::Node& node, const Table& table) {
  const YamlMap map(node, table.file, "instruction",
                    {"mnemonic", "opcode", "funct3", "funct7", "engine", "command", "registers", "rs1", "rs2",
                     "reads", "writes", "doc"});
  Instruction instruction;
  instruction.line = map.line();
  instruction.mnemonic = map.text("mnemonic");
  instruction.opcode_name = map.text("opcode");
  if (instruction.opcode_name == "custom-0") instruction.opcode = 0x0b;
  else if (instruction.opcode_name == "custom-1") instruction.opcode = 0x2b;
  else map.complain("opcode", "'{}' is neither custom-0 nor custom-1", instruction.opcode_name);
  read_functs(map, instruction);
  instruction.engine = map.text("engine");
  if (!instruction.is_family()) instruction.command = map.text("command");
  if (map.has("registers")) instruction.registers = map.text("registers");
  instruction.rs1 = read_fields(map.at("rs1"), table, instruction.mnemonic + " rs1");
  instruction.rs2 = read_fields(map.at("rs2"), table, instruction.mnemonic + " rs2");
  instruction.reads = map.list("reads");
  instruction.writes = map.list("writes");
  instruction.doc = map.text("doc");
  return instruction;
}

RegisterSet read_set(const YAML::Node& node, const Table& table) {
  const YamlMap map(node, table.file, "register set", {"name", "engines", "registers"});
  RegisterSet set;
  set.line = map.line();
  set.name = map.text("name");
  set.engines = map.list("engines");
  for (const YAML::Node& entry : map.at("registers")) {
    const YamlMap reg_map(entry, table.file, set.name + " register", {"name", "reset", "fields"});
    Register reg;
    reg.line = reg_map.line();
    reg.name = reg_map.text("name");
    if (reg_map.has("reset")) reg.reset = reg_map.unsigned_integer("reset");
    reg.fields = read_fields(reg_map.at("fields"), table, set.name + "." + reg.name);
    set.registers.push_back(std::move(reg));
  }
  return set;
}

Enum read_enum(const std::string& name, const YAML::Node& node, const std::string& file) {
  const YamlMap map(node, file, "enum " + name, {"doc", "values"});
  Enum result;
  result.line = map.line();
  result.name = name;
  result.doc = map.text("doc");
  for (const auto& entry : map.at("values"))
    result.codes.push_back({entry.first.Scalar(), entry.second.as<std::uint64_t>()});
  return result;
}

}  // namespace

const Enum* Table::find_enum(const std::string& name) const {
  for (const Enum& e : enums)
    if (e.name == name) return &e;
  return nullptr;
}

const RegisterSet* Table::find_set(const std::string& name) const {
  for (const RegisterSet& set : sets)
    if (set.name == name) return &set;
  return nullptr;
}

const RegisterSet* Table::set_of_engine(const std::string& engine) const {
  for (const RegisterSet& set : sets)
    if (std::find(set.engines.begin(), set.engines.end(), engine) != set.engines.end()) return &set;
  return nullptr;
}

Table read_table(const std::string& path) {
  Table table;
  table.file = path;
  const YamlMap root(load_yaml(path), path, "table",
                     {"isa_version", "enums", "instructions", "register_sets"});
  table.isa_version = static_cast<unsigned>(root.unsigned_integer("isa_version"));
  try {
    for (const auto& entry : root.at("enums"))
      table.enums.push_back(read_enum(entry.first.Scalar(), entry.second, path));
    for (const YAML::Node& node : root.at("instructions"))
      table.instructions.push_back(read_instruction(node, table));
    for (const YAML::Node& node : root.at("register_sets")) table.sets.push_back(read_set(node, table));
  } catch (const YAML::Exception& e) {
    fail(ExitCode::Usage, "{}:{}: {}", path, e.mark.line + 1, e.msg);
  }
  return table;
}

}  // namespace assay::isagen
