// The program from outside: config, isa, disasm, and what every verb does with bad input.
#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>

#include "../support/process.hpp"

namespace assay {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

test::ProcessResult assay(const std::string& arguments) {
  return test::run_process(std::string(ASSAY_PROGRAM) + " " + arguments);
}

std::string output_of(const std::string& arguments) {
  const test::ProcessResult result = assay(arguments);
  EXPECT_EQ(result.exit_code, 0) << arguments << "\n" << result.output;
  return result.output;
}

// One line on standard error, nothing on standard output, and the documented exit code.
void expect_error(int exit_code, const std::string& message, const std::string& arguments) {
  const test::ProcessResult result = assay(arguments);
  EXPECT_EQ(result.exit_code, exit_code) << arguments << "\n" << result.output;
  EXPECT_THAT(result.output, StartsWith("assay: "));
  EXPECT_THAT(result.output, HasSubstr(message));
  EXPECT_EQ(std::count(result.output.begin(), result.output.end(), '\n'), 1) << result.output;
  EXPECT_EQ(test::run_process(std::string(ASSAY_PROGRAM) + " " + arguments + " 2>/dev/null | cat").output,
            "");
}

TEST(Program, EveryVerbHasHelp) {
  EXPECT_THAT(output_of("--help"), HasSubstr("Exit codes: 0 pass, 1 fail"));
  for (const char* verb : {"config", "config show", "config check", "config diff", "isa", "disasm"})
    EXPECT_THAT(output_of(std::string(verb) + " --help"), HasSubstr("Usage:"));
}

TEST(Program, BadCommandLinesAreOneLineUsageErrors) {
  expect_error(2, "no verb given; assay --help lists them", "");
  expect_error(2, "unknown verb 'confg'; expected one of ", "confg");
  expect_error(2, "did you mean 'config'?", "confg");
  expect_error(2, "unknown verb 'shwo'; expected one of show, check, diff; did you mean 'show'?",
               "config shwo");
  expect_error(2, "unknown option '--jsn'; expected one of --help, --json; did you mean '--json'?",
               "config show edge16 --jsn");
  expect_error(2, "isa: unexpected argument 'mxu.ws'", "isa mxu.ws");
  expect_error(2, "diff: ", "config diff edge16");
  expect_error(2, "disasm: file is required", "disasm");
}

TEST(Config, ShowPrintsEveryParameterWithMeaningAndRange) {
  const std::string text = output_of("config show server128");
  EXPECT_THAT(text,
              HasSubstr("mxu.rows                       128          # rows of the array (R) [1 .. 1024]"));
  EXPECT_THAT(text, HasSubstr("memory.tRFC_ns"));
  EXPECT_THAT(text, HasSubstr("peak_bf16_gmac_per_s           16384"));
  EXPECT_THAT(text, HasSubstr("hbm_pin_gb_per_s               800"));
}

TEST(Config, ShowAsJsonHasTypedValues) {
  const json shown = json::parse(output_of("config show tpuv1 --json"));
  EXPECT_EQ(shown["parameters"]["mxu.rows"]["value"], 256);
  EXPECT_EQ(shown["parameters"]["mxu.rates.f32"]["value"], "1/16");
  EXPECT_EQ(shown["parameters"]["mxu.hypothetical"]["value"], (json{"f32", "f16", "bf16"}));
  EXPECT_EQ(shown["parameters"]["memory.standard"]["value"], "DDR3");
  EXPECT_NEAR(shown["derived"]["hbm_pin_gb_per_s"].get<double>(), 34.13, 0.01);
}

TEST(Config, CheckWithoutANameChecksAll) {
  const std::string text = output_of("config check");
  for (const char* name : {"server128", "edge16", "tpuv1", "tiny4", "wide8x32"})
    EXPECT_THAT(text, HasSubstr(std::string(name) + ".yaml: ok"));
}

TEST(Config, DiffListsWhatDiffersAndExitsWithOne) {
  const test::ProcessResult differ = assay("config diff edge16 server128");
  EXPECT_EQ(differ.exit_code, 1);
  EXPECT_THAT(differ.output, HasSubstr("mxu.rows                       16 -> 128"));
  EXPECT_EQ(output_of("config diff edge16 edge16"), "");
  EXPECT_EQ(json::parse(output_of("config diff edge16 edge16 --json")), json::array());
}

TEST(Config, BadConfigurationsAreOneLineUsageErrors) {
  const test::TemporaryFolder folder;
  const auto edited = [&](const char* from, const char* to) {
    const std::string text = output_of("config show server128 --json");
    std::string yaml = test::read_text(json::parse(text)["file"].get<std::string>());
    return folder.write("m.yaml", yaml.replace(yaml.find(from), std::string(from).size(), to));
  };
  expect_error(2, "m.yaml:3: top level: unknown key 'frq_mhz'",
               "config check " + edited("freq_mhz", "frq_mhz"));
  expect_error(2, "m.yaml:2: top level: missing key 'freq_mhz'",
               "config check " + edited("freq_mhz: 1000\n", ""));
  expect_error(2, "m.yaml: mxu.pe_latency = 3: only 1 is modelled",
               "config check " + edited("pe_latency: 1", "pe_latency: 3"));
  expect_error(2, "unknown configuration 'sever128'", "config show sever128");
}

TEST(Isa, ListsEveryInstructionAndPrintsThePage) {
  const std::string list = output_of("isa");
  for (const char* mnemonic : {"dma.in", "mxu.ws", "vxu.pass", "sem.wait", "fence.ai", "cfg2"})
    EXPECT_THAT(list, HasSubstr(std::string(mnemonic) + " "));
  EXPECT_THAT(output_of("isa --markdown"), StartsWith("# AI instructions, version 1\n"));
  EXPECT_EQ(json::parse(output_of("isa --json"))["instructions"][0]["mnemonic"], "dma.in");
}

TEST(Disasm, ShowsHostAndAiInstructionsTogether) {
  const std::string text = output_of(std::string("disasm ") + KERNEL);
  EXPECT_THAT(text, HasSubstr("<_start>:"));
  EXPECT_THAT(text, HasSubstr("csrw       mtvec,t0"));
  EXPECT_THAT(text, testing::ContainsRegex("mxu.ws     [a-z0-9]+, [a-z0-9]+"));
  EXPECT_THAT(text, testing::ContainsRegex("cfg2 +mxu\\.format, [a-z0-9]+, [a-z0-9]+"));
  EXPECT_THAT(text, testing::ContainsRegex("jal        [0-9a-f]+ <assay_kernel>"));
  EXPECT_THAT(text, testing::Not(HasSubstr("unknown")));
}

// Address and bytes of every instruction, as GNU objdump sees them.
TEST(Disasm, CutsTheProgramIntoTheSameInstructionsAsObjdump) {
  const auto dump = test::run_process(std::string(RISCV_OBJDUMP) + " -d " + KERNEL);
  ASSERT_EQ(dump.exit_code, 0);
  std::vector<std::pair<std::uint64_t, std::uint32_t>> expected, got;
  const std::regex line("\\n *([0-9a-f]+):\\t([0-9a-f]+) ");
  for (std::sregex_iterator it(dump.output.begin(), dump.output.end(), line), end; it != end; ++it)
    expected.emplace_back(std::stoull((*it)[1], nullptr, 16), std::stoul((*it)[2], nullptr, 16));
  const json listing = json::parse(output_of(std::string("disasm --json ") + KERNEL));
  for (const json& entry : listing["instructions"]) got.emplace_back(entry["address"], entry["word"]);
  EXPECT_GT(got.size(), 100u);
  EXPECT_EQ(got, expected);
}

TEST(Disasm, FilesThatAreNoKernelsAreBadInput) {
  const test::TemporaryFolder folder;
  const std::string kernel = test::read_text(KERNEL);
  expect_error(7, "lies beyond the end of the file",
               "disasm " + folder.write("t.elf", kernel.substr(0, 5000)));
  expect_error(7, "is no ELF file", "disasm " + folder.write("t.elf", "hello, this is a text"));
  expect_error(7, "is for machine", std::string("disasm ") + ASSAY_PROGRAM);
  expect_error(7, "cannot be read", "disasm /nonexistent.elf");
}

}  // namespace
}  // namespace assay
