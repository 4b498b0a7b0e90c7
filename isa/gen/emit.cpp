#include "isa/gen/emit.hpp"

#include <algorithm>
#include <cctype>

namespace assay::isagen {

std::string identifier(const std::string& mnemonic) {
  std::string name = mnemonic;
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

std::string type_name(const std::string& name) {
  std::string type;
  bool upper = true;
  for (const char c : name) {
    if (c != '_') type += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    upper = c == '_';
  }
  return type;
}

std::string quoted(const std::string& text) {
  std::string literal = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') literal += '\\';
    literal += c == '\n' ? ' ' : c;
  }
  return literal + '"';
}

std::vector<CommandGroup> command_groups(const Table& table) {
  std::vector<CommandGroup> groups;
  for (const Instruction& in : table.instructions) {
    if (in.is_family()) continue;
    const auto same = [&](const CommandGroup& g) { return g.name == in.command; };
    auto group = std::find_if(groups.begin(), groups.end(), same);
    if (group == groups.end())
      group = groups.insert(groups.end(), CommandGroup{in.command, table.find_set(in.registers), {}});
    group->instructions.push_back(&in);
  }
  return groups;
}

}  // namespace assay::isagen
