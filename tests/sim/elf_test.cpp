// The ELF loader: a small kernel is read, and every malformed variant of it is refused with one line.
#include "sim/elf.hpp"

#include <elf.h>

#include <cstring>

#include "../support/expect_error.hpp"
#include "../support/process.hpp"
#include "isa/abi.h"

namespace assay::sim {
namespace {

// A valid kernel of a few bytes, whose parts a test changes before it is written:
// header, two program headers (the program; its note), code, note, section headers with names and symbols.
struct TinyElf {
  static constexpr std::uint64_t kCodeOffset = 0x1000, kCodeBytes = 8, kNoteOffset = 0x1008, kNoteBytes = 28;
  static constexpr std::uint64_t kSymbolOffset = 0x1100, kStringOffset = 0x1200, kSectionOffset = 0x1300;
  static constexpr char kStrings[] = "\0_start\0later\0.text\0";

  Elf64_Ehdr header{};
  Elf64_Phdr program{}, note{};
  Elf64_Nhdr note_header{sizeof ASSAY_NOTE_NAME, 8, ASSAY_NOTE_TYPE};
  std::uint32_t abi = ASSAY_ABI_VERSION, isa = ASSAY_ISA_VERSION;
  Elf64_Shdr sections[4]{};  // null, .text, symbols, strings
  Elf64_Sym symbols[3]{};
  std::size_t file_bytes = kSectionOffset + sizeof sections;

  TinyElf() {
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_type = ET_EXEC;
    header.e_machine = EM_RISCV;
    header.e_version = EV_CURRENT;
    header.e_entry = ASSAY_TEXT_BASE;
    header.e_phoff = sizeof header;
    header.e_phentsize = sizeof program;
    header.e_phnum = 2;
    header.e_shoff = kSectionOffset;
    header.e_shentsize = sizeof sections[0];
    header.e_shnum = 4;
    header.e_shstrndx = 3;
    program = {PT_LOAD, PF_R | PF_X, kCodeOffset, ASSAY_TEXT_BASE, ASSAY_TEXT_BASE, 0x24, 0x40, 4};
    note = {PT_NOTE, PF_R, kNoteOffset, ASSAY_TEXT_BASE + 8, ASSAY_TEXT_BASE + 8, kNoteBytes, kNoteBytes, 4};
    sections[1] = {
        14, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, ASSAY_TEXT_BASE, kCodeOffset, kCodeBytes, 0, 0, 4, 0};
    sections[2] = {0, SHT_SYMTAB, 0, 0, kSymbolOffset, sizeof symbols, 3, 0, 8, sizeof symbols[0]};
    sections[3] = {0, SHT_STRTAB, 0, 0, kStringOffset, sizeof kStrings, 0, 0, 1, 0};
    symbols[1] = {8, STT_FUNC, 0, 1, ASSAY_TEXT_BASE + 4, 4};
    symbols[2] = {1, STT_NOTYPE, 0, 1, ASSAY_TEXT_BASE, 0};
  }

  std::string bytes() const {
    std::string image(std::max<std::size_t>(file_bytes, kSectionOffset + sizeof sections), '\0');
    const auto put = [&](std::size_t offset, const void* data, std::size_t size) {
      std::memcpy(image.data() + offset, data, size);
    };
    const std::uint32_t code[2] = {0x00000013, 0x0007100b};  // nop; mxu.ws a4, zero
    const std::uint32_t versions[2] = {abi, isa};
    put(0, &header, sizeof header);
    put(sizeof header, &program, sizeof program);
    put(sizeof header + sizeof program, &note, sizeof note);
    put(kCodeOffset, code, sizeof code);
    put(kNoteOffset, &note_header, sizeof note_header);
    put(kNoteOffset + sizeof note_header, ASSAY_NOTE_NAME, sizeof ASSAY_NOTE_NAME);
    put(kNoteOffset + sizeof note_header + 8, versions, sizeof versions);
    put(kSymbolOffset, symbols, sizeof symbols);
    put(kStringOffset, kStrings, sizeof kStrings);
    put(kSectionOffset, sections, sizeof sections);
    image.resize(file_bytes);
    return image;
  }
};

class Elf : public testing::Test {
 protected:
  ElfImage load(const std::string& bytes) { return load_elf(folder_.write("k.elf", bytes)); }

  void expect_refused(const std::string& message) {
    const std::string path = folder_.write("k.elf", elf_.bytes());
    test::expect_error(ExitCode::BadInput, path + ": " + message, [&] { load_elf(path); });
  }

  TinyElf elf_;
  test::TemporaryFolder folder_;
};

TEST_F(Elf, ReadsSegmentsCodeAndSymbols) {
  const ElfImage image = load(elf_.bytes());
  EXPECT_EQ(image.entry, ASSAY_TEXT_BASE);
  ASSERT_EQ(image.segments.size(), 1u);
  EXPECT_EQ(image.segments[0].data.size(), 0x24u);
  EXPECT_EQ(image.segments[0].memory_bytes, 0x40u);
  EXPECT_EQ(image.end(), std::uint64_t{ASSAY_TEXT_BASE} + 0x40);
  ASSERT_EQ(image.code.size(), 1u);
  EXPECT_EQ(image.code[0].section, ".text");
  EXPECT_EQ(image.code[0].data.size(), 8u);
  ASSERT_EQ(image.symbols.size(), 2u);
  EXPECT_EQ(image.symbol_at(ASSAY_TEXT_BASE + 2)->name, "_start");
  EXPECT_EQ(image.symbol_at(ASSAY_TEXT_BASE + 7)->name, "later");
  EXPECT_EQ(image.symbol_at(ASSAY_TEXT_BASE - 1), nullptr);
}

TEST_F(Elf, WithoutSectionsHasItsExecutableSegmentsAsCode) {
  elf_.header.e_shnum = 0;
  elf_.header.e_shoff = 0;
  elf_.header.e_shstrndx = 0;
  const ElfImage image = load(elf_.bytes());
  ASSERT_EQ(image.code.size(), 1u);
  EXPECT_EQ(image.code[0].section, "segment");
  EXPECT_TRUE(image.symbols.empty());
}

TEST_F(Elf, TruncatedAnywhereIsRefused) {
  const std::string whole = elf_.bytes();
  for (std::size_t size = 0; size < whole.size(); size += size < 192 ? 1 : 37)
    test::expect_error(ExitCode::BadInput, "k.elf: ", [&] { load(whole.substr(0, size)); });
}

// No outcome but success or a one-line BadInput, whatever single byte is changed to whatever extreme.
TEST_F(Elf, AnyCorruptedByteOfTheHeadersIsReadOrRefused) {
  const std::string whole = elf_.bytes();
  std::size_t refused = 0;
  const auto corrupt = [&](std::size_t first, std::size_t last) {
    for (std::size_t at = first; at < last; ++at)
      for (const char value : {'\x01', '\xff'}) {
        std::string bytes = whole;
        bytes[at] = value;
        try {
          load(bytes);
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ExitCode::BadInput) << error.what();
          EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
          ++refused;
        }
      }
  };
  corrupt(0, 64 + 2 * 56);
  corrupt(TinyElf::kNoteOffset, TinyElf::kNoteOffset + TinyElf::kNoteBytes);
  corrupt(TinyElf::kSymbolOffset, TinyElf::kSymbolOffset + sizeof elf_.symbols);
  corrupt(TinyElf::kSectionOffset, whole.size());
  EXPECT_GT(refused, 200u);
}

TEST_F(Elf, OfAnotherKindIsRefused) {
  const TinyElf good = elf_;
  elf_.header.e_ident[0] = 'M';
  expect_refused("is no ELF file");
  elf_ = good;
  elf_.header.e_ident[EI_CLASS] = ELFCLASS32;
  expect_refused("is no 64-bit ELF file (class 1)");
  elf_ = good;
  elf_.header.e_ident[EI_DATA] = ELFDATA2MSB;
  expect_refused("is not little-endian");
  elf_ = good;
  elf_.header.e_machine = EM_X86_64;
  expect_refused("is for machine 62, not RISC-V (243)");
  elf_ = good;
  elf_.header.e_type = ET_REL;
  expect_refused("is no executable (type 1)");
  elf_ = good;
  elf_.note.p_type = PT_INTERP;
  expect_refused("is dynamically linked");
}

TEST_F(Elf, WithTablesBeyondTheFileIsRefused) {
  const TinyElf good = elf_;
  elf_.header.e_phoff = ~std::uint64_t{0} - 8;
  expect_refused("the program header table at offset 0xfffffffffffffff7");
  elf_ = good;
  elf_.header.e_phnum = 0xffff;
  expect_refused("the program header table at offset 0x40, 0x37ffc8 bytes, lies beyond the end of the file");
  elf_ = good;
  elf_.header.e_phnum = 0;
  expect_refused("has no program headers");
  elf_ = good;
  elf_.header.e_phentsize = 8;
  expect_refused("has program headers of 8 bytes");
  elf_ = good;
  elf_.header.e_shstrndx = 9;
  expect_refused("has no section names");
  elf_ = good;
  elf_.sections[1].sh_name = 0xffff;
  expect_refused("a name at 0xffff lies outside its string table");
  elf_ = good;
  elf_.sections[2].sh_link = 77;
  expect_refused("has a symbol table without names");
  elf_ = good;
  elf_.symbols[1].st_name = 0x10000;
  expect_refused("a name at 0x10000 lies outside its string table");
}

TEST_F(Elf, WithImpossibleSegmentsIsRefused) {
  const TinyElf good = elf_;
  elf_.program.p_offset = 0x7fff'ffff'ffff'ffff;
  expect_refused("a segment at offset 0x7fffffffffffffff, 0x24 bytes, lies beyond the end of the file");
  elf_ = good;
  elf_.program.p_memsz = 8;
  expect_refused("a segment at 0x80001000 has 0x24 bytes in the file but 0x8 in memory");
  elf_ = good;
  elf_.program.p_memsz = ~std::uint64_t{0};
  expect_refused("a segment at 0x80001000, 0xffffffffffffffff bytes, lies outside 0x80001000 .. 0x84000000");
  elf_ = good;
  elf_.program.p_vaddr = ASSAY_ARGS_BASE;
  expect_refused("a segment at 0x80000000, 0x40 bytes, lies outside");
  elf_ = good;
  elf_.program.p_vaddr = ~std::uint64_t{0} - 8;
  expect_refused("a segment at 0xfffffffffffffff7");
  elf_ = good;
  elf_.note = elf_.program;
  elf_.note.p_vaddr += 0x20;
  expect_refused("segments at 0x80001000 and 0x80001020 overlap");
  elf_ = good;
  elf_.program.p_type = PT_NULL;
  expect_refused("has nothing to load");
}

TEST_F(Elf, WithAnEntryOutsideItsCodeIsRefused) {
  elf_.header.e_entry = ASSAY_TEXT_BASE + 0x40;
  expect_refused("entry point 0x80001040 lies in no executable segment");
  elf_.header.e_entry = ASSAY_TEXT_BASE + 1;
  expect_refused("entry point 0x80001001 lies in no executable segment");
  elf_.header.e_entry = ASSAY_TEXT_BASE;
  elf_.program.p_flags = PF_R;
  expect_refused("entry point 0x80001000 lies in no executable segment");
}

TEST_F(Elf, WithoutTheAssayNoteIsRefused) {
  const TinyElf good = elf_;
  elf_.note.p_type = PT_NULL;
  expect_refused("carries no Assay note: it is no kernel");
  elf_ = good;
  elf_.note_header.n_type = 7;
  expect_refused("carries no Assay note");
  elf_ = good;
  elf_.note_header.n_descsz = 12;
  expect_refused("a note at offset 0x1008 is longer than its section");
  elf_ = good;
  elf_.note_header.n_namesz = 0xffff'fff0;
  expect_refused("a note at offset 0x1008 is longer than its section");
}

TEST_F(Elf, BuiltForOtherVersionsIsRefusedByName) {
  elf_.abi = ASSAY_ABI_VERSION + 1;
  expect_refused("was built for ABI version 3; this is 2");
  elf_.abi = ASSAY_ABI_VERSION;
  elf_.isa = ASSAY_ISA_VERSION + 1;
  expect_refused("was built for ISA version 2; this is 1");
}

TEST_F(Elf, ThatCannotBeReadIsRefused) {
  test::expect_error(ExitCode::BadInput, "/nonexistent.elf: cannot be read",
                     [] { load_elf("/nonexistent.elf"); });
  test::expect_error(ExitCode::BadInput, "is no regular file", [] { load_elf("/"); });
}

TEST_F(Elf, MustFitTheTcm) {
  const ElfImage image = load(elf_.bytes());
  require_fits(image, Bytes(8192));
  test::expect_error(ExitCode::Usage, "the program ends at 0x80001040, the machine's TCM at 0x80001000",
                     [&] { require_fits(image, Bytes(4096)); });
}

}  // namespace
}  // namespace assay::sim
