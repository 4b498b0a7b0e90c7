// Cases of the user's own computations, from YAML.
#include "testgen/user_case.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "../support/expect_error.hpp"
#include "../support/process.hpp"
#include "golden/compare.hpp"

namespace assay {
namespace {

class UserCase : public ::testing::Test {
 protected:
  UserCase() {
    const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }";
    folder.write("a.npy", std::string("\x93NUMPY\x01\x00\x76\x00", 10) + header +
                              std::string(117 - header.size(), ' ') + "\n" + std::string(4, '\0'));
  }
  auto read(const std::string& yaml) { return testgen::read_user_cases(folder.write("case.yaml", yaml)); }
  void refused(const std::string& yaml, const std::string& text, ExitCode code = ExitCode::Usage) {
    test::expect_error(code, text, [&] { read(yaml); });
  }
  const std::string tensors = "inputs: [{name: X, npy: a.npy}]\noutputs: [{name: Y, npy: a.npy}]\n";
  test::TemporaryFolder folder;
};

TEST_F(UserCase, BringsTensorsArgumentsAndTolerance) {
  const auto user =
      read(tensors +
           "arguments: [7, -1, 0xFFFFFFFFFFFFFFFF, 2.5, 1e-3, 010, -0x1E]\nwork: {macs: 12}\nconfig: edge16\n"
           "tolerance: {relative: 0.5}\n");
  ASSERT_TRUE(user && user->cases.size() == 1);
  const testgen::RecordedCase& c = user->cases[0];
  EXPECT_EQ(c.name, "case.yaml");
  EXPECT_EQ(c.c.config, "edge16");
  EXPECT_EQ(user->tolerance.relative, 0.5);
  EXPECT_EQ(user->tolerance.absolute, 0);
  const ops::KernelCall call = ops::find_operator("user").pack(c.c.problem);
  EXPECT_EQ(call.tensors.size(), 2U);
  EXPECT_EQ(call.attributes, (std::vector<std::uint64_t>{7, ~std::uint64_t{0}, ~std::uint64_t{0}, 0x40200000,
                                                         0x3A83126F, 10, ~std::uint64_t{29}}));
  EXPECT_EQ(ops::find_operator("user").work(c.c.problem).macs, 12U);
}

TEST_F(UserCase, MayHaveNoInput) {
  for (const char* inputs : {"", "inputs: []\n"}) {
    const auto user = read(std::string(inputs) + "outputs: [{name: Y, npy: a.npy}]\n");
    ASSERT_TRUE(user);
    EXPECT_EQ(ops::find_operator("user").pack(user->cases.at(0).c.problem).tensors.size(), 1U);
  }
}

TEST_F(UserCase, OfAnOperatorIsLeftToItsOwnReader) {
  EXPECT_FALSE(read("operator: gemm\ninputs: []\n"));
  EXPECT_FALSE(read("inputs: []\n"));
  EXPECT_FALSE(read("config: edge16\n"));
}

TEST_F(UserCase, OfAnOnnxModelTakesAssaysGoldensWhereItKnowsTheNode) {
  const auto known = read("onnx: " ONNX_TESTDATA "/node/test_relu\n");
  EXPECT_EQ(known->cases.at(0).c.problem.op, "relu");
  const auto unknown = read("onnx: " ONNX_TESTDATA "/node/test_neg\narguments: [3]\n");
  EXPECT_EQ(unknown->cases.at(0).c.problem.op, "user");
  EXPECT_EQ(unknown->cases.at(0).outputs.size(), 1U);
  EXPECT_EQ(unknown->cases.at(0).c.problem.inputs.at(0).name, "x");
  const auto several = read("onnx: " ONNX_TESTDATA "/node/test_split_equal_parts_1d\n");
  EXPECT_GT(several->cases.at(0).outputs.size(), 1U);
}

TEST_F(UserCase, IsRefusedByNameOfItsKey) {
  refused(tensors + "onnx: x\n", "expected either operator, or onnx, or inputs and outputs");
  refused(tensors + "argument: [1]\n", "did you mean 'arguments'");
  refused(tensors + "arguments: [seven]\n", "case.arguments: 'seven'");
  refused(tensors + "arguments: [99999999999999999999]\n", "case.arguments");
  refused(tensors + "tolerance: {relative: -1}\n", "tolerance.relative");
  refused(tensors + "tolerance: {relative: nan}\n", "tolerance.relative");
  refused(tensors + "tolerance: {ulps: 1}\n", "ulps");
  refused(tensors + "work: {flops: 1}\n", "flops");
  refused(tensors + "work: {macs: 18446744073709551615}\n", "work.macs: 18446744073709551615 is more");
  refused(tensors + "work: {read_bytes: 9223372036854775807}\n", "work.read_bytes");
  refused("inputs: [{name: X, npy: a.npy}]\noutputs: [{name: X, npy: a.npy}]\n", "'X' is given twice");
  refused("inputs: [{name: '', npy: a.npy}]\noutputs: [{name: Y, npy: a.npy}]\n", "name: is empty or has");
  refused("inputs: [{name: \"X\\nY\", npy: a.npy}]\noutputs: [{name: Y, npy: a.npy}]\n",
          "name: is empty or has");
  refused("inputs: [{name: X, npy: a.npy}]\noutputs: []\n", "outputs");
  refused("inputs: [{name: X}]\noutputs: [{name: Y, npy: a.npy}]\n", "npy");
  refused("inputs: [{name: X, npy: b.npy}]\noutputs: [{name: Y, npy: a.npy}]\n", "b.npy: cannot be read",
          ExitCode::BadInput);
  refused("inputs: [{name: X, npy: a.npy, dtype: s8}]\noutputs: [{name: Y, npy: a.npy}]\n", "expected s8",
          ExitCode::BadInput);
  for (const char* key : {"arguments: [1]", "tolerance: {relative: 0}", "work: {macs: 1}"})
    refused(std::string("onnx: " ONNX_TESTDATA "/node/test_relu\n") + key + "\n",
            "not beside a model of Assay's operator relu");
  refused("onnx: nowhere\n", "nowhere: not a folder", ExitCode::BadInput);
}

TEST(GivenReference, AcceptsExactlyItsTolerance) {
  Tensor given("Y", DType::f32, {2});
  given.as<float>()[0] = 1000;
  given.as<float>()[1] = 0;
  const auto judge = [&](float a, float b, golden::GivenTolerance tolerance) {
    Tensor got = given;
    got.as<float>()[0] = a;
    got.as<float>()[1] = b;
    return golden::compare(got, golden::given_reference(given, tolerance), {}).passed;
  };
  EXPECT_TRUE(judge(1000, 0, {}));
  EXPECT_FALSE(judge(std::nextafter(1000.0F, 2000.0F), 0, {}));
  EXPECT_FALSE(judge(1000, -0.0F, {}));  // bit for bit
  EXPECT_TRUE(judge(1001, 0, {1e-3, 0}));
  EXPECT_TRUE(judge(999, 0, {1e-3, 0}));
  EXPECT_FALSE(judge(1001.001F, 0, {1e-3, 0}));
  EXPECT_FALSE(judge(1001, 1e-30F, {1e-3, 0}));
  EXPECT_TRUE(judge(1001, 0.25F, {0.75e-3, 0.25}));
  EXPECT_FALSE(judge(1001.01F, 0, {0.75e-3, 0.25}));
  EXPECT_FALSE(judge(1000, std::numeric_limits<float>::quiet_NaN(), {1e6, 1e6}));
}

}  // namespace
}  // namespace assay
