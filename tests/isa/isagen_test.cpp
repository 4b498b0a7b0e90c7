// A broken instruction table breaks the build with one line that names the table's line and the culprits.
#include <gmock/gmock.h>

#include "../support/process.hpp"

namespace assay {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// isagen on the real table after one replacement, which must be possible.
class BrokenTable : public testing::Test {
 protected:
  test::ProcessResult generate(const std::string& from, const std::string& to) {
    std::string text = test::read_text(ISA_TABLE);
    if (!from.empty()) {
      const std::size_t at = text.find(from);
      EXPECT_NE(at, std::string::npos) << "the table has no '" << from << "'";
      if (at != std::string::npos) text.replace(at, from.size(), to);
    }
    const std::string table = folder_.write("table.yaml", text);
    return test::run_process(std::string(ISAGEN) + " " + table + " " + folder_.file("out"));
  }

  void expect_error(const std::string& from, const std::string& to, const std::string& message) {
    const test::ProcessResult result = generate(from, to);
    EXPECT_EQ(result.exit_code, 2) << result.output;
    EXPECT_THAT(result.output, StartsWith(folder_.file("table.yaml:")));
    EXPECT_THAT(result.output, HasSubstr(message));
    EXPECT_EQ(std::count(result.output.begin(), result.output.end(), '\n'), 1) << result.output;
  }

  test::TemporaryFolder folder_;
};

TEST_F(BrokenTable, TheRealOneIsNot) {
  const test::ProcessResult result = generate("", "");
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_EQ(result.output, "");
}

TEST_F(BrokenTable, TwoInstructionsWithOneEncoding) {
  expect_error("mnemonic: mxu.os\n    opcode: custom-0\n    funct3: 1\n    funct7: 2",
               "mnemonic: mxu.os\n    opcode: custom-0\n    funct3: 1\n    funct7: 1",
               "mxu.os and mxu.ws (line ");
}

TEST_F(BrokenTable, AnInstructionInsideAConfigurationFamily) {
  expect_error("mnemonic: fence.ai\n    opcode: custom-0\n    funct3: 3\n    funct7: 2",
               "mnemonic: fence.ai\n    opcode: custom-1\n    funct3: 6\n    funct7: 99",
               "cfg2 and fence.ai (line ");
}

TEST_F(BrokenTable, TwoFamiliesThatShareAnEngineCode) {
  expect_error("funct3: {engine: 4}", "funct3: {engine: 3}", "cfg2 and cfg (line ");
}

TEST_F(BrokenTable, AFamilyThatDoesNotFitFunct3) {
  expect_error("funct3: {engine: 4}", "funct3: {engine: 5}", "cfg2: engine vxu does not fit funct3");
}

TEST_F(BrokenTable, FieldsThatOverlap) {
  expect_error("name: n, bits: \"39:24\"", "name: n, bits: \"39:23\"",
               "mxu.size: fields m and n overlap at bit 23");
  expect_error("name: b_addr, bits: \"63:32\"", "name: b_addr, bits: \"62:31\"",
               "fields a_addr and b_addr overlap at bit 31");
}

TEST_F(BrokenTable, RangesThatDoNotFitTheirBits) {
  expect_error("max: 16777215, doc: rows of A", "max: 16777216, doc: rows of A",
               "max: 16777216 does not fit 24 bits");
  expect_error("bits: \"7:0\", min: 0, max: 63", "bits: \"7:0\", min: -1, max: 63",
               "min: -1 does not fit 8 bits");
  expect_error("bits: \"7:0\", min: 0, max: 63", "bits: \"7:0\", min: 9, max: 3", "max: 3 is below min");
}

TEST_F(BrokenTable, CodesThatDoNotFitTheirBits) {
  expect_error("name: reduction, bits: \"31:28\"", "name: reduction, bits: \"28:28\"",
               "value max = 2 does not fit 1 bits");
}

TEST_F(BrokenTable, NamesThatAreGivenTwice) {
  expect_error("mnemonic: mxu.os", "mnemonic: mxu.ws", "mnemonic mxu.ws is given twice");
  expect_error("name: k_last", "name: n_last", "field n_last is given twice in set mxu");
  expect_error("name: outer_tail", "name: repeat", "register mxu.repeat is given twice");
  expect_error("{name: a_addr", "{name: dtype", "operand field dtype is also a field of register mxu.format");
}

TEST_F(BrokenTable, EnumCodesThatAreGivenTwice) {
  expect_error("{none: 0, sum: 1, max: 2}", "{none: 0, sum: 1, max: 1}",
               "enum reduction: sum and max share code 1");
}

TEST_F(BrokenTable, AResetValueOutsideEveryField) {
  expect_error("name: outer_tail", "name: outer_tail\n        reset: 0x1000000",
               "register mxu.outer_tail: reset value 0x1000000 sets a bit outside every field");
}

TEST_F(BrokenTable, UnknownNames) {
  expect_error("type: vector_function", "type: vector_funktion", "did you mean 'vector_function'?");
  expect_error("engines: [mxu]", "engines: [mxy]", "unknown engine 'mxy'");
  expect_error("values: [f32, f16, bf16, s8, u8, e4m3, e5m2]", "values: [f32, f16, bf61, s8]",
               "did you mean 'bf16'?");
  expect_error("align: 4", "aling: 4", "unknown key 'aling'");
}

TEST_F(BrokenTable, SyntaxAndMissingFiles) {
  expect_error("isa_version: 1", "isa_version: [1", "not valid YAML");
  const auto missing = test::run_process(std::string(ISAGEN) + " /nonexistent.yaml " + folder_.file("out"));
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_EQ(missing.output, "/nonexistent.yaml: cannot be read\n");
}

}  // namespace
}  // namespace assay
