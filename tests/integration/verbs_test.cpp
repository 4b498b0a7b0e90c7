// The program from outside: config, isa, disasm, and what every verb does with bad input.
#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>

#include "../support/program.hpp"

namespace assay {
namespace {

using nlohmann::json;
using test::assay;
using test::expect_error;
using test::output_of;
using testing::HasSubstr;
using testing::StartsWith;

TEST(Program, EveryVerbHasHelp) {
  EXPECT_THAT(output_of("--help"), HasSubstr("Exit codes: 0 pass, 1 fail"));
  for (const char* verb : {"config", "config show", "config check", "config diff", "isa", "diff", "disasm",
                           "golden", "golden record", "golden check", "golden faults", "golden alarms",
                           "golden precision", "mem", "operators"})
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

TEST(Operators, SaysWhatRunsWhereAndWhyNot) {
  const json rows = json::parse(output_of("operators --json --config edge16"));
  const auto row = [&](const std::string& op, const std::string& dtype) {
    for (const json& r : rows)
      if (r.at("operator") == op && r.at("dtype") == dtype) return r;
    return json();
  };
  EXPECT_EQ(row("conv", "bf16").at("supported"), true);
  EXPECT_EQ(row("softmax", "s8").at("supported"), false);
  EXPECT_THAT(row("softmax", "s8").at("why_not"), HasSubstr("expected f32, f16 or bf16"));
  EXPECT_THAT(output_of("operators"), HasSubstr("gemm           s4    server128  no: gemm: input 'A' is s4"));
  EXPECT_THAT(output_of("operators --markdown"), StartsWith("| operator | f32 |"));
  expect_error(2, "operators: --json excludes --markdown", "operators --json --markdown");
  expect_error(2, "unknown configuration 'edge17'", "operators --config edge17");
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
  expect_error(7, "is for machine", "disasm /bin/sh");
  expect_error(7, "cannot be read", "disasm /nonexistent.elf");
}

TEST(Mem, PrintsBandwidthRowsLatenciesAndTheLimit) {
  const std::string text = output_of("mem --size 4MiB");
  EXPECT_THAT(text,
              HasSubstr("memory       hbm2_1563, 64 channels, 800.0 GB/s at the pins, refresh leaves 91.0%"));
  EXPECT_THAT(text,
              HasSubstr("traffic      sequential, 65536 reads and 0 writes of 64 bytes, 4096 outstanding"));
  for (const char* part :
       {"bandwidth ", "bounds ", "rows ", "reads ", "data bus ", "million requests a second"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST(Mem, ReportsEveryPatternAsJson) {
  for (const std::string pattern : {"sequential", "random", "strided", "copy", "tile"}) {
    const json result =
        json::parse(output_of("mem --size 1MiB --requests 5000 --seed 7 --json --pattern " + pattern));
    EXPECT_EQ(result["pattern"], pattern);
    EXPECT_EQ(result["requests"]["reads"].get<int>() + result["requests"]["writes"].get<int>(), 5000);
    EXPECT_EQ(result["requests"]["bytes"], 5000 * 64);
    EXPECT_EQ(result["latency_ns"]["reads"]["count"], result["requests"]["reads"]);
    EXPECT_LE(result["latency_ns"]["reads"]["min"], result["latency_ns"]["reads"]["p50"]);
    EXPECT_LE(result["latency_ns"]["reads"]["p99"], result["latency_ns"]["reads"]["max"]);
    double shares = 0;
    for (const auto& owner : result["data_bus"]) shares += owner["share"].get<double>();
    EXPECT_NEAR(shares, 1, 1e-9) << pattern;
  }
}

TEST(Mem, NamesTheLimitThatBinds) {
  const auto limit = [](const std::string& arguments) {
    return json::parse(output_of("mem --json " + arguments))["bandwidth"]["limit"].get<std::string>();
  };
  EXPECT_EQ(limit("--pattern sequential"), "bus");
  EXPECT_EQ(limit("--pattern random --requests 300000 --outstanding 16384"), "tFAW");
  EXPECT_EQ(limit("--pattern random --requests 300000 --outstanding 16384 --table hbm2e_3200"), "tRRD");
  EXPECT_EQ(limit("--pattern sequential --outstanding 16"), "queue");
  EXPECT_EQ(limit("--config tpuv1 --writes 50 --outstanding 32 --size 4MiB"), "turnaround");
  // One bank of one channel, another row each time.
  EXPECT_EQ(limit("--config tpuv1 --pattern strided --stride 64KiB --size 1GiB --requests 1000 "
                  "--address-map 'row:16 channel:1 bank:3 column:7 byte:6'"),
            "row");
}

TEST(Mem, TakesAnotherTableWithAnAddressMapOfItsOwn) {
  const json result = json::parse(output_of("mem --table hbm3_6400 --refresh per_bank --size 1MiB --json"));
  EXPECT_EQ(result["table"], "hbm3_6400");
  EXPECT_EQ(result["address_map"], "row:14 bank:3^row column:2 group:2^all channel:5^poly column:3 byte:5");
  EXPECT_EQ(json::parse(output_of("mem --config edge16 --size 1MiB --json"))["table"], "lpddr4_3200");
}

TEST(Mem, WritesEveryCommandAsCsv) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("trace.csv");
  const json result = json::parse(output_of("mem --pattern random --requests 1000 --json --trace " + path));
  const std::string text = test::read_text(path);
  EXPECT_THAT(text, StartsWith("clock,channel,command,group,bank,row,column\n"));
  const auto count = [&text](const std::string& command) {
    std::size_t found = 0;
    for (std::size_t at = text.find(command); at != std::string::npos; at = text.find(command, at + 1))
      ++found;
    return found;
  };
  EXPECT_EQ(count(",activate,"), result["rows"]["activates"].get<std::size_t>());
  EXPECT_EQ(count(",read,"), 2000u) << "two bursts each";
}

TEST(Mem, RefusesWhatCannotBe) {
  expect_error(
      2, "pattern 'randm': expected one of sequential, random, strided, copy, tile; did you mean 'random'?",
      "mem --pattern randm");
  expect_error(2, "unknown timing table 'hbm3_6499'", "mem --table hbm3_6499");
  expect_error(2, "did you mean 'hbm3_6400'?", "mem --table hbm3_6499");
  expect_error(2, "mem: hbm.controller.address_map: byte has 0 bits; table hbm2_1563 needs 5",
               "mem --address-map row:1");
  expect_error(2, "mem: hbm.controller.refresh = per_bank: table ddr3_2133 has no per-bank refresh",
               "mem --config tpuv1 --refresh per_bank");
  expect_error(2, "request of 512 bytes: a power of two up to 256", "mem --request-bytes 512");
  expect_error(2, "size of 32 bytes is below a request, 64", "mem --size 32");
  expect_error(2, "exceeds the memory's 137438953472", "mem --config edge16 --table hbm2_1563 --size 1TiB");
  expect_error(2, "0 requests outstanding", "mem --outstanding 0");
  expect_error(2, "stride of 100 bytes is no multiple of a request, 64",
               "mem --pattern strided --stride 100");
  expect_error(2, "a copy writes what it reads", "mem --pattern copy --writes 10");
  expect_error(2, "101 percent of writes", "mem --writes 101");
  expect_error(2, "mem: --tile 'x5': expected ROWSxBYTES", "mem --pattern tile --tile x5");
  expect_error(2, "mem: --tile belongs to --pattern tile", "mem --tile 4x64");
  expect_error(3, "/nonexistent/t.csv cannot be written", "mem --requests 10 --trace /nonexistent/t.csv");
  expect_error(3, "/dev/full cannot be written", "mem --requests 10 --trace /dev/full");
}

}  // namespace
}  // namespace assay
