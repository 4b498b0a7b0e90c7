// What must hold between the entries of the table.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/error.hpp"
#include "base/suggest.hpp"
#include "isa/gen/table.hpp"

namespace assay::isagen {
namespace {

class Checker {
 public:
  explicit Checker(const Table& table) : table_(table) {}

  void run() const {
    check_enums();
    check_engines();
    for (const RegisterSet& set : table_.sets) check_set(set);
    for (const Instruction& instruction : table_.instructions) check_instruction(instruction);
    check_mnemonics();
    check_encodings();
    check_commands();
  }

 private:
  template <typename... Args>
  [[noreturn]] void complain(int line, fmt::format_string<Args...> format, Args&&... args) const {
    fail(ExitCode::Usage, "{}:{}: {}", table_.file, line, fmt::format(format, std::forward<Args>(args)...));
  }

  const Enum& engines() const {
    const Enum* found = table_.find_enum("engine");
    if (found == nullptr) complain(1, "the table has no enum 'engine'");
    return *found;
  }

  void check_enums() const {
    for (const Enum& e : table_.enums) {
      std::map<std::uint64_t, std::string> by_code;
      std::set<std::string> names;
      for (const Code& code : e.codes) {
        if (!names.insert(code.name).second)
          complain(e.line, "enum {}: '{}' is given twice", e.name, code.name);
        const auto [other, fresh] = by_code.emplace(code.value, code.name);
        if (!fresh)
          complain(e.line, "enum {}: {} and {} share code {}", e.name, other->second, code.name, code.value);
      }
    }
  }

  // Each engine needs a code that fits both configuration families, and one register set.
  void check_engines() const {
    std::map<std::string, std::string> owner;
    for (const RegisterSet& set : table_.sets)
      for (const std::string& engine : set.engines) {
        require_engine(set.line, engine);
        const auto [other, fresh] = owner.emplace(engine, set.name);
        if (!fresh)
          complain(set.line, "register sets {} and {} both serve engine {}", other->second, set.name, engine);
      }
    for (const Code& engine : engines().codes)
      if (owner.count(engine.name) == 0)
        complain(engines().line, "engine {} has no register set", engine.name);
  }

  void require_engine(int line, const std::string& name) const {
    std::vector<std::string> names;
    for (const Code& code : engines().codes) names.push_back(code.name);
    if (std::find(names.begin(), names.end(), name) == names.end())
      complain(line, "unknown engine '{}'; {}", name, expected_one_of(name, names));
  }

  void check_overlaps(const std::vector<Field>& fields, const std::string& owner) const {
    std::array<const Field*, 64> at{};
    for (const Field& field : fields)
      for (unsigned bit = field.lsb; bit < field.lsb + field.width; ++bit) {
        if (at[bit] != nullptr)
          complain(field.line, "{}: fields {} and {} overlap at bit {}", owner, at[bit]->name, field.name,
                   bit);
        at[bit] = &field;
      }
  }

  void check_set(const RegisterSet& set) const {
    if (set.registers.size() > 128) complain(set.line, "register set {}: more than 128 registers", set.name);
    std::set<std::string> names, field_names;
    for (const Register& reg : set.registers) {
      const std::string owner = set.name + "." + reg.name;
      if (!names.insert(reg.name).second) complain(reg.line, "register {} is given twice", owner);
      check_overlaps(reg.fields, owner);
      std::uint64_t covered = 0;
      for (const Field& field : reg.fields) {
        covered |= (field.width == 64 ? ~0ULL : (1ULL << field.width) - 1) << field.lsb;
        if (!field_names.insert(field.name).second)
          complain(field.line, "{}: field {} is given twice in set {}", owner, field.name, set.name);
      }
      if ((reg.reset & ~covered) != 0)
        complain(reg.line, "register {}: reset value {:#x} sets a bit outside every field", owner, reg.reset);
    }
  }

  void check_instruction(const Instruction& in) const {
    check_overlaps(in.rs1, in.mnemonic + " rs1");
    check_overlaps(in.rs2, in.mnemonic + " rs2");
    if (in.engine != "any" && in.engine != "host") require_engine(in.line, in.engine);
    if (!in.registers.empty()) {
      const RegisterSet* set = table_.find_set(in.registers);
      if (set == nullptr) complain(in.line, "{}: unknown register set '{}'", in.mnemonic, in.registers);
      if (table_.set_of_engine(in.engine) != set)
        complain(in.line, "{}: register set {} does not serve engine {}", in.mnemonic, set->name, in.engine);
    }
    if (in.engine == "any" && !has_engine_operand(in))
      complain(in.line, "{}: engine 'any' needs an operand field 'engine' of type engine", in.mnemonic);
    if (in.is_family())
      for (const Code& engine : engines().codes)
        if (in.funct3 + engine.value > 7)
          complain(in.line, "{}: engine {} does not fit funct3", in.mnemonic, engine.name);
  }

  static bool has_engine_operand(const Instruction& in) {
    const auto matches = [](const Field& f) { return f.name == "engine" && f.enum_name == "engine"; };
    return std::any_of(in.rs1.begin(), in.rs1.end(), matches);
  }

  void check_mnemonics() const {
    std::set<std::string> seen;
    for (const Instruction& in : table_.instructions)
      if (!seen.insert(in.mnemonic).second) complain(in.line, "mnemonic {} is given twice", in.mnemonic);
  }

  // Every word form has one owner; a family owns all 128 register indices of its engines.
  void check_encodings() const {
    std::map<std::array<unsigned, 3>, const Instruction*> owner;
    const auto claim = [&](const Instruction& in, unsigned funct3, unsigned funct7) {
      const auto [other, fresh] = owner.emplace(std::array{in.opcode, funct3, funct7}, &in);
      if (!fresh)
        complain(in.line, "{} and {} (line {}) overlap: {} funct3 {} funct7 {}", in.mnemonic,
                 other->second->mnemonic, other->second->line, in.opcode_name, funct3, funct7);
    };
    for (const Instruction& in : table_.instructions) {
      if (!in.is_family()) {
        claim(in, in.funct3, in.funct7);
        continue;
      }
      for (const Code& engine : engines().codes)
        for (unsigned funct7 = 0; funct7 < 128; ++funct7)
          claim(in, in.funct3 + static_cast<unsigned>(engine.value), funct7);
    }
  }

  // A command struct joins the operands of its instructions and their registers: one name, one type.
  void check_commands() const {
    struct Member {
      const Field* field;
      const Instruction* from;
    };
    std::map<std::string, std::string> set_of;
    std::map<std::string, std::map<std::string, Member>> members;
    for (const Instruction& in : table_.instructions) {
      if (in.is_family()) continue;
      const auto [set, fresh] = set_of.emplace(in.command, in.registers);
      if (!fresh && set->second != in.registers)
        complain(in.line, "{}: command {} is already used with register set '{}'", in.mnemonic, in.command,
                 set->second);
      std::set<std::string> own;
      for (const std::vector<Field>* fields : {&in.rs1, &in.rs2})
        for (const Field& field : *fields) {
          if (!own.insert(field.name).second)
            complain(field.line, "{}: operand field {} is given twice", in.mnemonic, field.name);
          const auto [other, first] = members[in.command].emplace(field.name, Member{&field, &in});
          const Field& known = *other->second.field;
          if (!first &&
              (known.kind != field.kind || known.enum_name != field.enum_name || known.width != field.width))
            complain(field.line, "{} and {}: field {} has two types", in.mnemonic,
                     other->second.from->mnemonic, field.name);
          check_not_a_register_field(in, field);
        }
    }
  }

  void check_not_a_register_field(const Instruction& in, const Field& field) const {
    if (field.name == "instruction")
      complain(field.line, "{}: field name 'instruction' is reserved", in.mnemonic);
    const RegisterSet* set = table_.find_set(in.registers);
    if (set == nullptr) return;
    for (const Register& reg : set->registers)
      for (const Field& other : reg.fields)
        if (other.name == field.name)
          complain(field.line, "{}: operand field {} is also a field of register {}.{}", in.mnemonic,
                   field.name, set->name, reg.name);
  }

  const Table& table_;
};

}  // namespace

void check_table(const Table& table) { Checker(table).run(); }

}  // namespace assay::isagen
