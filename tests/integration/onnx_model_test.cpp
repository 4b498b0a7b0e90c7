// Kernels of a user's, judged by what ONNX Runtime makes of a whole model. Where it is not installed the
// program ends with 77, which ctest shows as skipped.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "../support/process.hpp"
#include "golden/backend.hpp"

namespace assay::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kFolder = std::string(ONNX_TESTDATA) + "/node/test_hardswish_expanded";
const std::string kTolerance = "tolerance: {relative: 1.0e-6, absolute: 1.0e-7}\nconfig: edge16\n";

class OnnxModel : public ::testing::Test {
 protected:
  ProcessResult run(const std::string& yaml, const std::string& options = "") {
    folder.write("case.yaml", yaml + kTolerance);
    return run_process(fmt::format("'{}' run --kernel '{}/hardswish.elf' --case '{}' {}", ASSAY_PROGRAM,
                                   KERNEL_DIR, folder.file("case.yaml"), options));
  }
  static std::string model(const std::string& file, const std::string& shape = "[3, 4, 5]") {
    return fmt::format("model: {}\ninputs: [{{name: x, dtype: f32, shape: {}}}]\n", file, shape);
  }
  // A copy of the model in which `from` reads `to`, of the same length.
  std::string altered(const std::string& from, const std::string& to) {
    std::string bytes = read_text(kFolder + "/model.onnx");
    for (std::size_t at = 0; (at = bytes.find(from, at)) != std::string::npos; at += to.size())
      bytes.replace(at, from.size(), to);
    return folder.write("altered.onnx", bytes);
  }
  TemporaryFolder folder;
};

void expect_error(const ProcessResult& r, int exit_code, const std::string& part) {
  EXPECT_EQ(r.exit_code, exit_code) << r.output;
  EXPECT_THAT(r.output, HasSubstr(part));
  EXPECT_THAT(r.output, ::testing::StartsWith("assay: "));
  EXPECT_EQ(std::count(r.output.begin(), r.output.end(), '\n'), 1) << r.output;
}

TEST_F(OnnxModel, JudgesAKernelOnGeneratedData) {
  for (const char* options : {"", "--golden ort", "--golden all"}) {
    const ProcessResult r = run(model(kFolder + "/model.onnx"), options);
    EXPECT_EQ(r.exit_code, 0) << r.output;
    EXPECT_THAT(r.output, HasSubstr("golden    ort y: PASS 60 elements"));
  }
}

TEST_F(OnnxModel, OfAnotherFunctionFailsTheKernel) {
  const ProcessResult r =
      run(model(altered(std::string("\x00\x00\x00\x3f", 4), std::string("\x00\x00\x10\x3f", 4))));  // beta
  EXPECT_EQ(r.exit_code, 1) << r.output;
  EXPECT_THAT(r.output, HasSubstr("golden    ort y: FAIL"));
}

TEST_F(OnnxModel, StandsBesideItsRecordedTensors) {
  const std::string recorded = "onnx: " + kFolder + "\n";
  const ProcessResult alone = run(recorded);
  EXPECT_EQ(alone.exit_code, 0) << alone.output;
  EXPECT_THAT(alone.output, HasSubstr("golden    recorded y: PASS"));
  EXPECT_THAT(alone.output, Not(HasSubstr("golden    ort")));
  for (const char* goldens : {"ort,recorded", "recorded,ort", "all"}) {
    const ProcessResult both = run(recorded, fmt::format("--golden {}", goldens));
    EXPECT_EQ(both.exit_code, 0) << both.output;
    EXPECT_THAT(both.output, HasSubstr("golden    recorded y: PASS"));
    EXPECT_THAT(both.output, HasSubstr("golden    ort y: PASS"));
  }
}

TEST_F(OnnxModel, ThatDisagreesWithItsRecordedTensorsIsAnErrorOfTheSuite) {
  const std::string copy = folder.file("copy");
  std::filesystem::copy(kFolder, copy, std::filesystem::copy_options::recursive);
  std::string bytes = read_text(copy + "/test_data_set_0/output_0.pb");
  bytes.back() = static_cast<char>(bytes.back() ^ 0x40);  // an exponent bit of the last value
  folder.write("copy/test_data_set_0/output_0.pb", bytes);
  EXPECT_EQ(run("onnx: " + copy + "\n", "--golden ort").exit_code, 0);
  for (const char* goldens : {"ort,recorded", "recorded,ort"}) {
    const ProcessResult both = run("onnx: " + copy + "\n", fmt::format("--golden {}", goldens));
    EXPECT_EQ(both.exit_code, 4) << both.output;
    EXPECT_THAT(both.output, HasSubstr("goldens ort and recorded disagree"));
  }
}

TEST_F(OnnxModel, ThatOnnxRuntimeRefusesIsABadFile) {
  expect_error(run(model(altered("HardSigmoid", "SoftSigmoid"))), 7, "altered.onnx: ONNX Runtime: ");
  expect_error(run(model(altered("Mul", "Dim"))), 7, "altered.onnx: ONNX Runtime: ");
  const std::string bytes = read_text(kFolder + "/model.onnx");
  folder.write("half.onnx", bytes.substr(0, bytes.size() / 2));
  expect_error(run(model("half.onnx")), 7, "half.onnx: malformed or truncated: not an ONNX model");
  expect_error(run(model("none.onnx")), 7, "none.onnx: cannot be read");
}

// The model itself declares its output as [3, 4, 4], which its nodes do not make.
TEST_F(OnnxModel, WhoseOutputIsNotAsDeclaredIsABadFile) {
  std::string bytes = read_text(kFolder + "/model.onnx");
  const std::string five("\x0a\x02\x08\x05", 4), four("\x0a\x02\x08\x04", 4);
  bytes.replace(bytes.rfind(five), 4, four);
  folder.write("other.onnx", bytes);
  expect_error(run(model("other.onnx")), 7, "other.onnx: ");
}

TEST_F(OnnxModel, IsNotNeededForTimingAlone) {
  const ProcessResult r = run_process(fmt::format(
      "ASSAY_ORT_DIR=/nowhere '{}' run --no-values --kernel '{}/hardswish.elf' --case '{}'", ASSAY_PROGRAM,
      KERNEL_DIR, folder.write("case.yaml", model(kFolder + "/model.onnx") + kTolerance)));
  EXPECT_EQ(r.exit_code, 10) << r.output;
}

}  // namespace
}  // namespace assay::test
