// assay shrink on kernels that are broken: what it writes fails again, in the same way.
#include <nlohmann/json.hpp>

#include "../support/program.hpp"

namespace assay {
namespace {

using test::assay;
using test::output_of;
using ::testing::HasSubstr;

std::string broken(const std::string& kernel) {
  return std::string(" --kernel ") + BROKEN_KERNEL_DIR + "/" + kernel + "/gemm.elf";
}
constexpr const char* kCase =
    "gemm --input A:bf16:70x90 --input B:bf16:90x50 --input C:bf16:50 --attr alpha=0.5 --config edge16 "
    "--mode bits";

TEST(Shrink, ACaseThatAlwaysFailsBecomesOneElement) {
  const auto json = nlohmann::json::parse(
      output_of("shrink gemm --input A:bf16:12x14 --input B:bf16:14x10 --config edge16 --mode bits --json" +
                broken("wrong_value")));
  EXPECT_THAT(json["from"], HasSubstr("A:bf16[12x14]"));
  EXPECT_THAT(json["shrunk"], HasSubstr("gemm(A:bf16[1x1], B:bf16[1x1]) config=edge16 mode=bits"));
  EXPECT_TRUE(json["complete"]);
  EXPECT_GE(json["kept"], 1);
}

TEST(Shrink, TheWrittenCaseAndTheReproducingLineFailInTheSameWay) {
  const test::TemporaryFolder folder;
  const std::string file = folder.file("small.yaml");
  const auto first =
      nlohmann::json::parse(assay("run " + std::string(kCase) + broken("missing_wait") + " --json").output);
  const auto json = nlohmann::json::parse(
      output_of("shrink " + std::string(kCase) + broken("missing_wait") + " --json -o " + file));
  const test::ProcessResult by_file = assay("run --json --case " + file + broken("missing_wait"));
  std::string line = json["reproduce"];
  ASSERT_EQ(line.rfind("assay ", 0), 0U);
  const test::ProcessResult by_line = assay(line.substr(6) + " --json");
  for (const test::ProcessResult& again : {by_file, by_line}) {
    EXPECT_EQ(again.exit_code, 4) << again.output;
    const auto result = nlohmann::json::parse(again.output);
    EXPECT_EQ(result["sanitizer"]["findings"][0]["name"], first["sanitizer"]["findings"][0]["name"]);
    EXPECT_LT(result["cycles"], first["cycles"]);
  }
  EXPECT_EQ(test::read_text(file).rfind("# " + line + "\n", 0), 0U);
}

TEST(Shrink, AFileIsShrunkAsTheOptionsAre) {
  const test::TemporaryFolder folder;
  const std::string file =
      folder.write("big.yaml",
                   "operator: gemm\ninputs:\n  - {name: A, dtype: f32, shape: [15, 13]}\n"
                   "  - {name: B, dtype: f32, shape: [13, 16]}\nconfig: edge16\nmode: bits\n");
  const std::string text = output_of("shrink --case " + file + broken("wrong_value"));
  EXPECT_THAT(text, HasSubstr("shrunk    gemm(A:f32[1x1], B:f32[1x2]) config=edge16 mode=bits"));
  EXPECT_THAT(text, HasSubstr("why       "));
}

TEST(Shrink, ErrorsAreOneLine) {
  test::expect_error(5, "does not fail", "shrink gemm --m 3 --n 3 --k 3 --config edge16");
  test::expect_error(2, "name an operator, or give --case", "shrink");
  test::expect_error(2, "cannot be combined with --case", "shrink gemm --case x.yaml");
  test::expect_error(2, "cannot be read", "shrink --case /nonexistent.yaml");
  test::expect_error(6, "brings its own tensors", std::string("shrink --case ") + USER_CASE);
  test::expect_error(2, "--tries", "shrink gemm --m 3 --n 3 --k 3 --tries 0");
  test::expect_error(3, "/nonexistent",
                     "shrink " + std::string(kCase) + broken("wrong_value") + " -o /nonexistent/x.yaml");
}

}  // namespace
}  // namespace assay
