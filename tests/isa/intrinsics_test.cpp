// The kernels' header: a kernel with every intrinsic, written from the table, is compiled by the cross
// compiler, and its words decode back to the same instructions in the same order.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <regex>

#include "../support/process.hpp"
#include "isa/encoding.hpp"
#include "isa/table.hpp"

namespace assay::isa {
namespace {

std::string identifier(std::string_view mnemonic) {
  std::string name(mnemonic);
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

struct Call {
  std::string code;   // in the kernel
  std::string start;  // of its disassembly: mnemonic and register
};

std::vector<Call> every_intrinsic() {
  std::vector<Call> calls;
  for (const InstructionInfo& in : instructions()) {
    if (in.form != Form::Configure) {
      std::string arguments;
      for (std::size_t i = 0; i < in.rs1.size() + in.rs2.size(); ++i)
        arguments += fmt::format("{}x + {}", i == 0 ? "" : ", ", i);
      calls.push_back(
          {fmt::format("assay_{}({});", identifier(in.mnemonic), arguments), std::string(in.mnemonic) + " "});
      continue;
    }
    for (unsigned e = 0; e < kEngineCount; ++e) {
      const std::string_view engine = to_string(static_cast<Engine>(e));
      const Span<RegisterInfo> registers = registers_of(static_cast<Engine>(e));
      for (std::size_t i = 0; i + in.registers_written <= registers.size(); ++i)
        calls.push_back({fmt::format("assay_{}_{}_{}({});", in.mnemonic, engine, registers[i].name,
                                     in.registers_written == 2 ? "x, x + 1" : "x"),
                         fmt::format("{} {}.{}, ", in.mnemonic, engine, registers[i].name)});
    }
  }
  return calls;
}

std::string kernel_source() {
  std::string text =
      "#include \"isa/generated/assay_intrinsics.h\"\nvoid every(uint32_t x);\nvoid every(uint32_t x) {\n";
  for (const Call& call : every_intrinsic()) text += "  " + call.code + "\n";
  return text + "}\n";
}

const char* const kFlags =
    "-O2 -march=rv64imac_zicsr_zifencei -mabi=lp64 -ffreestanding -Wall -Wextra -Werror -pedantic -c "
    "-I" GENERATED_DIR;

// The AI words of an object file, disassembled, in order.
std::vector<std::string> ai_words(const std::string& object) {
  const auto dump = test::run_process(fmt::format("{} -d {}", RISCV_OBJDUMP, object));
  EXPECT_EQ(dump.exit_code, 0) << dump.output;
  std::vector<std::string> words;
  const std::regex line("\\n *[0-9a-f]+:\\t([0-9a-f]{8}) ");
  for (std::sregex_iterator it(dump.output.begin(), dump.output.end(), line), end; it != end; ++it) {
    const auto word = static_cast<std::uint32_t>(std::stoul((*it)[1], nullptr, 16));
    const unsigned opcode = word & 0x7f;
    if (opcode == 0x0b || opcode == 0x2b) words.push_back(disassemble(word).value_or("unknown"));
  }
  return words;
}

void expect_every_instruction(const std::string& compiler, const std::string& language,
                              const std::string& extension) {
  const test::TemporaryFolder folder;
  const std::string source = folder.write("kernel" + extension, kernel_source()),
                    object = folder.file("kernel.o");
  const auto built =
      test::run_process(fmt::format("{} {} {} {} -o {}", compiler, kFlags, language, source, object));
  ASSERT_EQ(built.exit_code, 0) << built.output;
  const std::vector<Call> calls = every_intrinsic();
  const std::vector<std::string> words = ai_words(object);
  ASSERT_EQ(words.size(), calls.size());
  for (std::size_t i = 0; i < calls.size(); ++i)
    EXPECT_THAT(words[i], testing::StartsWith(calls[i].start)) << calls[i].code;
}

TEST(Intrinsics, EveryOneIsItsInstructionInCpp17) {
  expect_every_instruction(RISCV_GXX, "-std=c++17", ".cpp");
}

TEST(Intrinsics, EveryOneIsItsInstructionInC99) { expect_every_instruction(RISCV_GCC, "-std=gnu99", ".c"); }

// assay_pack_NAME(...) with each field at all ones or at zero, against the descriptors of the fields.
void add_packer_checks(std::string& text, const std::string& name, Span<Field> fields) {
  for (std::size_t set = 0; set <= fields.size(); ++set) {
    std::string arguments;
    std::uint64_t expected = 0;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const bool on = i == set || set == fields.size();
      const Field& f = fields[i];
      const bool is_signed = f.kind == FieldKind::Int;
      arguments += fmt::format("{}{}", i == 0 ? "" : ", ",
                               !on         ? "0"
                               : is_signed ? "-1"
                                           : fmt::format("{}u", f.ones()));
      if (on) expected = f.insert(expected, f.ones());
    }
    text += fmt::format("static_assert(assay_pack_{}({}) == {}u, \"\");\n", name, arguments, expected);
  }
}

TEST(Intrinsics, PackersPutEachFieldWhereTheDecoderReadsIt) {
  std::string text = "#include \"isa/generated/assay_intrinsics.h\"\n";
  for (const InstructionInfo& in : instructions()) {
    if (in.form == Form::Configure) continue;
    if (!in.rs1.empty()) add_packer_checks(text, identifier(in.mnemonic) + "_rs1", in.rs1);
    if (!in.rs2.empty()) add_packer_checks(text, identifier(in.mnemonic) + "_rs2", in.rs2);
  }
  for (const auto& [engine, set] :
       {std::pair{Engine::dma_in, "dma"}, {Engine::mxu, "mxu"}, {Engine::vxu, "vxu"}})
    for (const RegisterInfo& reg : registers_of(engine))
      add_packer_checks(text, fmt::format("{}_{}", set, reg.name), reg.fields);
  const test::TemporaryFolder folder;
  const auto built = test::run_process(fmt::format("{} {} -std=c++17 {} -o {}", RISCV_GXX, kFlags,
                                                   folder.write("pack.cpp", text), folder.file("pack.o")));
  EXPECT_EQ(built.exit_code, 0) << built.output;
}

}  // namespace
}  // namespace assay::isa
