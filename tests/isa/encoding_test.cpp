// Instruction words: encode, identify, disassemble.
#include "isa/encoding.hpp"

#include <gmock/gmock.h>

#include <set>

#include "base/error.hpp"
#include "isa/table.hpp"

namespace assay::isa {
namespace {

// Every word form of every instruction: for a configuration, each engine and register.
std::vector<Decoded> all_forms() {
  std::vector<Decoded> forms;
  for (const InstructionInfo& in : instructions()) {
    Decoded d;
    d.instruction = in.instruction;
    d.engine = in.engine;
    if (in.form != Form::Configure) {
      forms.push_back(d);
      continue;
    }
    for (unsigned e = 0; e < kEngineCount; ++e) {
      d.engine = static_cast<Engine>(e);
      const std::size_t count = registers_of(*d.engine).size();
      for (d.register_index = 0; d.register_index + in.registers_written <= count; ++d.register_index)
        forms.push_back(d);
    }
  }
  return forms;
}

TEST(Encoding, EveryWordFormDecodesBackWithEveryCornerOfItsRegisters) {
  std::set<std::uint32_t> words;
  for (Decoded form : all_forms())
    for (const std::uint8_t rs1 : std::initializer_list<std::uint8_t>{0, 1, 10, 31})
      for (const std::uint8_t rs2 : std::initializer_list<std::uint8_t>{0, 1, 11, 31}) {
        const InstructionInfo& in = info(form.instruction);
        form.rs1 = in.rs1.empty() ? std::uint8_t{0} : rs1;
        form.rs2 = in.rs2.empty() ? std::uint8_t{0} : rs2;
        const std::uint32_t word = encode(form);
        words.insert(word);
        const auto back = identify(word);
        ASSERT_TRUE(back) << in.mnemonic;
        EXPECT_EQ(back->instruction, form.instruction);
        EXPECT_EQ(back->rs1, form.rs1);
        EXPECT_EQ(back->rs2, form.rs2);
        EXPECT_EQ(back->engine, form.engine) << in.mnemonic;
        EXPECT_EQ(back->register_index, form.register_index);
      }
  EXPECT_GT(words.size(), all_forms().size());
}

TEST(Encoding, WordsThatIdentifyAcceptsAreExactlyThoseThatEncodeMakes) {
  // Every funct3, funct7 and opcode with rd = x0, rs1 = a0, rs2 = a1 or x0.
  std::set<std::uint32_t> made;
  for (Decoded form : all_forms()) {
    const InstructionInfo& in = info(form.instruction);
    form.rs1 = in.rs1.empty() ? std::uint8_t{0} : std::uint8_t{10};
    form.rs2 = in.rs2.empty() ? std::uint8_t{0} : std::uint8_t{11};
    made.insert(encode(form));
  }
  std::set<std::uint32_t> accepted;
  for (std::uint32_t functs = 0; functs < 1024; ++functs)
    for (const std::uint32_t opcode : {0x0bu, 0x2bu, 0x33u})
      for (const std::uint32_t rs2 : {0u, 11u}) {
        const std::uint32_t word = (functs >> 3) << 25 | rs2 << 20 | 10u << 15 | (functs & 7) << 12 | opcode;
        const auto decoded = identify(word);
        if (decoded && (rs2 != 0 || info(decoded->instruction).rs2.empty())) accepted.insert(word);
      }
  EXPECT_EQ(accepted, made);
}

TEST(Encoding, AWordWithADestinationRegisterIsNoAiInstruction) {
  for (const Decoded& form : all_forms()) EXPECT_FALSE(identify(encode(form) | 1u << 7));
}

TEST(Encoding, AnUnusedSourceRegisterMustBeX0) {
  Decoded load;
  load.instruction = Instruction::mxu_load;
  load.rs1 = 10;
  EXPECT_TRUE(identify(encode(load)));
  EXPECT_FALSE(identify(encode(load) | 11u << 20));
}

TEST(Encoding, ImpossibleRequestsAreRefused) {
  Decoded d;
  d.instruction = Instruction::mxu_load;
  d.rs2 = 1;
  EXPECT_THROW(encode(d), Error);
  d.rs2 = 0;
  d.rs1 = 32;
  EXPECT_THROW(encode(d), Error);
  d = Decoded{};
  d.instruction = Instruction::cfg;
  EXPECT_THROW(encode(d), Error) << "no engine";
  d.engine = Engine::mxu;
  d.register_index = static_cast<std::uint8_t>(registers_of(Engine::mxu).size());
  EXPECT_THROW(encode(d), Error) << "no such register";
}

std::uint32_t r_type(unsigned opcode, unsigned funct3, unsigned funct7, unsigned rs1, unsigned rs2) {
  return funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | opcode;
}

TEST(Disassembly, NamesRegistersAsTheAbiDoes) {
  EXPECT_EQ(disassemble(r_type(0x0b, 1, 1, 10, 11)), "mxu.ws a0, a1");
  EXPECT_EQ(disassemble(r_type(0x0b, 1, 0, 31, 0)), "mxu.load t6");
  EXPECT_EQ(disassemble(r_type(0x0b, 3, 2, 8, 0)), "fence.ai s0");
  EXPECT_EQ(disassemble(r_type(0x2b, 2, 1, 5, 0)), "cfg mxu.size, t0");
  EXPECT_EQ(disassemble(r_type(0x2b, 6, 1, 12, 13)), "cfg2 mxu.size, a2, a3");
  EXPECT_EQ(disassemble(r_type(0x2b, 1, 0, 1, 0)), "cfg dma_out.run, ra");
}

TEST(Disassembly, IsEmptyForAnythingElse) {
  EXPECT_EQ(disassemble(0x00000013), std::nullopt);                // nop
  EXPECT_EQ(disassemble(r_type(0x0b, 7, 0, 1, 2)), std::nullopt);  // no such funct3
  // The last register of an engine starts no pair, and a register that it lacks is none.
  const unsigned count = static_cast<unsigned>(registers_of(Engine::mxu).size());
  EXPECT_NE(disassemble(r_type(0x2b, 6, count - 2, 1, 2)), std::nullopt);
  EXPECT_EQ(disassemble(r_type(0x2b, 6, count - 1, 1, 2)), std::nullopt);
  EXPECT_EQ(disassemble(r_type(0x2b, 2, count, 1, 0)), std::nullopt);
}

}  // namespace
}  // namespace assay::isa
