#include "testgen/program/elf_file.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <cstring>

#include "base/error.hpp"
#include "isa/abi.h"
#include "isa/encoding.hpp"

namespace assay::testgen::program {
namespace {

template <typename T>
void put(std::string& file, std::size_t at, const T& value) {
  if (file.size() < at + sizeof value) file.resize(at + sizeof value);
  std::memcpy(file.data() + at, &value, sizeof value);
}

void pad(std::string& file, std::size_t to) { file.resize((file.size() + to - 1) / to * to); }

std::string note() {
  const std::uint32_t words[] = {sizeof ASSAY_NOTE_NAME, 8, ASSAY_NOTE_TYPE};
  std::string text(reinterpret_cast<const char*>(words), sizeof words);
  text.append(ASSAY_NOTE_NAME, sizeof ASSAY_NOTE_NAME);
  pad(text, 4);
  const std::uint32_t versions[] = {ASSAY_ABI_VERSION, ASSAY_ISA_VERSION};
  return text.append(reinterpret_cast<const char*>(versions), sizeof versions);
}

struct Symbols {
  std::string table, names;

  Symbols() : table(sizeof(Elf64_Sym), '\0'), names(1, '\0') {}
  void add(const std::string& name, std::uint64_t address, std::uint64_t size) {
    Elf64_Sym symbol{};
    symbol.st_name = static_cast<Elf64_Word>(names.size());
    symbol.st_info = ELF64_ST_INFO(STB_LOCAL, STT_FUNC);
    symbol.st_shndx = 1;
    symbol.st_value = address;
    symbol.st_size = size;
    table.append(reinterpret_cast<const char*>(&symbol), sizeof symbol);
    names += name + '\0';
  }
};

// "item_7_mxu_ws", "item_8_host"
std::string name_of(const Item& item) {
  std::string what = "host";
  if (const auto* launch = std::get_if<Launch>(&item.what)) what = isa::to_string(launch->instruction);
  for (char& letter : what)
    if (letter == '.') letter = '_';
  return fmt::format("item_{}_{}", item.id, what);
}

}  // namespace

std::string elf_file(const Image& image, const Program& program) {
  if (!image.hbm.empty()) fail(ExitCode::Error, "elf_file: the image does not bring its memory along");
  const std::string text(image.tcm.bytes.begin(), image.tcm.bytes.end());
  const std::uint64_t code_end = image.scratch;  // instructions and literals
  Symbols symbols;
  for (const Placed& p : image.placed) symbols.add(name_of(program.items[p.item]), p.begin, p.end - p.begin);
  symbols.add("self_check", image.ending, code_end - image.ending);

  constexpr std::size_t kHeaders = sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr);
  std::string file(kHeaders, '\0');
  pad(file, 4096);
  const std::size_t text_at = file.size();
  file += text;
  pad(file, 8);
  const std::size_t note_at = file.size();
  file += note();
  pad(file, 8);
  const std::size_t symbols_at = file.size();
  file += symbols.table;
  const std::size_t names_at = file.size();
  file += symbols.names;
  const std::size_t sections_at_names = file.size();
  constexpr char kSectionNames[] = "\0.text\0.note.assay\0.symtab\0.strtab\0.shstrtab";
  file.append(kSectionNames, sizeof kSectionNames);
  pad(file, 8);
  const std::size_t sections_at = file.size();

  const auto section = [&](Elf64_Word name, Elf64_Word type, Elf64_Xword flags, Elf64_Addr address,
                           std::size_t offset, std::size_t size, Elf64_Word link, Elf64_Xword entry) {
    Elf64_Shdr s{};
    s.sh_name = name;
    s.sh_type = type;
    s.sh_flags = flags;
    s.sh_addr = address;
    s.sh_offset = offset;
    s.sh_size = size;
    s.sh_link = link;
    s.sh_info = type == SHT_SYMTAB ? static_cast<Elf64_Word>(size / entry) : 0;
    s.sh_addralign = type == SHT_NOTE ? 4 : 8;
    s.sh_entsize = entry;
    put(file, file.size(), s);
  };
  section(0, SHT_NULL, 0, 0, 0, 0, 0, 0);
  section(1, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR | SHF_WRITE, image.tcm.address, text_at,
          code_end - image.tcm.address, 0, 0);
  section(7, SHT_NOTE, 0, 0, note_at, note().size(), 0, 0);
  section(19, SHT_SYMTAB, 0, 0, symbols_at, symbols.table.size(), 4, sizeof(Elf64_Sym));
  section(27, SHT_STRTAB, 0, 0, names_at, symbols.names.size(), 0, 0);
  section(35, SHT_STRTAB, 0, 0, sections_at_names, sizeof kSectionNames, 0, 0);

  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_EXEC;
  header.e_machine = EM_RISCV;
  header.e_version = EV_CURRENT;
  header.e_entry = image.entry;
  header.e_phoff = sizeof header;
  header.e_shoff = sections_at;
  header.e_flags = 0x5;  // RVC, double-precision float ABI
  header.e_ehsize = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 2;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 6;
  header.e_shstrndx = 5;
  put(file, 0, header);
  Elf64_Phdr load{};
  load.p_type = PT_LOAD;
  load.p_flags = PF_R | PF_W | PF_X;
  load.p_offset = text_at;
  load.p_vaddr = load.p_paddr = image.tcm.address;
  load.p_filesz = load.p_memsz = text.size();
  load.p_align = 4096;
  put(file, sizeof header, load);
  Elf64_Phdr carried{};
  carried.p_type = PT_NOTE;
  carried.p_flags = PF_R;
  carried.p_offset = note_at;
  carried.p_filesz = carried.p_memsz = note().size();
  carried.p_align = 4;
  put(file, sizeof header + sizeof load, carried);
  return file;
}

}  // namespace assay::testgen::program
