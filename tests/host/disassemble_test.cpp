// The disassembler against the packaged assembler: what it prints assembles to the same bits.
#include "core/host/disassemble.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "machine.hpp"

namespace assay::test {
namespace {

using core::disassemble;
using core::Rv;

// A word of the instruction with random operands that often are 0 or all ones.
std::uint32_t random_word(const core::InstructionRow& row, std::mt19937_64& random) {
  auto word = static_cast<std::uint32_t>(random());
  for (const std::uint32_t field : {31u << 7, 31u << 15, 31u << 20, 0xfffu << 20}) {
    if (random() % 6 == 0) word &= ~field;
    if (random() % 12 == 0) word |= field;
  }
  if (row.cost == core::CostClass::Fence) {
    // as has no way to write reserved fields, or an empty set of fence.
    word = row.mnemonic == "fence" ? (word & 0x0ff00000) | 0x01100000 : 0;
  }
  const std::uint32_t mode = word >> 12 & 7;
  if (row.format == core::Format::Rounded && (mode == 5 || mode == 6)) word |= 7u << 12;  // reserved
  if (core::has_operand(row, 'n')) word &= ~(7u << 12);  // as writes no other mode
  return (word & ~row.mask) | row.match;
}

// The text for as: it takes a bare hexadecimal target for a symbol, so the target becomes relative.
std::string assembler_line(const std::string& text, std::uint32_t word, std::uint64_t pc) {
  const core::Decoded d = core::decode(word);
  if (core::row(d.id).operands.find('a') == std::string_view::npos) return text;
  const std::size_t start = text.find_last_of(" ,") + 1;
  const std::uint64_t target = std::stoull(text.substr(start), nullptr, 16);
  return text.substr(0, start) + ". + (" + std::to_string(static_cast<std::int64_t>(target - pc)) + ")";
}

class Assembler {
 public:
  Assembler() { std::filesystem::create_directories(folder_); }
  ~Assembler() { std::filesystem::remove_all(folder_); }

  std::vector<std::uint32_t> run(const std::vector<std::string>& lines) const {
    const std::string source = folder_ / "in.s", object = folder_ / "out.o", binary = folder_ / "out.bin";
    {
      std::ofstream out(source);
      out << ".option norvc\n.option arch, +zicsr, +zifencei\n";
      for (const std::string& line : lines) out << line << "\n";
    }
    const std::string command = std::string(ASSAY_RISCV_AS) + " -march=rv64gc -o " + object + " " + source +
                                " && " + ASSAY_RISCV_OBJCOPY + " -O binary " + object + " " + binary;
    EXPECT_EQ(std::system(command.c_str()), 0);
    std::ifstream in(binary, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), {});
    std::vector<std::uint32_t> words(bytes.size() / 4);
    std::memcpy(words.data(), bytes.data(), words.size() * 4);
    return words;
  }

 private:
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("assay-disassemble-" + std::to_string(::getpid()));
};

TEST(Disassembler, EveryInstructionAssemblesBackToItsBits) {
  constexpr int kSamples = 400;
  constexpr std::uint64_t kPc = 0x80000000;
  std::mt19937_64 random(1);
  std::vector<std::uint32_t> words;
  std::vector<std::string> lines;
  for (int id = 0; id < static_cast<int>(Rv::count); ++id) {
    const core::InstructionRow& row = core::row(static_cast<Rv>(id));
    if (row.cost == core::CostClass::Ai) continue;
    for (int i = 0; i < kSamples; ++i) {
      words.push_back(random_word(row, random));
      lines.push_back(assembler_line(disassemble(words.back(), kPc), words.back(), kPc));
    }
  }
  const std::vector<std::uint32_t> assembled = Assembler().run(lines);
  ASSERT_EQ(assembled.size(), words.size());
  for (std::size_t i = 0; i < words.size(); ++i) {
    EXPECT_EQ(assembled[i], words[i])
        << std::hex << words[i] << " printed as '" << lines[i] << "' is " << assembled[i];
  }
}

TEST(Disassembler, SpellsAsObjdumpDoes) {
  struct {
    std::uint32_t raw;
    const char* text;
  } const kRows[] = {
      {0x00113423, "sd ra,8(sp)"},
      {0xff010113, "addi sp,sp,-16"},
      {0x1141, "addi sp,sp,-16"},
      {0x8082, "ret"},
      {0x00008067, "ret"},
      {0x8502, "jr a0"},
      {0x9502, "jalr a0"},
      {0x00450067, "jr 4(a0)"},
      {0x0040006f, "j 80001004"},
      {0x004000ef, "jal 80001004"},
      {0xfe0508e3, "beqz a0,80000ff0"},
      {0xc501, "beqz a0,80001008"},
      {0x00b54463, "blt a0,a1,80001008"},
      {0x00a05463, "blez a0,80001008"},
      {0x852e, "mv a0,a1"},
      {0x4505, "li a0,1"},
      {0x0001, "nop"},
      {0x6505, "lui a0,0x1"},
      {0x757d, "lui a0,0xfffff"},
      {0x00000517, "auipc a0,0x0"},
      {0x02051513, "slli a0,a0,0x20"},
      {0x40b0053b, "negw a0,a1"},
      {0x0005051b, "sext.w a0,a0"},
      {0xfff54513, "not a0,a0"},
      {0x02b50533, "mul a0,a0,a1"},
      {0x0cb6252f, "amoswap.w.aq a0,a1,(a2)"},
      {0x160625af, "lr.w.aqrl a1,(a2)"},
      {0xb0002573, "csrr a0,mcycle"},
      {0xc0202573, "rdinstret a0"},
      {0x30551073, "csrw mtvec,a0"},
      {0x30046073, "csrsi mstatus,8"},
      {0xb0302573, "csrr a0,mhpmcounter3"},
      {0x7c051073, "csrw 0x7c0,a0"},
      {0x0ff0000f, "fence"},
      {0x0310000f, "fence rw,w"},
      {0x8330000f, "fence.tso"},
      {0x0000100f, "fence.i"},
      {0x30200073, "mret"},
      {0x10500073, "wfi"},
      {0x9002, "ebreak"},
      {0x0000, "unimp"},
      {0xc0001073, "unimp"},
      {0x02b57553, "fadd.d fa0,fa0,fa1"},
      {0x02b50553, "fadd.d fa0,fa0,fa1,rne"},
      {0x72c58543, "fmadd.d fa0,fa1,fa2,fa4,rne"},
      {0xc2051553, "fcvt.w.d a0,fa0,rtz"},
      {0xd2050553, "fcvt.d.w fa0,a0"},
      {0x00052507, "flw fa0,0(a0)"},
      {0xa508, "fsd fa0,8(a0)"},
      {0x0000000b, "unknown"},
      {0x0000002b, "unknown"},
      {0xffffffff, "unknown"},
      {0x8002, "unknown"},
  };
  for (const auto& row : kRows) EXPECT_EQ(disassemble(row.raw, 0x80001000), row.text) << std::hex << row.raw;
}

TEST(Disassembler, KnowsTheLengthOfAnInstruction) {
  EXPECT_EQ(core::instruction_length(0x8082), 2u);
  EXPECT_EQ(core::instruction_length(0x0001), 2u);
  EXPECT_EQ(core::instruction_length(0x0013), 4u);
  EXPECT_EQ(core::instruction_length(0x000b), 4u);
}

}  // namespace
}  // namespace assay::test
