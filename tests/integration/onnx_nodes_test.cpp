// The ONNX project's node cases of the operators that are supported: every folder with one of the prefixes
// passes on both machines, or stands in the list below with the reason why it cannot.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>

#include "app/case/case_run.hpp"
#include "base/error.hpp"
#include "testgen/onnx_case.hpp"

namespace assay {
namespace {

namespace fs = std::filesystem;

// "test_add" takes test_add and test_add_bcast; "test_max_" leaves test_maxpool_* and test_maxunpool_* to
// the operators of those names.
constexpr std::array<std::string_view, 10> kPrefixes{"test_add",    "test_sub",    "test_mul",  "test_div",
                                                     "test_max_",   "test_min_",   "test_relu", "test_gemm",
                                                     "test_matmul", "test_softmax"};

// Folder, and what the error must say.
const std::map<std::string, std::string>& unsupported() {
  static const std::map<std::string, std::string> folders{
      {"test_max_float64", "element type DOUBLE"},
      {"test_max_int16", "element type INT16"},
      {"test_max_int64", "element type INT64"},
      {"test_max_uint16", "element type UINT16"},
      {"test_max_uint32", "element type UINT32"},
      {"test_max_uint64", "element type UINT64"},
      {"test_min_float64", "element type DOUBLE"},
      {"test_min_int16", "element type INT16"},
      {"test_min_int64", "element type INT64"},
      {"test_min_uint16", "element type UINT16"},
      {"test_min_uint32", "element type UINT32"},
      {"test_min_uint64", "element type UINT64"},
      {"test_matmulinteger", "input 2 ('a_zero_point') is unsupported"},
      // Softmax written as a function: graphs of several nodes.
      {"test_softmax_axis_0_expanded", "node Constant: unsupported operator"},
      {"test_softmax_axis_1_expanded", "node Constant: unsupported operator"},
      {"test_softmax_axis_2_expanded", "node Constant: unsupported operator"},
      {"test_softmax_default_axis_expanded", "node Constant: unsupported operator"},
      {"test_softmax_example_expanded", "node Constant: unsupported operator"},
      {"test_softmax_large_number_expanded", "node Constant: unsupported operator"},
      {"test_softmax_negative_axis_expanded", "node Constant: unsupported operator"},
  };
  return folders;
}

std::vector<std::string> folders() {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(fs::path(ONNX_TESTDATA) / "node")) {
    const std::string name = entry.path().filename().string();
    const auto begins = [&](std::string_view prefix) { return name.compare(0, prefix.size(), prefix) == 0; };
    if (std::any_of(kPrefixes.begin(), kPrefixes.end(), begins)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

class OnnxNode : public ::testing::TestWithParam<std::string> {};

TEST_P(OnnxNode, PassesOnBothMachinesOrIsListedAsUnsupported) {
  const auto listed = unsupported().find(GetParam());
  std::vector<testgen::RecordedCase> cases;
  try {
    cases = testgen::read_onnx_cases(fs::path(ONNX_TESTDATA) / "node" / GetParam());
  } catch (const Error& error) {
    ASSERT_NE(listed, unsupported().end()) << error.what();
    EXPECT_EQ(to_string(error.code()), to_string(ExitCode::Unsupported));
    EXPECT_THAT(error.what(), ::testing::HasSubstr(listed->second));
    return;
  }
  EXPECT_EQ(listed, unsupported().end()) << "is supported now: strike it from the list";
  ASSERT_FALSE(cases.empty());
  for (const testgen::RecordedCase& recorded : cases)
    for (const char* config : {"edge16", "server128"}) {
      const report::CaseResult r = app::run_case(app::from_recorded(recorded, config), {});
      EXPECT_EQ(r.verdict, ExitCode::Pass) << r.text << ": " << r.message;
    }
}

INSTANTIATE_TEST_SUITE_P(Folders, OnnxNode, ::testing::ValuesIn(folders()),
                         [](const auto& test) { return test.param; });

TEST(OnnxNodes, AreCountedAndEveryListedOneExists) {
  const std::vector<std::string> all = folders();
  for (const auto& [name, reason] : unsupported())
    EXPECT_TRUE(std::binary_search(all.begin(), all.end(), name)) << name;
  fmt::print("onnx  {} node cases, {} unsupported by name\n", all.size(), unsupported().size());
  EXPECT_EQ(all.size(), 73U);
  EXPECT_EQ(unsupported().size(), 20U);
}

}  // namespace
}  // namespace assay
