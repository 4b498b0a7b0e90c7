// The ONNX project's cases of the operators that are supported, and those that PyTorch's converters wrote:
// every folder with one of the prefixes, or named after convolutions, matrix products or linear layers,
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
constexpr std::array<std::string_view, 11> kPrefixes{"test_add",    "test_sub",     "test_mul",   "test_div",
                                                     "test_max_",   "test_min_",    "test_relu",  "test_gemm",
                                                     "test_matmul", "test_softmax", "test_einsum"};

// Anywhere in a name, in any spelling: test_Conv2d_groups, test_basic_convinteger.
constexpr std::array<std::string_view, 4> kParts{"conv", "gemm", "matmul", "linear"};
constexpr std::array<const char*, 3> kCollections{"node", "pytorch-converted", "pytorch-operator"};

// Folder, and what the error must say.
const std::map<std::string, std::string>& unsupported() {
  static const std::map<std::string, std::string> folders{
      {"test_max_float64", "input 'data_0' is f64"},
      {"test_max_int16", "element type INT16"},
      {"test_max_int64", "element type INT64"},
      {"test_max_uint16", "element type UINT16"},
      {"test_max_uint32", "element type UINT32"},
      {"test_max_uint64", "element type UINT64"},
      {"test_min_float64", "input 'data_0' is f64"},
      {"test_min_int16", "element type INT16"},
      {"test_min_int64", "element type INT64"},
      {"test_min_uint16", "element type UINT16"},
      {"test_min_uint32", "element type UINT32"},
      {"test_min_uint64", "element type UINT64"},
      // Linear is what others are too.
      {"test_dequantizelinear", "node DequantizeLinear: unsupported operator"},
      {"test_dequantizelinear_axis", "node DequantizeLinear: unsupported operator"},
      {"test_dynamicquantizelinear", "node DynamicQuantizeLinear: unsupported operator"},
      {"test_dynamicquantizelinear_expanded", "node Constant: unsupported operator"},
      {"test_dynamicquantizelinear_max_adjusted", "node DynamicQuantizeLinear: unsupported operator"},
      {"test_dynamicquantizelinear_max_adjusted_expanded", "node Constant: unsupported operator"},
      {"test_dynamicquantizelinear_min_adjusted", "node DynamicQuantizeLinear: unsupported operator"},
      {"test_dynamicquantizelinear_min_adjusted_expanded", "node Constant: unsupported operator"},
      {"test_gridsample_bilinear", "node GridSample: unsupported operator"},
      {"test_quantizelinear", "node QuantizeLinear: unsupported operator"},
      {"test_quantizelinear_axis", "node QuantizeLinear: unsupported operator"},
      {"test_resize_downsample_scales_linear", "node Resize: unsupported operator"},
      {"test_resize_downsample_scales_linear_align_corners", "node Resize: unsupported operator"},
      {"test_resize_downsample_sizes_linear_pytorch_half_pixel", "node Resize: unsupported operator"},
      {"test_resize_upsample_scales_linear", "node Resize: unsupported operator"},
      {"test_resize_upsample_scales_linear_align_corners", "node Resize: unsupported operator"},
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

bool is_wanted(std::string_view collection, const std::string& name) {
  std::string lower = name;
  std::transform(name.begin(), name.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  const auto begins = [&](std::string_view prefix) { return name.compare(0, prefix.size(), prefix) == 0; };
  const auto has = [&](std::string_view part) { return lower.find(part) != std::string::npos; };
  return (collection == "node" && std::any_of(kPrefixes.begin(), kPrefixes.end(), begins)) ||
         std::any_of(kParts.begin(), kParts.end(), has);
}

// Within their collections.
std::vector<fs::path> folders() {
  std::vector<fs::path> paths;
  for (const char* collection : kCollections)
    for (const fs::directory_entry& entry : fs::directory_iterator(fs::path(ONNX_TESTDATA) / collection)) {
      const fs::path name = entry.path().filename();
      if (is_wanted(collection, name.string())) paths.push_back(collection / name);
    }
  std::sort(paths.begin(), paths.end());
  return paths;
}

class OnnxNode : public ::testing::TestWithParam<fs::path> {};

TEST_P(OnnxNode, PassesOnBothMachinesOrIsListedAsUnsupported) {
  const auto listed = unsupported().find(GetParam().filename().string());
  std::vector<testgen::RecordedCase> cases;
  try {
    cases = testgen::read_onnx_cases(ONNX_TESTDATA / GetParam());
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
                         [](const auto& test) { return test.param.filename().string(); });

TEST(OnnxNodes, AreCountedAndEveryListedOneExists) {
  const std::vector<fs::path> all = folders();
  for (const auto& [name, reason] : unsupported())
    EXPECT_TRUE(std::any_of(all.begin(), all.end(), [&, &n = name](const fs::path& path) {
      return path.filename() == n;
    })) << name;
  fmt::print("onnx  {} cases, {} unsupported by name\n", all.size(), unsupported().size());
  EXPECT_EQ(all.size(), 148U);
  EXPECT_EQ(unsupported().size(), 35U);
}

}  // namespace
}  // namespace assay
