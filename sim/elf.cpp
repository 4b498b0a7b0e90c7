#include "sim/elf.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <system_error>
#include <tuple>

#include "base/error.hpp"
#include "isa/abi.h"

namespace assay::sim {
namespace {

constexpr std::uint64_t kMaxProgramBytes = std::uint64_t{64} << 20;  // the largest TCM of any machine

// The file's bytes; every access is checked against its size.
class ElfFile {
 public:
  explicit ElfFile(const std::string& path) : path_(path) {
    std::error_code ignored;
    const auto type = std::filesystem::status(path, ignored).type();
    if (type == std::filesystem::file_type::fifo) complain("is a pipe, no file");  // would wait for a writer
    std::ifstream stream(path, std::ios::binary);
    if (!stream) fail(ExitCode::BadInput, "{}: cannot be read", path);
    stream.seekg(0, std::ios::end);
    const std::streamoff size = stream.tellg();
    if (size < 0 || static_cast<std::uint64_t>(size) > 4 * kMaxProgramBytes)
      complain("is no regular file of at most {} MiB", 4 * kMaxProgramBytes >> 20);
    bytes_.resize(static_cast<std::size_t>(size));
    stream.seekg(0);
    if (!stream.read(reinterpret_cast<char*>(bytes_.data()), size)) complain("cannot be read");
  }

  template <typename... Args>
  [[noreturn]] void complain(fmt::format_string<Args...> format, Args&&... args) const {
    fail(ExitCode::BadInput, "{}: {}", path_, fmt::format(format, std::forward<Args>(args)...));
  }

  void check_range(std::uint64_t offset, std::uint64_t size, std::string_view what) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset)
      complain("{} at offset {:#x}, {:#x} bytes, lies beyond the end of the file ({:#x} bytes)", what, offset,
               size, bytes_.size());
  }

  template <typename T>
  T read(std::uint64_t offset, std::string_view what) const {
    check_range(offset, sizeof(T), what);
    T value;
    std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }

  std::vector<std::byte> slice(std::uint64_t offset, std::uint64_t size, std::string_view what) const {
    check_range(offset, size, what);
    const auto first = bytes_.begin() + static_cast<std::ptrdiff_t>(offset);
    return {first, first + static_cast<std::ptrdiff_t>(size)};
  }

  // The zero-terminated string at `offset` within [table, table + size).
  std::string string(std::uint64_t table, std::uint64_t size, std::uint64_t offset) const {
    check_range(table, size, "a string table");
    if (offset >= size) complain("a name at {:#x} lies outside its string table", offset);
    const char* start = reinterpret_cast<const char*>(bytes_.data() + table + offset);
    return {start, strnlen(start, size - offset)};
  }

  const std::string& path() const { return path_; }
  std::uint64_t size() const { return bytes_.size(); }

 private:
  std::string path_;
  std::vector<std::byte> bytes_;
};

Elf64_Ehdr read_header(const ElfFile& file) {
  if (file.size() < EI_NIDENT || file.read<std::uint32_t>(0, "the magic") != 0x464c457f)
    file.complain("is no ELF file");
  const auto ident = file.read<std::array<unsigned char, EI_NIDENT>>(0, "the header");
  if (ident[EI_CLASS] != ELFCLASS64) file.complain("is no 64-bit ELF file (class {})", ident[EI_CLASS]);
  if (ident[EI_DATA] != ELFDATA2LSB) file.complain("is not little-endian");
  const auto header = file.read<Elf64_Ehdr>(0, "the ELF header");
  if (header.e_machine != EM_RISCV)
    file.complain("is for machine {}, not RISC-V ({})", header.e_machine, EM_RISCV);
  if (header.e_type != ET_EXEC) file.complain("is no executable (type {})", header.e_type);
  if (header.e_version != EV_CURRENT) file.complain("has ELF version {}, not 1", header.e_version);
  if (header.e_phnum == 0) file.complain("has no program headers");
  if (header.e_phentsize != sizeof(Elf64_Phdr))
    file.complain("has program headers of {} bytes", header.e_phentsize);
  if (header.e_shnum != 0 && header.e_shentsize != sizeof(Elf64_Shdr))
    file.complain("has section headers of {} bytes", header.e_shentsize);
  file.check_range(header.e_phoff, std::uint64_t{header.e_phnum} * sizeof(Elf64_Phdr),
                   "the program header table");
  file.check_range(header.e_shoff, std::uint64_t{header.e_shnum} * sizeof(Elf64_Shdr),
                   "the section header table");
  return header;
}

template <typename T>
std::vector<T> read_table(const ElfFile& file, std::uint64_t offset, std::size_t count,
                          std::string_view what) {
  std::vector<T> list;
  for (std::size_t i = 0; i < count; ++i) list.push_back(file.read<T>(offset + i * sizeof(T), what));
  return list;
}

ElfSegment read_segment(const ElfFile& file, const Elf64_Phdr& p) {
  if (p.p_memsz < p.p_filesz)
    file.complain("a segment at {:#x} has {:#x} bytes in the file but {:#x} in memory", p.p_vaddr, p.p_filesz,
                  p.p_memsz);
  const std::uint64_t limit = std::uint64_t{ASSAY_TCM_BASE} + kMaxProgramBytes;
  if (p.p_vaddr < ASSAY_TEXT_BASE || p.p_vaddr > limit || p.p_memsz > limit - p.p_vaddr)
    file.complain("a segment at {:#x}, {:#x} bytes, lies outside {:#x} .. {:#x}", p.p_vaddr, p.p_memsz,
                  std::uint64_t{ASSAY_TEXT_BASE}, limit);
  ElfSegment segment;
  segment.address = p.p_vaddr;
  segment.memory_bytes = p.p_memsz;
  segment.executable = (p.p_flags & PF_X) != 0;
  segment.data = file.slice(p.p_offset, p.p_filesz, "a segment");
  return segment;
}

std::vector<ElfSegment> read_segments(const ElfFile& file, const std::vector<Elf64_Phdr>& headers) {
  std::vector<ElfSegment> segments;
  for (const Elf64_Phdr& p : headers)
    if (p.p_type == PT_LOAD && p.p_memsz != 0) segments.push_back(read_segment(file, p));
    else if (p.p_type == PT_INTERP || p.p_type == PT_DYNAMIC) file.complain("is dynamically linked");
  if (segments.empty()) file.complain("has nothing to load");
  std::sort(segments.begin(), segments.end(), [](auto& a, auto& b) { return a.address < b.address; });
  for (std::size_t i = 1; i < segments.size(); ++i)
    if (segments[i].address < segments[i - 1].end())
      file.complain("segments at {:#x} and {:#x} overlap", segments[i - 1].address, segments[i].address);
  return segments;
}

struct Versions {
  std::uint32_t abi = 0, isa = 0;
};

// Looks through one block of notes for Assay's.
std::optional<Versions> find_note(const ElfFile& file, std::uint64_t offset, std::uint64_t size) {
  file.check_range(offset, size, "a note");
  const auto padded = [](std::uint64_t n) { return (n + 3) / 4 * 4; };
  const std::uint64_t end = offset + size;
  while (end - offset >= sizeof(Elf64_Nhdr)) {
    const auto note = file.read<Elf64_Nhdr>(offset, "a note");
    const std::uint64_t name = offset + sizeof note, descriptor = name + padded(note.n_namesz);
    const std::uint64_t next = descriptor + padded(note.n_descsz);
    if (next > end) file.complain("a note at offset {:#x} is longer than its section", offset);
    const bool named =
        note.n_namesz == sizeof ASSAY_NOTE_NAME && file.string(name, note.n_namesz, 0) == ASSAY_NOTE_NAME;
    if (named && note.n_type == ASSAY_NOTE_TYPE) {
      if (note.n_descsz != sizeof(Versions))
        file.complain("the Assay note has {} bytes, not 8", note.n_descsz);
      return file.read<Versions>(descriptor, "the Assay note");
    }
    offset = next;
  }
  return std::nullopt;
}

void check_note(const ElfFile& file, const std::vector<Elf64_Phdr>& headers) {
  std::optional<Versions> found;
  for (const Elf64_Phdr& p : headers)
    if (p.p_type == PT_NOTE && !found) found = find_note(file, p.p_offset, p.p_filesz);
  if (!found) file.complain("carries no Assay note: it is no kernel");
  if (found->abi != ASSAY_ABI_VERSION)
    file.complain("was built for ABI version {}; this is {}", found->abi, ASSAY_ABI_VERSION);
  if (found->isa != ASSAY_ISA_VERSION)
    file.complain("was built for ISA version {}; this is {}", found->isa, ASSAY_ISA_VERSION);
}

const ElfSegment* segment_of(const ElfImage& image, std::uint64_t address, std::uint64_t size) {
  for (const ElfSegment& s : image.segments)
    if (address >= s.address && address < s.end() && size <= s.end() - address) return &s;
  return nullptr;
}

std::vector<ElfCode> read_code(const ElfFile& file, const ElfImage& image, const Elf64_Ehdr& header,
                               const std::vector<Elf64_Shdr>& sections) {
  std::vector<ElfCode> code;
  if (sections.empty())
    for (const ElfSegment& s : image.segments)
      if (s.executable) code.push_back({"segment", s.address, s.data});
  if (!sections.empty() && header.e_shstrndx >= sections.size()) file.complain("has no section names");
  for (const Elf64_Shdr& s : sections) {
    if (s.sh_type != SHT_PROGBITS || (s.sh_flags & SHF_EXECINSTR) == 0 || s.sh_size == 0) continue;
    const Elf64_Shdr& names = sections[header.e_shstrndx];
    const std::string name = file.string(names.sh_offset, names.sh_size, s.sh_name);
    if (segment_of(image, s.sh_addr, s.sh_size) == nullptr)
      file.complain("section {} at {:#x} lies outside every segment", name, s.sh_addr);
    code.push_back({name, s.sh_addr, file.slice(s.sh_offset, s.sh_size, "a section")});
  }
  std::sort(code.begin(), code.end(), [](auto& a, auto& b) { return a.address < b.address; });
  return code;
}

std::vector<ElfSymbol> read_symbols(const ElfFile& file, const ElfImage& image,
                                    const std::vector<Elf64_Shdr>& sections) {
  std::vector<ElfSymbol> symbols;
  for (const Elf64_Shdr& s : sections) {
    if (s.sh_type != SHT_SYMTAB) continue;
    if (s.sh_entsize != sizeof(Elf64_Sym)) file.complain("has symbols of {} bytes", s.sh_entsize);
    if (s.sh_link >= sections.size()) file.complain("has a symbol table without names");
    const Elf64_Shdr& names = sections[s.sh_link];
    file.check_range(s.sh_offset, s.sh_size, "the symbol table");
    for (const Elf64_Sym& symbol :
         read_table<Elf64_Sym>(file, s.sh_offset, s.sh_size / sizeof(Elf64_Sym), "a symbol")) {
      const unsigned type = ELF64_ST_TYPE(symbol.st_info);
      if ((type != STT_FUNC && type != STT_NOTYPE) || symbol.st_shndx == SHN_UNDEF || symbol.st_name == 0)
        continue;
      const std::string name = file.string(names.sh_offset, names.sh_size, symbol.st_name);
      const bool local_label =
          name.empty() || name[0] == '$' || name[0] == '.';  // mapping symbols, .L labels
      if (!local_label && segment_of(image, symbol.st_value, 0) != nullptr)
        symbols.push_back({name, symbol.st_value, symbol.st_size});
    }
  }
  // At one address the function, which has a size, comes after the bare labels.
  std::sort(symbols.begin(), symbols.end(), [](auto& a, auto& b) {
    return std::tie(a.address, a.size, a.name) < std::tie(b.address, b.size, b.name);
  });
  return symbols;
}

}  // namespace

const ElfSymbol* ElfImage::symbol_at(std::uint64_t address) const {
  const auto after = std::upper_bound(symbols.begin(), symbols.end(), address,
                                      [](std::uint64_t a, const ElfSymbol& s) { return a < s.address; });
  return after == symbols.begin() ? nullptr : &*std::prev(after);
}

ElfImage load_elf(const std::string& path) {
  const ElfFile file(path);
  const Elf64_Ehdr header = read_header(file);
  const auto programs = read_table<Elf64_Phdr>(file, header.e_phoff, header.e_phnum, "a program header");
  const auto sections = read_table<Elf64_Shdr>(file, header.e_shoff, header.e_shnum, "a section header");
  ElfImage image;
  image.file = path;
  image.entry = header.e_entry;
  image.segments = read_segments(file, programs);
  check_note(file, programs);
  const ElfSegment* start = segment_of(image, image.entry, 2);
  if (start == nullptr || !start->executable || image.entry % 2 != 0)
    file.complain("entry point {:#x} lies in no executable segment", image.entry);
  image.code = read_code(file, image, header, sections);
  image.symbols = read_symbols(file, image, sections);
  return image;
}

void require_fits(const ElfImage& image, Bytes tcm) {
  const std::uint64_t end = std::uint64_t{ASSAY_TCM_BASE} + tcm.count();
  if (image.end() > end)
    fail(ExitCode::Usage, "{}: the program ends at {:#x}, the machine's TCM at {:#x}", image.file,
         image.end(), end);
}

}  // namespace assay::sim
