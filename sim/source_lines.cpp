#include "sim/source_lines.hpp"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace assay::sim {
namespace {

constexpr std::string_view kIntrinsics = "assay_intrinsics.h";

std::string without_folder(const char* path) {
  const std::string_view text = path == nullptr ? "?" : path;
  return std::string(text.substr(text.find_last_of('/') + 1));
}

std::string name_of(Dwarf_Die& die) {
  Dwarf_Attribute attribute;
  const char* name = dwarf_formstring(dwarf_attr_integrate(&die, DW_AT_name, &attribute));
  return name == nullptr ? std::string() : name;
}

// Where an inlined function was called.
SourceLine call_site(Dwarf_Die& unit, Dwarf_Die& inlined) {
  Dwarf_Attribute attribute;
  Dwarf_Word file = 0, line = 0;
  Dwarf_Files* files = nullptr;
  SourceLine result;
  if (dwarf_formudata(dwarf_attr(&inlined, DW_AT_call_file, &attribute), &file) == 0 &&
      dwarf_getsrcfiles(&unit, &files, nullptr) == 0)
    result.file = without_folder(dwarf_filesrc(files, file, nullptr, nullptr));
  if (dwarf_formudata(dwarf_attr(&inlined, DW_AT_call_line, &attribute), &line) == 0)
    result.line = static_cast<int>(line);
  return result;
}

// The line table's own entry for the pc.
SourceLine line_at(Dwarf_Die& unit, std::uint64_t pc) {
  SourceLine result;
  Dwarf_Line* line = dwarf_getsrc_die(&unit, pc);
  if (line == nullptr) return result;
  dwarf_lineno(line, &result.line);
  result.file = without_folder(dwarf_linesrc(line, nullptr, nullptr));
  return result;
}

}  // namespace

struct SourceLines::File {
  int descriptor = -1;
  Dwarf* dwarf = nullptr;
  ~File() {
    if (dwarf != nullptr) dwarf_end(dwarf);
    if (descriptor >= 0) close(descriptor);
  }

  // The compilation unit that holds the pc; not every tool writes an index of addresses.
  bool find_unit(std::uint64_t pc, Dwarf_Die& unit) const {
    if (dwarf_addrdie(dwarf, pc, &unit) != nullptr) return true;
    Dwarf_Off offset = 0, next = 0;
    std::size_t header = 0;
    for (; dwarf_nextcu(dwarf, offset, &next, &header, nullptr, nullptr, nullptr) == 0; offset = next)
      if (dwarf_offdie(dwarf, offset + header, &unit) != nullptr && dwarf_haspc(&unit, pc) == 1) return true;
    return false;
  }
};

SourceLines::SourceLines(const std::string& elf_file) : file_(std::make_unique<File>()) {
  file_->descriptor = open(elf_file.c_str(), O_RDONLY | O_CLOEXEC);
  if (file_->descriptor >= 0) file_->dwarf = dwarf_begin(file_->descriptor, DWARF_C_READ);
}

SourceLines::~SourceLines() = default;

std::vector<SourceLine> SourceLines::at(std::uint64_t pc) const {
  std::vector<SourceLine> lines;
  Dwarf_Die unit;
  if (file_->dwarf == nullptr || !file_->find_unit(pc, unit)) return lines;
  SourceLine line = line_at(unit, pc);
  // Beyond an inlined function dwarf_getscopes() goes on where that was defined; who called it are its
  // parents.
  Dwarf_Die *innermost = nullptr, *scopes = nullptr;
  int count = dwarf_getscopes(&unit, pc, &innermost);
  if (count > 0) count = dwarf_getscopes_die(innermost, &scopes);
  std::free(innermost);
  for (int i = 0; i < count; ++i) {
    const int tag = dwarf_tag(&scopes[i]);
    if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram) continue;
    line.function = name_of(scopes[i]);
    if (line.line > 0 && line.file != kIntrinsics) lines.push_back(line);
    line = tag == DW_TAG_inlined_subroutine ? call_site(unit, scopes[i]) : SourceLine();
    if (tag == DW_TAG_subprogram) break;
  }
  std::free(scopes);
  if (lines.empty() && line.line > 0) lines.push_back(line);  // assembler: lines without functions
  return lines;
}

std::string SourceLines::text_at(std::uint64_t pc) const {
  std::string text;
  for (const SourceLine& line : at(pc)) {
    text += fmt::format("{}{}:{}", text.empty() ? "" : ", called at ", line.file, line.line);
    if (!line.function.empty()) text += " in " + line.function;
  }
  return text;
}

}  // namespace assay::sim
