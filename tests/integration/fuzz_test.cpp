// assay gen and assay fuzz from outside: lists that can be kept and run, failures that are found, shrunk and
// kept.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "../support/program.hpp"

namespace assay {
namespace {

using test::assay;
using test::expect_error;
using test::output_of;
using ::testing::HasSubstr;

TEST(Gen, WritesAListThatFuzzRuns) {
  const test::TemporaryFolder folder;
  const std::string list = folder.file("list.yaml");
  output_of("gen gemm softmax --count 12 --seed 3 --config tests/tiny4 -o " + list);
  const auto json = nlohmann::json::parse(output_of("fuzz --json --cases " + list));
  EXPECT_EQ(json["cases"], 12);
  EXPECT_EQ(json["operators"]["gemm"], 6);
  EXPECT_EQ(json["operators"]["softmax"], 6);
  EXPECT_EQ(test::read_text(list), output_of("gen gemm softmax --count 12 --seed 3 --config tests/tiny4"));
}

TEST(Gen, DirectedCasesPass) {
  const test::TemporaryFolder folder;
  const std::string list = folder.file("list.yaml");
  output_of("gen rotary gather --directed -o " + list);
  const auto json = nlohmann::json::parse(output_of("fuzz --json --cases " + list));
  EXPECT_GT(json["cases"], 80);
  EXPECT_EQ(json["verdicts"]["PASS"], json["cases"]);
}

TEST(Gen, ListsParametersWithTheirCorners) {
  EXPECT_THAT(output_of("gen conv --parameters"), HasSubstr("stride0            1 2 3..5\n"));
  const auto json = nlohmann::json::parse(output_of("gen gemm --parameters --json"));
  EXPECT_EQ(json["gemm"]["dataflow"], "auto ws os as");
}

TEST(Gen, CountsWhatItDrew) {
  EXPECT_THAT(output_of("gen --count 50 --statistics -o /dev/null"), HasSubstr("50 valid cases in "));
}

TEST(Gen, RefusesInOneLine) {
  expect_error(6, "unknown operator 'gemn'", "gen gemn");
  expect_error(2, "gemm has no 'stride0'", "gen gemm --pin stride0=2");
  expect_error(2, "--pin 'k': expected PARAMETER=VALUE", "gen gemm --pin k");
  expect_error(2, "gemm.k = 0: expected values from 1 to", "gen gemm --pin k=0");
  expect_error(2, "gen: --parameters needs the name of an operator", "gen --parameters");
  expect_error(2, "softmax: no case is as asked for", "gen softmax --mode exact");
}

TEST(Fuzz, PassesOnASoundMachineAndSaysHowMuch) {
  const auto json = nlohmann::json::parse(output_of("fuzz --count 66 --seed 5 --json"));
  EXPECT_EQ(json["cases"], 66);
  EXPECT_EQ(json["operators"].size(), 22U);
  EXPECT_EQ(json["verdicts"]["PASS"], 66);
  EXPECT_TRUE(json["failures"].empty());
}

// A kernel that makes something else of every gemm.
TEST(Fuzz, FindsShrinksAndKeepsAFailure) {
  const test::TemporaryFolder folder;
  const std::string kernels = std::string("ASSAY_KERNEL_DIR=") + BROKEN_KERNEL_DIR + "/wrong_value ";
  const test::ProcessResult result =
      test::run_process(kernels + ASSAY_PROGRAM +
                        " fuzz gemm --count 10 --config edge16 --mode bits --corpus " + folder.file(""));
  EXPECT_TRUE(result.exit_code == 1 || result.exit_code == 4) << result.output;
  EXPECT_THAT(result.output, HasSubstr("shrunk  gemm(A:"));
  int kept = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.file(""))) {
    const std::string file = entry.path().string(), again = "fuzz --json --cases " + file;
    EXPECT_THAT(test::read_text(file), ::testing::StartsWith("# assay run gemm --input A:"));
    const auto failed =
        nlohmann::json::parse(test::run_process(kernels + ASSAY_PROGRAM + " " + again).output);
    ASSERT_EQ(failed["failures"].size(), 1U) << file;
    EXPECT_EQ(failed["failures"][0]["first"], failed["failures"][0]["shrunk"])
        << file;  // no smaller one fails
    EXPECT_EQ(nlohmann::json::parse(output_of(again))["verdicts"]["PASS"], 1) << file;
    ++kept;
  }
  EXPECT_GT(kept, 0);
}

// What was found once.
TEST(Corpus, AllOfItPasses) {
  std::string lists;
  std::uint64_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(CORPUS)) {
    ASSERT_EQ(entry.path().extension(), ".yaml") << entry.path();
    lists += " " + entry.path().string();
    ++files;
  }
  ASSERT_GE(files, 18U);
  const auto json = nlohmann::json::parse(output_of("fuzz --json --cases" + lists));
  EXPECT_EQ(json["cases"], files);
  EXPECT_EQ(json["verdicts"]["PASS"], files);
}

TEST(Fuzz, RefusesInOneLine) {
  expect_error(2, "/nowhere: cannot be read", "fuzz --cases /nowhere");
  expect_error(2, "fuzz: --corpus /nowhere: no such folder", "fuzz --corpus /nowhere");
  expect_error(2, "fuzz: --minutes: expected a number", "fuzz gemm --minutes nan");
  expect_error(2, "--pin excludes --cases", "fuzz --cases /nowhere --pin m=2");
  expect_error(2, "unknown golden 'nosuch'", "fuzz gemm --count 1 --golden nosuch");
  expect_error(2, "unknown relation 'nosuch'", "fuzz gemm --count 1 --relations nosuch");
  expect_error(3, "/dev/full: cannot be written: No space left on device",
               "fuzz gemm --count 1 --coverage /dev/full");
  expect_error(2, "gemm.m is pinned twice", "gen gemm --pin m=1 --pin m=2");
}

}  // namespace
}  // namespace assay
