// The operator that docs/add-an-operator.md adds: found by name, right to the bit on every machine, and
// passing the cases that ONNX recorded for it.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "app/case/case_run.hpp"
#include "testgen/case_arguments.hpp"
#include "testgen/onnx_case.hpp"
#include "testgen/space/random_problem.hpp"

namespace assay {
namespace {

namespace fs = std::filesystem;

app::CaseInput leakyrelu(const std::string& x, const std::string& alpha, const std::string& mode,
                         const std::string& data, const std::string& config) {
  testgen::CaseArguments a;
  a.op = "leakyrelu";
  a.inputs = {"X:" + x};
  a.attributes = {"alpha=" + alpha};
  a.mode = mode;
  a.data = data;
  a.config = config;
  return app::generated(testgen::case_from_arguments(a));
}

TEST(AddedOperator, IsRightToTheBitOnEveryMachine) {
  for (const char* config : {"edge16", "server128", "tpuv1", "tests/tiny4", "tests/wide8x32"})
    for (const char* x : {"f32:scalar", "f32:3x1000", "f16:5000", "bf16:7x11x13"})
      for (const char* data : {"special", "subnormal", "signed_zero", "mixed"}) {
        const report::CaseResult r = app::run_case(leakyrelu(x, "0.3", "bits", data, config), {});
        EXPECT_EQ(r.verdict, ExitCode::Pass) << r.text << ": " << r.message;
      }
}

TEST(AddedOperator, HasRandomProblemsOnWhichItsGoldensAgree) {
  testgen::Generator random(3);
  const std::vector<DType> types = testgen::problem_types("leakyrelu");
  ASSERT_GE(types.size(), 3U);
  for (int i = 0; i < 60; ++i) {
    testgen::Case c;
    c.problem =
        testgen::random_problem("leakyrelu", types[static_cast<std::size_t>(i) % types.size()], random);
    c.suite_seed = static_cast<std::uint64_t>(i);
    testgen::validate(c);
    const std::vector<Tensor> inputs = testgen::make_inputs(c);
    const auto result = [&](const char* name) {
      return golden::find_backend(name).evaluate(c.problem, inputs).outputs.at(0);
    };
    EXPECT_TRUE(golden::compare(result("strict"), result("cpu"), testgen::policy_of(c)).passed);
  }
}

TEST(AddedOperator, FitsItsReferenceInRealMode) {
  const report::CaseResult r = app::run_case(leakyrelu("bf16:100x70", "0.01", "real", "", "server128"), {});
  EXPECT_EQ(r.verdict, ExitCode::Pass) << r.message;
  ASSERT_EQ(r.goldens.size(), 1U);
  EXPECT_EQ(r.goldens[0].backend, "cpu");
}

TEST(AddedOperator, PassesWhatOnnxRecorded) {
  for (const char* name : {"test_leakyrelu", "test_leakyrelu_default", "test_leakyrelu_example"})
    for (const testgen::RecordedCase& recorded :
         testgen::read_onnx_cases(fs::path(ONNX_TESTDATA) / "node" / name)) {
      const report::CaseResult r = app::run_case(app::from_recorded(recorded, "edge16"), {});
      EXPECT_EQ(r.verdict, ExitCode::Pass) << name << ": " << r.message;
      EXPECT_EQ(r.goldens.size(), 2U) << "cpu and recorded";
    }
}

// This program compiles the sources by itself; a user's build finds them in these lists.
TEST(AddedOperator, StandsInTheBuildsLists) {
  const auto text = [](const std::string& file) {
    std::ostringstream all;
    all << std::ifstream(fs::path(EXAMPLE_TREE) / file).rdbuf();
    return all.str();
  };
  using ::testing::HasSubstr;
  EXPECT_THAT(text("ops/CMakeLists.txt"), HasSubstr(" leakyrelu/leakyrelu_operator.cpp"));
  EXPECT_THAT(text("ops/kernels.cmake"), HasSubstr("(leakyrelu SOURCES leakyrelu/leakyrelu_kernel.cpp)"));
  EXPECT_THAT(text("golden/CMakeLists.txt"), HasSubstr(" strict/strict_leakyrelu.cpp"));
  EXPECT_THAT(text("golden/CMakeLists.txt"), HasSubstr(" cpu/cpu_leakyrelu.cpp"));
}

}  // namespace
}  // namespace assay
