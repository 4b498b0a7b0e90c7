// The program as a user meets it: verdicts, exit codes, one-line errors. Each row breaks one thing.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "../support/process.hpp"

namespace assay::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

ProcessResult assay(const std::string& arguments, const std::string& environment = "") {
  return run_process(fmt::format("{} '{}' {}", environment, ASSAY_PROGRAM, arguments));
}

std::string node_case(const std::string& name) { return fmt::format("{}/node/{}", ONNX_TESTDATA, name); }

// One line on the terminal, from the program itself, and no trace of a crash.
void expect_error(const ProcessResult& r, int exit_code, const std::string& part) {
  EXPECT_EQ(r.exit_code, exit_code) << r.output;
  EXPECT_THAT(r.output, HasSubstr(part));
  EXPECT_THAT(r.output, ::testing::StartsWith("assay: "));
  EXPECT_EQ(std::count(r.output.begin(), r.output.end(), '\n'), 1) << r.output;
}

// --- cases that pass ---------------------------------------------------------------------------------

TEST(Cli, RunEndsWithItsVerdictAndTheClosingBlock) {
  const ProcessResult r = assay("run gemm --m 37 --n 21 --k 19 --dtype bf16 --config edge16");
  EXPECT_EQ(r.exit_code, 0) << r.output;
  for (const char* part :
       {"golden    cpu", "golden    dnnl", "cycles ", "roofline ", "losses ", "verdict   PASS\n"})
    EXPECT_THAT(r.output, HasSubstr(part));
}

TEST(Cli, JsonHasTheDocumentedKeys) {
  const ProcessResult r = assay("run gemm --m 8 --n 8 --k 8 --dtype f32 --config edge16 --json");
  ASSERT_EQ(r.exit_code, 0) << r.output;
  const auto json = nlohmann::json::parse(r.output);
  EXPECT_EQ(json.at("verdict"), "PASS");
  EXPECT_GT(json.at("cycles").get<int>(), 0);
  EXPECT_EQ(json.at("macs").at("declared"), 512);
  EXPECT_EQ(json.at("macs").at("executed"), 512);
  EXPECT_GE(json.at("macs").at("padding").get<int>(), 0);
  EXPECT_EQ(json.at("bytes").at("compulsory"), 3 * 256);
  EXPECT_GE(json.at("bytes").at("moved").get<int>(), 3 * 256);
  EXPECT_GT(json.at("roofline").at("attainable_cycles").get<int>(), 0);
  EXPECT_TRUE(json.at("accounting").contains("mxu"));
  EXPECT_EQ(json.at("golden").size(), 2U);
}

TEST(Cli, AnOperatorWithoutMacsCountsElements) {
  const std::string run = "run add --input A:bf16:40x1 --input B:bf16:30 --config edge16";
  const ProcessResult r = assay(run);
  EXPECT_EQ(r.exit_code, 0) << r.output;
  for (const char* part :
       {"golden    cpu", "golden    dnnl", "1200 vector elements, ", "of 16 element/cycle"})
    EXPECT_THAT(r.output, HasSubstr(part));
  EXPECT_THAT(r.output, Not(HasSubstr("MAC")));
  const auto json = nlohmann::json::parse(assay(run + " --json").output);
  EXPECT_EQ(json.at("vector_elements").at("declared"), 1200);
  EXPECT_EQ(json.at("vector_elements").at("executed"), 1200);
  EXPECT_EQ(json.at("roofline").at("peak_elements_per_cycle"), 16);
}

TEST(Cli, EveryModePassesForElementwiseOperators) {
  for (const char* mode : {"bits", "exact", "real"})
    for (const char* op : {"add", "sub", "mul", "div"})
      for (const char* dtype : {"f32", "f16", "bf16", "s8", "u8", "s32"})
        EXPECT_EQ(
            assay(fmt::format("run {0} --input A:{1}:7x1 --input B:{1}:scalar --mode {2} --config edge16", op,
                              dtype, mode))
                .exit_code,
            0)
            << op << " " << dtype << " " << mode;
}

TEST(Cli, InputsThatAnElementwiseOperatorLacksAreNamed) {
  expect_error(assay("run add"), 2, "add: give --input NAME:DTYPE:SHAPE for each input; the first is 'A'");
  expect_error(assay("run add --input A:f32:3 --input B:f32:2"), 2, "input 'B' [2] does not broadcast");
  expect_error(assay("run relu --input X:f32:3 --input Y:f32:3"), 2, "operator relu has only 1 inputs");
  expect_error(assay("run max --input A:f32:3"), 2, "input 1 of max is 'data_0', not 'A'");
  expect_error(assay("run mul --input A:f32:3 --input B:f16:3"), 6, "all must be of one type");
  expect_error(assay("run relu --input X:f32:1x1x1x1x1x1x1x1x1"), 6, "rank 9, the most is 8");
}

TEST(Cli, CountersAreThoseOfTheResult) {
  const std::string run =
      "run gemm --m 100 --n 90 --k 80 --dtype bf16 --config edge16 --no-values --counters";
  const auto json = nlohmann::json::parse(assay(run + " --json").output);
  const auto& counters = json["counters"];
  EXPECT_EQ(counters["cycles"], json["cycles"]);
  EXPECT_EQ(counters["instructions"], json["host_instructions"]);
  EXPECT_EQ(counters["mxu_macs"], json["macs"]["executed"]);
  EXPECT_EQ(counters["mxu_macs_padding"], json["macs"]["padding"]);
  EXPECT_EQ(counters["mxu_useful"], json["accounting"]["mxu"]["useful"]);
  EXPECT_EQ(counters["dma_in_bytes"].get<int>() + counters["dma_out_bytes"].get<int>(),
            json["bytes"]["moved"]);
  EXPECT_EQ(counters["hbm_row_hits"], json["hbm"]["row_hits"]);
  std::uint64_t commands = 0;
  for (const char* engine : {"dma_in", "dma_out", "mxu", "vxu"})
    commands += counters[std::string(engine) + "_commands"].get<std::uint64_t>();
  EXPECT_EQ(commands, json["commands"]);
  EXPECT_THAT(assay(run).output, HasSubstr("0x303 mxu_macs "));
  EXPECT_FALSE(nlohmann::json::parse(assay("run gemm --m 8 --n 8 --k 8 --no-values --json").output)
                   .contains("counters"));
}

TEST(Cli, EveryUnitsAccountSumsToTheCycles) {
  const ProcessResult r = assay("run gemm --m 100 --n 90 --k 80 --dtype bf16 --config edge16 --json");
  const auto json = nlohmann::json::parse(r.output);
  ASSERT_EQ(json.at("accounting").size(), 5U);
  for (const auto& [unit, owners] : json.at("accounting").items()) {
    std::uint64_t sum = 0;
    for (const auto& cycles : owners) sum += cycles.get<std::uint64_t>();
    EXPECT_EQ(sum, json.at("cycles").get<std::uint64_t>()) << unit;
  }
}

TEST(Cli, TheReproduceLineRunsTheSameCaseAgain) {
  const std::string first =
      assay("run gemm --m 9 --n 5 --k 7 --dtype f16 --mode bits --data special --seed 3 --config edge16")
          .output;
  const std::size_t at = first.find("again     assay ");
  ASSERT_NE(at, std::string::npos);
  const std::string line = first.substr(at + 16, first.find('\n', at) - at - 16);
  EXPECT_EQ(assay(line).output, first);
}

TEST(Cli, TheReproduceLineKeepsWhatDecidesTheVerdict) {
  for (const std::string options :
       {"--jitter 7", "--no-values", "--no-sanitizer", "--golden cpu,strict", "--max-cycles 100"}) {
    const std::string first =
        assay("run gemm --m 9 --n 5 --k 7 --dtype f16 --config edge16 " + options).output;
    const std::size_t at = first.find("again     assay ");
    ASSERT_NE(at, std::string::npos);
    const std::string line = first.substr(at + 16, first.find('\n', at) - at - 16);
    EXPECT_THAT(line, HasSubstr(" " + options));
    EXPECT_EQ(assay(line).output, first);
  }
}

TEST(Cli, ExactAndBitsModesPassToo) {
  EXPECT_EQ(assay("run gemm --m 33 --n 20 --k 50 --dtype f16 --mode exact --config edge16").exit_code, 0);
  EXPECT_EQ(assay("run gemm --m 33 --n 20 --k 50 --dtype s8 --mode bits --config tpuv1").exit_code, 0);
  EXPECT_EQ(
      assay("run gemm --m 33 --n 20 --k 50 --dtype f32 --golden strict,cpu,dnnl --config edge16").exit_code,
      0);
}

TEST(Cli, OnnxCasesPassOnBothMachines) {
  for (const char* name :
       {"test_gemm_all_attributes", "test_gemm_alpha", "test_gemm_beta", "test_gemm_default_matrix_bias",
        "test_gemm_default_no_bias", "test_gemm_default_scalar_bias",
        "test_gemm_default_single_elem_vector_bias", "test_gemm_default_vector_bias",
        "test_gemm_default_zero_bias", "test_gemm_transposeA", "test_gemm_transposeB", "test_matmul_2d",
        "test_matmul_3d", "test_matmul_4d"})
    for (const char* config : {"edge16", "server128"}) {
      const ProcessResult r = assay(fmt::format("run --onnx-case '{}' --config {}", node_case(name), config));
      EXPECT_EQ(r.exit_code, 0) << r.output;
      EXPECT_THAT(r.output, HasSubstr("golden    recorded")) << name;
    }
}

TEST(Cli, EveryGemmAndMatmulFolderOfTheTestDataIsInTheListAbove) {
  int folders = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(ONNX_TESTDATA) + "/node")) {
    const std::string name = entry.path().filename();
    folders += name.rfind("test_gemm_", 0) == 0 || name.rfind("test_matmul_", 0) == 0 ? 1 : 0;
  }
  EXPECT_EQ(folders, 14);
}

TEST(Cli, ATypeThatTheRealMachineLacksIsCalledHypothetical) {
  EXPECT_THAT(assay("run gemm --m 8 --n 8 --k 8 --dtype bf16 --config tpuv1").output,
              HasSubstr("bf16 is hypothetical on tpuv1"));
  EXPECT_THAT(assay("run gemm --m 8 --n 8 --k 8 --dtype s8 --config tpuv1").output,
              Not(HasSubstr("hypothetical")));
}

TEST(Cli, ACaseFileRuns) {
  const TemporaryFolder folder;
  const std::string file =
      folder.write("case.yaml",
                   "operator: gemm\ninputs:\n  - {name: A, dtype: bf16, shape: [5, 9]}\n"
                   "  - {name: B, dtype: bf16, shape: [9, 7]}\nattributes: {alpha: 0.5}\n"
                   "config: edge16\nmode: bits\ndata: cancellation\nseed: 7\n");
  EXPECT_EQ(assay(fmt::format("run --case '{}'", file)).exit_code, 0);
}

TEST(Cli, EveryExampleCasePasses) {
  int cases = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(CONFIG_DIR) + "/../examples")) {
    if (entry.path().extension() != ".yaml") continue;
    const ProcessResult r = assay(fmt::format("run --case '{}'", entry.path().string()));
    EXPECT_EQ(r.exit_code, 0) << r.output;
    ++cases;
  }
  EXPECT_EQ(cases, 4);
}

// --- unverified runs are no passes -------------------------------------------------------------------

TEST(Cli, NothingUnverifiedPasses) {
  EXPECT_EQ(assay("run gemm --m 8 --n 8 --k 8 --golden none --config edge16").exit_code, 10);
  EXPECT_EQ(assay("run gemm --m 8 --n 8 --k 8 --no-values --config edge16").exit_code, 10);
}

TEST(Cli, AGoldenWithoutItsDeviceEndsBeforeTheRun) {
  const ProcessResult r = assay("run gemm --m 8 --n 8 --k 8 --golden cuda --config edge16");
  if (r.exit_code == 0) return;  // there is a GPU
  expect_error(r, 9, "golden cuda: no device: ");
}

// --- errors of the command line and of configurations: 2 ----------------------------------------------

TEST(Cli, UnknownVerbOptionOperatorDtypeNameTheNearest) {
  expect_error(assay("rum"), 2, "did you mean 'run'?");
  expect_error(assay("run gemm --m 8 --n 8 --k 8 --dtyp bf16"), 2, "did you mean '--dtype'?");
  expect_error(assay("run gem --m 8 --n 8 --k 8"), 6, "gemm");
  expect_error(assay("run gemm --m 8 --n 8 --k 8 --dtype bf61"), 2, "did you mean 'bf16'?");
  expect_error(assay("run gemm --m 8 --n 8 --k 8 --config edge61"), 2, "did you mean 'edge16'?");
  expect_error(assay("run gemm --m 8 --n 8 --k 8 --golden cpy"), 2,
               "all, recorded, none, strict, cpu, dnnl, ort, cuda; did you mean 'cpu'?");
}

TEST(Cli, AGoldenThatTheComputerLacksIsNamedBeforeTheRun) {
  expect_error(assay("run gemm --m 8192 --n 8192 --k 8192 --golden cpu,ort", "ASSAY_ORT_DIR=/nowhere"), 3,
               "golden ort: ");
}

TEST(Cli, ConvolutionsTakeListsAndInputsByName) {
  const ProcessResult r = assay(
      "run conv --input X:f16:1x3x9x8 --input W:f16:5x3x3x2 --input R:f16:1x5x5x8 --attr strides=2,1 "
      "--attr pads=1,1,1,0 --attr activation=relu --mode bits --config edge16");
  EXPECT_EQ(r.exit_code, 0) << r.output;
  EXPECT_THAT(
      r.output,
      HasSubstr("--input R:f16:1x5x5x8 --attr activation=relu --attr pads=1,1,1,0 --attr strides=2,1"));
  const std::string conv = "run conv --input X:f32:1x4x5x5 --input W:f32:4x4x3x3 ";
  expect_error(assay(conv + "--attr strides=0,1"), 2, "'strides' = 0,1; expected 2 integers from 1");
  expect_error(assay(conv + "--attr strides=2,x"), 2, "strides");
  expect_error(assay(conv + "--attr group=3"), 2, "group 3 does not divide the 4 channels");
  expect_error(assay(conv + "--attr dilations=3,3"), 2, "the kernel is larger than the padded input");
  expect_error(assay(conv + "--input Y:f32:3"), 2, "'Y' is no input of conv that may come here");
  expect_error(assay("run convtranspose --input X:f32:1x4x5 --input W:f32:4x4x3 --attr pads=4,4"), 2,
               "output positions in spatial dimension 0: -1");
  expect_error(assay("run conv --input X:s8:1x4x5 --input W:s8:4x4x3"), 6,
               "there are convinteger and qlinearconv");
  expect_error(assay("run conv --input X:f32:1x1x20000000000x8 --input W:f32:1x1x1x1 --no-values"), 2,
               "does not fit");
}

TEST(Cli, HelpOfAnOperatorListsItsInputsAndAttributes) {
  const ProcessResult conv = assay("run conv --help");
  EXPECT_EQ(conv.exit_code, 0);
  for (const char* part :
       {"inputs X W [B] [R]\n", "--attr strides: a list of integers; one a spatial dimension",
        "one of NOTSET, SAME_UPPER, SAME_LOWER, VALID", "default 6\n"})
    EXPECT_THAT(conv.output, HasSubstr(part));
  EXPECT_THAT(assay("run --help").output, Not(HasSubstr("--attr strides")));
}

TEST(Cli, AnEmptyOutputIsAResult) {
  for (const char* run :
       {"run gemm --m 0 --n 8 --k 8", "run gemm --m 8 --n 0 --k 8 --bias 0 --mode bits",
        "run matmul --input A:f32:1x2x3 --input B:f32:0x3x4 --mode exact",
        "run matmul --input A:f32:0x2x3 --input B:f32:3x4",
        "run conv --input X:bf16:0x3x8x8 --input W:bf16:4x3x3x3 --mode bits",
        "run conv --input X:bf16:2x3x8 --input W:bf16:0x3x3 --input B:bf16:0",
        "run convtranspose --input X:f32:1x2x4 --input W:f32:2x0x3",
        "run gather --input data:f32:5x3 --input indices:s32:0x2",
        "run attention --input Q:bf16:1x2x0x8 --input K:bf16:1x2x7x8 --input V:bf16:1x2x7x9",
        "run matmulinteger --input A:s8:0x4 --input B:u8:4x5",
        "run gemm --m 0 --n 8 --k 8 --no-sanitizer --counters --critical-path --what-if vxu.lanes=x2"}) {
    const ProcessResult r = assay(run);
    EXPECT_EQ(r.exit_code, 0) << run << "\n" << r.output;
    EXPECT_THAT(r.output, HasSubstr("the output is empty")) << run;
    EXPECT_THAT(r.output, Not(HasSubstr("nan"))) << run;
  }
  EXPECT_EQ(assay("run gemm --m 0 --n 8 --k 8 --json").exit_code, 0);
  EXPECT_EQ(assay("run gemm --m 0 --n 8 --k 8 --no-values").exit_code, 10);
}

TEST(Cli, SumsOfNoProductsAreZero) {
  for (const char* config : {"edge16", "server128"})
    for (const char* run :
         {"run gemm --m 300 --n 501 --k 0", "run gemm --m 3 --n 5 --k 0 --dtype f32 --mode bits",
          "run gemm --m 3 --n 5 --k 0 --dtype s8",
          "run matmul --input A:f16:2x3x0 --input B:f16:0x5 --mode exact",
          "run matmulinteger --input A:s8:3x0 --input B:u8:0x5",
          "run matmul_nbits --input A:bf16:3x0 --input B:s4:0x6 --input scales:bf16:0x6",
          "run grouped_gemm --input X:bf16:4x0 --input W:bf16:3x0x5 --input ids:s32:4x2",
          "run attention --input Q:f32:1x2x5x8 --input K:f32:1x2x0x8 --input V:f32:1x2x0x9",
          "run attention --input Q:bf16:1x2x5x8 --input K:bf16:1x2x0x8 --input V:bf16:1x2x0x9 --attr "
          "causal=1 "
          "--mode bits"}) {
      const ProcessResult r = assay(fmt::format("{} --config {}", run, config));
      EXPECT_EQ(r.exit_code, 0) << run << "\n" << r.output;
      EXPECT_THAT(r.output, HasSubstr("0 of the bound, 0 ulp")) << run;
    }
}

TEST(Cli, ZeroNegativeAndAbsurdSizesAreRefused) {
  expect_error(assay("run relu --input X:f32:0x3"), 6, "zero-size dimension");
  expect_error(assay("run gemm --m 8 --n 8 --k 0 --bias 8"), 6,
               "the inner dimension of 'A' [8, 0] and 'B' [0, 8] is 0; expected at least 1");
  expect_error(assay("run gemm --m -3 --n 8 --k 8"), 2, "-3");
  expect_error(assay("run gemm --m 99999999999 --n 99999999999 --k 8"), 2, "99999999999");
  expect_error(assay("run gemm --m 4000000 --n 4 --k 400000 --dtype f32"), 2, "");
  expect_error(assay("run gemm --m 8 --n 8"), 2, "--k");
  expect_error(assay("run gemm --m eight --n 8 --k 8"), 2, "eight");
}

TEST(Cli, NumbersAreNeitherCutNorWrapped) {
  const std::string sizes = "run gemm --m 2 --n 2 --k 2 --config edge16 ";
  expect_error(assay(sizes + "--seed -1"), 2,
               "--seed: '-1' is no whole number from 0 to 18446744073709551615");
  expect_error(assay(sizes + "--seed 18446744073709551616"), 2, "'18446744073709551616' is no whole number");
  expect_error(assay("run gemm --m 99999999999999999999 --n 2 --k 2"), 2, "--m: '99999999999999999999'");
  EXPECT_EQ(assay(sizes + "--seed 18446744073709551615").exit_code, 0);
}

TEST(Cli, AnEmptyValueIsNoDefault) {
  const std::string sizes = "run gemm --m 2 --n 2 --k 2 --config edge16 ";
  for (const char* option : {"--dtype", "--bias", "--data", "--dataflow", "--seed", "--golden"})
    expect_error(assay(fmt::format("{} {} ''", sizes, option)), 2,
                 fmt::format("{} is given an empty value", option));
}

TEST(Cli, AMessageIsOneLineWhateverAFileHolds) {
  const TemporaryFolder folder;
  const std::string file = folder.write("machine.yaml", "\"a\\nb\\x1b[31m\": 1\n");
  expect_error(assay(fmt::format("config check '{}'", file)), 2, "unknown key 'a\\x0ab\\x1b[31m'");
  folder.write("machine.yaml", std::string(100'000, 'k') + ": 1\n");
  EXPECT_LT(assay(fmt::format("config check '{}'", file)).output.size(), 5000U);
}

TEST(Cli, AClosedStandardErrorChangesNoExitCode) {
  for (const char* closed : {"2>&-", ">&- 2>&-", "2>/dev/full"}) {
    const ProcessResult r =
        run_process(fmt::format("('{}' run gemm --m 1 --n 1 --k 0 --bias 1 {})", ASSAY_PROGRAM, closed));
    EXPECT_EQ(r.exit_code, 6) << closed;
  }
}

TEST(Cli, BrokenConfigurationsNameFileKeyAndChoice) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.file("memory"));
  for (const auto& table : std::filesystem::directory_iterator(std::string(CONFIG_DIR) + "/memory"))
    std::filesystem::copy(table, folder.file("memory"));
  const std::string good = read_text(std::string(CONFIG_DIR) + "/edge16.yaml");
  const auto broken = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    return assay(fmt::format("run gemm --m 8 --n 8 --k 8 --config '{}'", folder.write("machine.yaml", text)));
  };
  expect_error(broken("  setup_cycles: 20", "  setup_cycle: 20"), 2, "did you mean 'setup_cycles'?");
  expect_error(broken("freq_mhz: 1000\n", ""), 2, "freq_mhz");
  expect_error(broken("  rows: 16", "  rows: 0"), 2, "mxu.rows");
  expect_error(broken("  rows: 16", "  rows: sixteen"), 2, "sixteen");
  expect_error(broken("  load_rows_per_cycle: ", "  load_rows_per_cycle: 9"), 2, "load_rows_per_cycle");
}

TEST(Cli, AFullDiskIsAnError) {
  const ProcessResult r = run_process(
      fmt::format("('{}' run gemm --m 8 --n 8 --k 8 --config edge16 > /dev/full)", ASSAY_PROGRAM));
  expect_error(r, 3, "standard output cannot be written: No space left on device");
  for (const char* option : {"--help", "--version"})
    expect_error(run_process(fmt::format("('{}' {} > /dev/full)", ASSAY_PROGRAM, option)), 3,
                 "standard output cannot be written");
}

TEST(Cli, GoldensThatCannotJudgeAreRefused) {
  expect_error(assay("run gemm --m 8 --n 8 --k 8 --mode bits --golden cpu"), 2, "does not define bits");
  expect_error(assay("run gemm --m 8 --n 8 --k 8 --golden none,cpu"), 2, "'none' stands alone");
  expect_error(assay("run gemm --m 8 --n 8 --k 8 --golden recorded"), 2, "without recorded outputs");
  expect_error(assay("run"), 2, "name an operator");
}

TEST(Cli, TensorsBeyondThisComputersMemoryAreRefusedButCanBeTimed) {
  const std::string huge = "run gemm --m 190000 --n 1 --k 190000 --dtype f16 --config server128";
  expect_error(assay(huge), 3, "this computer has");
}

TEST(Cli, AMachineWithTooFewSemaphoresIsUnsupported) {
  const TemporaryFolder folder;
  std::filesystem::copy(std::string(CONFIG_DIR) + "/memory", folder.file("memory"));
  std::string text = read_text(std::string(CONFIG_DIR) + "/edge16.yaml");
  const std::string key = "semaphores: 64";
  text.replace(text.find(key), key.size(), "semaphores: 7");
  const ProcessResult r =
      assay(fmt::format("run gemm --m 8 --n 8 --k 8 --config '{}'", folder.write("few.yaml", text)));
  EXPECT_EQ(r.exit_code, 6) << r.output;
  EXPECT_THAT(r.output, HasSubstr("sync.semaphores"));
}

TEST(Cli, OptionsOfACaseDoNotMixWithAFile) {
  expect_error(assay(fmt::format("run --onnx-case '{}' --m 8", node_case("test_matmul_2d"))), 2, "--m");
}

// --- unsupported: 6; bad input files: 7 ----------------------------------------------------------------

TEST(Cli, AnUnsupportedOnnxOperatorIsNamed) {
  expect_error(assay(fmt::format("run --onnx-case '{}'", node_case("test_det_2d"))), 6, "Det");
}

TEST(Cli, MalformedOnnxFilesAreNamed) {
  const TemporaryFolder folder;
  const std::string copy = folder.file("case");
  const auto fresh = [&] {
    std::filesystem::remove_all(copy);
    std::filesystem::copy(node_case("test_gemm_alpha"), copy, std::filesystem::copy_options::recursive);
  };
  fresh();
  std::filesystem::resize_file(copy + "/model.onnx", 20);
  expect_error(assay(fmt::format("run --onnx-case '{}'", copy)), 7, "model.onnx");
  fresh();
  std::filesystem::resize_file(copy + "/test_data_set_0/input_0.pb", 33);
  expect_error(assay(fmt::format("run --onnx-case '{}'", copy)), 7, "input_0.pb");
  fresh();
  std::ofstream(copy + "/test_data_set_0/output_0.pb", std::ios::binary) << "garbage\xff\xfe\x01";
  expect_error(assay(fmt::format("run --onnx-case '{}'", copy)), 7, "output_0.pb");
  expect_error(assay(fmt::format("run --onnx-case '{}'", folder.file("absent"))), 7, "absent");
}

TEST(Cli, FoldersOfAnyNameAreJudgedAndReproduced) {
  const TemporaryFolder folder;
  const std::string spaced = folder.file("a b's"), no_utf8 = folder.file("c\xff");
  for (const std::string& copy : {spaced, no_utf8})
    std::filesystem::copy(node_case("test_matmul_2d"), copy, std::filesystem::copy_options::recursive);
  const std::string first = assay(fmt::format("run --config edge16 --onnx-case \"{}\"", spaced)).output;
  const std::size_t at = first.find("again     assay ");
  ASSERT_NE(at, std::string::npos) << first;
  const std::string line = first.substr(at + 16, first.find('\n', at) - at - 16);
  EXPECT_EQ(assay(line).output, first);
  const ProcessResult r = assay(fmt::format("run --config edge16 --json --onnx-case '{}'", no_utf8));
  EXPECT_EQ(r.exit_code, 0) << r.output;
  EXPECT_EQ(nlohmann::json::parse(r.output).at("verdict"), "PASS");
}

TEST(Cli, APipeInPlaceOfAFileIsRefusedAtOnce) {
  const TemporaryFolder folder;
  for (const char* name : {"x.yaml", "x.elf", "model.onnx"}) run_process("mkfifo " + folder.file(name));
  const auto quick = [&](const std::string& arguments) {
    return run_process(fmt::format("timeout 20 '{}' {}", ASSAY_PROGRAM, arguments));
  };
  expect_error(quick("config check " + folder.file("x.yaml")), 2, "x.yaml: cannot be read");
  expect_error(quick("run --case " + folder.file("x.yaml")), 2, "x.yaml: cannot be read");
  expect_error(quick("run --onnx-case " + folder.file("")), 7, "model.onnx: cannot be read");
  expect_error(quick("disasm " + folder.file("x.elf")), 7, "x.elf: is a pipe");
  run_process("mkfifo " + folder.file("x.npy"));
  std::ofstream(folder.file("case.yaml"))
      << "inputs: [{name: X, npy: x.npy}]\noutputs: [{name: Y, npy: x.npy}]\n";
  expect_error(quick("run --kernel x.elf --case " + folder.file("case.yaml")), 7, "x.npy: cannot be read");
}

TEST(Cli, OnnxRuntimeJudgesAKernelOfTheUsersOnlyByAModel) {
  const std::string example = std::string(CONFIG_DIR) + "/../examples/user-kernel/";
  const auto run = [&](const std::string& arguments) {
    return assay("run --kernel x.elf --case '" + example + arguments, "ASSAY_ORT_DIR=/nowhere");
  };
  expect_error(run("saxpy.yaml' --golden ort"), 2, "golden 'ort': this case came without an ONNX model");
  for (const char* rest : {"neg.yaml' --golden ort", "hardswish.yaml'", "hardswish.yaml' --golden all"})
    expect_error(run(rest), 3, "golden ort: ");
  const TemporaryFolder folder;
  const std::string yaml = folder.write(
      "case.yaml",
      "model: " + node_case("test_castlike_FLOAT_to_BFLOAT16_expanded") +
          "/model.onnx\ninputs: [{name: input, dtype: f32, shape: [3, 4]}, {name: like, dtype: bf16, "
          "shape: [3, 4]}]\n");
  expect_error(assay("run --kernel x.elf --case " + yaml), 6,
               "golden ort: tensor 'like' is bf16; expected one of f32");
}

TEST(Cli, GoldensThatDisagreeAreAnErrorOfTheSuite) {
  const TemporaryFolder folder;
  const std::string copy = folder.file("case");
  std::filesystem::copy(node_case("test_matmul_2d"), copy, std::filesystem::copy_options::recursive);
  std::string recorded = read_text(copy + "/test_data_set_0/output_0.pb");
  recorded[recorded.size() - 1] =
      static_cast<char>(recorded.back() ^ 0x40);  // an exponent bit of the last value
  std::ofstream(copy + "/test_data_set_0/output_0.pb", std::ios::binary) << recorded;
  const ProcessResult r = assay(fmt::format("run --onnx-case '{}' --config edge16", copy));
  EXPECT_EQ(r.exit_code, 4) << r.output;
  EXPECT_THAT(r.output, HasSubstr("goldens cpu and recorded disagree"));
}

TEST(Cli, ATruncatedKernelIsNamed) {
  const TemporaryFolder folder;
  const std::string bytes = read_text(std::string(KERNEL_DIR) + "/gemm.elf");
  for (const std::size_t size : {std::size_t{0}, std::size_t{30}, std::size_t{70}, bytes.size() / 2}) {
    folder.write("gemm.elf", bytes.substr(0, size));
    expect_error(assay("run gemm --m 8 --n 8 --k 8 --config edge16",
                       fmt::format("ASSAY_KERNEL_DIR='{}'", folder.file(""))),
                 7, "gemm.elf");
  }
}

// --- kernels that are wrong ---------------------------------------------------------------------------

struct BrokenKernel {
  const char* name;
  int exit_code;
  const char* message;
  const char* options = "";
};

class Broken : public ::testing::TestWithParam<BrokenKernel> {};

TEST_P(Broken, IsAVerdictOfItsOwn) {
  const BrokenKernel& k = GetParam();
  const ProcessResult r =
      assay(fmt::format("run gemm --m 8 --n 8 --k 8 --dtype bf16 --attr out_dtype=f32 --config edge16 {}",
                        k.options),
            fmt::format("ASSAY_KERNEL_DIR='{}/{}'", BROKEN_KERNEL_DIR, k.name));
  EXPECT_EQ(r.exit_code, k.exit_code) << r.output;
  EXPECT_THAT(r.output, HasSubstr(k.message));
  EXPECT_THAT(r.output, HasSubstr("\nverdict   "));
  EXPECT_THAT(r.output, Not(HasSubstr("PASS")));
}

INSTANTIATE_TEST_SUITE_P(
    Kernels, Broken,
    ::testing::Values(
        BrokenKernel{"bad_operand", 4, "mcause 24"}, BrokenKernel{"bad_semaphore", 4, "mcause 24"},
        BrokenKernel{"bad_index", 4, "(command 0): index 1 of its list is -1, not in 0..15"},
        BrokenKernel{"beyond_array", 4, "n = 17 exceeds the array's 16 columns"},
        BrokenKernel{"deadlock", 4, "mxu waits for semaphore 5"},
        BrokenKernel{"endless_command", 4, "streams beyond cycle", "--max-cycles 100000"},
        BrokenKernel{"host_load", 4, "mcause 5"}, BrokenKernel{"illegal_instruction", 4, "mcause 2"},
        BrokenKernel{"out_of_bounds", 4, "lie outside its 262144 bytes"},
        BrokenKernel{"no_products", 4, "law broken: products: mxu: 0 MACs executed, 512 declared"},
        BrokenKernel{"reads_values", 1, "unwritten-output: Y: 256 of 256 bytes"},
        BrokenKernel{"runaway", 8, "did not halt within", "--max-cycles 100000"},
        BrokenKernel{"trap_loop", 4, "the host stopped"},
        BrokenKernel{"unfinished", 4, "vxu waits for semaphore 1"},
        BrokenKernel{"wrong_value", 1, "the result differs"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Cli, ABrokenLawIsAnErrorWithItsNumbers) {
  const ProcessResult r = assay("run gemm --m 8 --n 8 --k 8 --config edge16 --break-law cycles-accounted");
  EXPECT_EQ(r.exit_code, 4) << r.output;
  EXPECT_THAT(r.output, ::testing::ContainsRegex(
                            "verdict   ERROR: law broken: cycles-accounted: dma_out: [0-9]+ cycles have "
                            "an owner, the run took [0-9]+\n$"));
  const ProcessResult unknown = assay("run gemm --m 8 --n 8 --k 8 --break-law cycles-acounted");
  EXPECT_EQ(unknown.exit_code, 2) << unknown.output;
  EXPECT_THAT(unknown.output, HasSubstr("did you mean 'cycles-accounted'?"));
}

TEST(Cli, TheCriticalPathSumsToTheCycles) {
  const std::string command = "run gemm --m 70 --n 33 --k 2000 --config edge16 --critical-path";
  const auto json = nlohmann::json::parse(assay(command + " --json").output);
  const nlohmann::json& path = json["accounting"]["critical_path"];
  std::uint64_t sum = 0;
  for (const nlohmann::json& part : path["parts"]) sum += part["cycles"].get<std::uint64_t>();
  EXPECT_EQ(sum, json["cycles"].get<std::uint64_t>());
  EXPECT_FALSE(path["sites"].empty());
  const ProcessResult text = assay(command);
  EXPECT_EQ(text.exit_code, 0) << text.output;
  EXPECT_THAT(text.output, HasSubstr("\npath      " + std::to_string(sum) + " cycles"));
  EXPECT_THAT(text.output,
              ::testing::ContainsRegex("mxu +mxu.ws +[0-9]+ +[0-9.]+%  [0-9]+ times, gemm_kernel.cpp:"));
}

TEST(Cli, AnExplanationNamesTheDataflowThatWasRunAndItsCycles) {
  for (const char* run : {"run gemm --m 70 --n 33 --k 200 --config edge16",
                          "run conv --input X:bf16:1x20x9x9 --input W:bf16:40x20x3x3 --config edge16",
                          "run conv --input X:bf16:1x9x9x20 --input W:bf16:40x3x3x20 --attr layout=NHWC"})
    for (const std::string dataflow : {"ws", "as", "os"}) {
      const std::string command = fmt::format("{} --dataflow {} --explain --no-values", run, dataflow);
      const auto json = nlohmann::json::parse(assay(command + " --json").output);
      const nlohmann::json& e = json["explanation"];
      EXPECT_EQ(e["dataflow"], dataflow) << run;
      EXPECT_EQ(e["simulated_cycles"], json["cycles"]);
      std::uint64_t largest = 0, ran = 0;
      for (const nlohmann::json& model : e["model"]) {
        const std::string name = model["name"];
        if (name.rfind("mxu", 0) != 0) largest = std::max(largest, model["cycles"].get<std::uint64_t>());
        if (name.find("as it was run") != std::string::npos) ran = model["cycles"];
      }
      EXPECT_GT(ran, 0U);
      EXPECT_EQ(e["predicted_cycles"], std::max(largest, ran)) << run;
      EXPECT_THAT(assay(command).output, HasSubstr("; simulated "));
    }
  const ProcessResult vectors = assay("run add --input A:f16:100x30 --input B:f16:100x30 --explain");
  EXPECT_EQ(vectors.exit_code, 0);
  EXPECT_THAT(vectors.output, HasSubstr("loaded: A 1.00 times, B 1.00 times"));
}

TEST(Cli, AWhatIfPredictsAndRunsTheOtherMachine) {
  const std::string command =
      "run relu --input X:f16:20000 --config edge16 --what-if vxu.lanes=x2,sync.queue_depth=8 "
      "--what-if hbm.bandwidth=x2 --simulate-what-if";
  const auto json = nlohmann::json::parse(assay(command + " --json").output);
  const nlohmann::json& answers = json["accounting"]["what_if"];
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[1]["change"], "hbm.bandwidth=x2");
  EXPECT_LT(answers[1]["simulated_cycles"].get<int>(), json["cycles"].get<int>());
  EXPECT_NEAR(answers[1]["predicted_cycles"].get<int>() / answers[1]["simulated_cycles"].get<double>(), 1,
              0.1);
  EXPECT_THAT(
      assay(command).output,
      ::testing::ContainsRegex("\nwhat if   vxu.lanes=x2,sync.queue_depth=8: [0-9]+ cycles .*; simulated "));
  const ProcessResult unknown = assay("run relu --input X:f16:9 --what-if vxu.lane=2");
  EXPECT_EQ(unknown.exit_code, 2) << unknown.output;
  EXPECT_THAT(unknown.output, HasSubstr("did you mean 'vxu.lanes'?"));
  EXPECT_EQ(assay("run relu --input X:f16:9 --what-if vxu.lanes=x2 --jitter 1").exit_code, 2);
  EXPECT_EQ(assay("run relu --input X:f16:9 --simulate-what-if").exit_code, 2);
}

TEST(Cli, TimingWithoutValuesRefusesAKernelWhoseControlOrGatherReadsThem) {
  for (const char* kernel : {"reads_values", "bad_index"}) {
    const ProcessResult r = assay("run gemm --m 8 --n 8 --k 8 --config edge16 --no-values",
                                  fmt::format("ASSAY_KERNEL_DIR='{}/{}'", BROKEN_KERNEL_DIR, kernel));
    EXPECT_EQ(r.exit_code, 6) << r.output;
    EXPECT_THAT(r.output, HasSubstr("control reads tensor values (or a gather does)"));
  }
}

TEST(Cli, AWrongElementIsTracedToItsTileAndInstruction) {
  const ProcessResult r =
      assay("run gemm --m 8 --n 8 --k 8 --dtype bf16 --attr out_dtype=f32 --config edge16",
            fmt::format("ASSAY_KERNEL_DIR='{}/wrong_value'", BROKEN_KERNEL_DIR));
  EXPECT_THAT(r.output, HasSubstr("first bad element [0, "));
  EXPECT_THAT(r.output, HasSubstr("written by dma.out (command "));
  EXPECT_THAT(r.output, HasSubstr("written by mxu.ws (command "));
  EXPECT_THAT(r.output, HasSubstr("tile (outer 0 of 1, inner 0 of 1), row 0"));
  EXPECT_THAT(r.output, HasSubstr("in assay_kernel"));
}

}  // namespace
}  // namespace assay::test
