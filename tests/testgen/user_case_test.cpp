// Cases of the user's own computations, from YAML.
#include "testgen/user_case.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "../support/expect_error.hpp"
#include "../support/process.hpp"
#include "golden/compare.hpp"
#include "testgen/onnx_tensor.hpp"

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
  refused(tensors + "onnx: x\n", "expected either operator, or onnx, or model, or inputs and outputs");
  refused("model: x\nonnx: x\n", "expected either operator, or onnx, or model, or inputs and outputs");
  refused(tensors + "seed: 3\n", "case.seed: only beside model");
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

// --- models without recorded tensors ---------------------------------------------------------------------

class UserModel : public UserCase {
 protected:
  using UserCase::read;
  const std::string hardswish = "model: " ONNX_TESTDATA "/node/test_hardswish_expanded/model.onnx\n";
  const std::string linear = "model: " ONNX_TESTDATA "/pytorch-converted/test_Linear/model.onnx\n";
  const std::string x = "inputs: [{name: x, dtype: f32, shape: [3, 4, 5]}]\n";

  // Model m.onnx: hardswish after `change` of its graph.
  template <typename Change>
  std::string changed(Change change) {
    onnx::ModelProto proto = testgen::parse_onnx_model(
        test::read_text(ONNX_TESTDATA "/node/test_hardswish_expanded/model.onnx"), "model.onnx");
    change(*proto.mutable_graph());
    folder.write("m.onnx", proto.SerializeAsString());
    return "model: m.onnx\n";
  }
  static onnx::TensorShapeProto& shape_of(onnx::ValueInfoProto& info) {
    return *info.mutable_type()->mutable_tensor_type()->mutable_shape();
  }
  std::string with_open_shapes() {
    return changed([](onnx::GraphProto& graph) {
      shape_of(*graph.mutable_input(0)).mutable_dim(0)->set_dim_param("N");
      shape_of(*graph.mutable_output(0)).mutable_dim(0)->set_dim_param("N");
    });
  }
};

TEST_F(UserModel, HasItsOutputsFromTheGraphAndItsInputsFromTheSeed) {
  const auto user =
      read(hardswish + x + "data: normal\nseed: 3\ntolerance: {relative: 0.5}\nconfig: edge16\n");
  ASSERT_TRUE(user && user->cases.size() == 1);
  const testgen::RecordedCase& c = user->cases[0];
  EXPECT_EQ(c.name, "case.yaml");
  EXPECT_EQ(c.c.config, "edge16");
  EXPECT_EQ(testgen::canonical_text(c.c), "user(x:f32[3x4x5]) config=edge16 mode=real data=normal");
  ASSERT_EQ(c.c.problem.outputs.size(), 1U);
  EXPECT_EQ(c.c.problem.outputs[0].name, "y");
  EXPECT_EQ(c.c.problem.outputs[0].shape, (Shape{3, 4, 5}));
  EXPECT_TRUE(c.outputs.empty());
  EXPECT_EQ(c.model->inputs, std::vector<std::string>{"x"});
  EXPECT_EQ(*c.model->bytes, test::read_text(ONNX_TESTDATA "/node/test_hardswish_expanded/model.onnx"));
  const auto bytes = [&](const std::string& yaml) {
    return read(hardswish + x + yaml)->cases.at(0).inputs.at(0).bytes;
  };
  EXPECT_EQ(c.inputs[0].bytes, bytes("data: normal\nseed: 3\n"));
  EXPECT_NE(c.inputs[0].bytes, bytes("data: normal\nseed: 4\n"));
  EXPECT_NE(c.inputs[0].bytes, bytes("data: uniform\nseed: 3\n"));
}

TEST_F(UserModel, TakesArraysAndItsInitialisersInTheGraphsOrder) {
  const auto user = read(linear + "inputs: [{name: '0', dtype: f32, shape: [4, 10]}]\n");
  const testgen::RecordedCase& c = user->cases.at(0);
  ASSERT_EQ(c.inputs.size(), 3U);
  EXPECT_EQ(c.inputs[1].shape, (Shape{8, 10}));
  EXPECT_EQ(c.inputs[2].name, "2");
  EXPECT_EQ(c.inputs[2].shape, (Shape{8}));
  EXPECT_EQ(c.model->inputs, std::vector<std::string>{"0"});
  const auto array = read("model: " ONNX_TESTDATA
                          "/pytorch-operator/test_operator_basic/model.onnx\n"
                          "inputs: [{name: '1', npy: a.npy}, {name: '0', dtype: f32, shape: [1]}]\n");
  const std::vector<Tensor>& inputs = array->cases.at(0).inputs;
  EXPECT_EQ(inputs.at(0).name, "0");
  EXPECT_NE(inputs[0].as<float>()[0], 0);
  EXPECT_EQ(inputs.at(1).as<float>()[0], 0);
}

TEST_F(UserModel, WithOpenShapesTakesThoseOfTheCase) {
  const std::string model = with_open_shapes();
  const auto user = read(model +
                         "inputs: [{name: x, dtype: f32, shape: [7, 4, 5]}]\n"
                         "outputs: [{name: y, dtype: f32, shape: [7, 4, 5]}]\n");
  EXPECT_EQ(user->cases.at(0).c.problem.outputs.at(0).shape, (Shape{7, 4, 5}));
  refused(model + x, "case.outputs: the shape of 'y' is left open by");
  refused(model + x + "outputs: [{name: y, dtype: f32, shape: [7, 4, 6]}]\n",
          "outputs[0].name: shape [7, 4, 6] for 'y' is not what the model declares");
  refused(model + x + "outputs: [{name: y, dtype: f16, shape: [7, 4, 5]}]\n",
          "outputs[0].name: f16 data for 'y', which the model declares as f32");
  refused(model + x + "outputs: [{name: z, dtype: f32, shape: [7, 4, 5]}]\n", "'z' is no output of");
  refused(model + x + "outputs: [{name: y, npy: a.npy}]\n", "unknown key 'npy'");
  refused(model + x + "outputs: [{name: y, dtype: f32, shape: [-7, 4, 5]}]\n",
          "case.yaml:3: user: output 'y' [-7, 4, 5]: negative dimension");
}

TEST_F(UserModel, IsRefusedByNameOfItsInput) {
  refused(hardswish, "case.inputs: 'x', an input of");
  refused(hardswish + "inputs: []\n", "case.inputs: 'x', an input of");
  refused(hardswish + "inputs: [{name: X1, dtype: f32, shape: [3, 4, 5]}]\n",
          "inputs[0].name: 'X1' is no input of " ONNX_TESTDATA
          "/node/test_hardswish_expanded/model.onnx; expected one of x");
  refused(
      linear + "inputs: [{name: '0', dtype: f32, shape: [4, 10]}, {name: '1', dtype: f32, shape: [8, 10]}]\n",
      "inputs[1].name: '1' is no input of");  // an initialiser's
  refused(hardswish + "inputs: [{name: x, dtype: f32, shape: [3, 4, 5]}, {name: x, npy: a.npy}]\n",
          "inputs[1].name: 'x' is given twice");
  refused(hardswish + "inputs: [{name: x, npy: a.npy, shape: [1]}]\n", "inputs[0].shape: not beside npy");
  refused(hardswish + "inputs: [{name: x, npy: a.npy}]\n", "inputs[0].name: shape [1] for 'x' is not what");
  refused(hardswish + "inputs: [{name: x, dtype: f64, shape: [3, 4, 5]}]\n", "f64 data for 'x'");
  refused(hardswish + "inputs: [{name: x, dtype: f32}]\n", "shape");
  refused(hardswish + "inputs: x\n", "case.inputs: expected a list of tensors");
  refused(hardswish + x + "data: special\n", "data 'special' does not fit mode real");
  refused("model: " ONNX_TESTDATA
          "/pytorch-operator/test_operator_basic/model.onnx\n"
          "inputs: [{name: '0', npy: a.npy}, {name: '1', npy: a.npy}]\nseed: 3\n",
          "case.seed: no input is generated");
}

TEST_F(UserModel, ThatCannotBeReadIsNamed) {
  const std::string whole = test::read_text(ONNX_TESTDATA "/node/test_hardswish_expanded/model.onnx");
  folder.write("m.onnx", whole.substr(0, whole.size() / 2));
  refused("model: m.onnx\n" + x, "m.onnx: malformed or truncated: not an ONNX model", ExitCode::BadInput);
  refused("model: nowhere.onnx\n" + x, "nowhere.onnx: cannot be read", ExitCode::BadInput);
  refused("model: .\n" + x, "cannot be read", ExitCode::BadInput);
  refused(changed([](onnx::GraphProto& graph) { graph.clear_output(); }) + x,
          "m.onnx: a graph without an output", ExitCode::BadInput);
  refused(changed([](onnx::GraphProto& graph) { graph.mutable_output(0)->set_name("y\n"); }) + x,
          "m.onnx: a tensor whose name is empty or has a control character", ExitCode::BadInput);
  const auto of_type = [](int code) {
    return [code](onnx::GraphProto& graph) {
      graph.mutable_output(0)->mutable_type()->mutable_tensor_type()->set_elem_type(code);
    };
  };
  refused(changed(of_type(onnx::TensorProto::INT64)) + x, "m.onnx: 'y': element type INT64",
          ExitCode::Unsupported);
  refused(changed(of_type(99)) + x, "m.onnx: 'y': element type 99 is none of ONNX", ExitCode::BadInput);
  refused(changed([](onnx::GraphProto& graph) {
            graph.mutable_output(0)->mutable_type()->mutable_sequence_type();
          }) + x,
          "m.onnx: 'y' is not a tensor", ExitCode::Unsupported);
}

TEST_F(UserModel, LargerThanTheComputerIsRefusedBeforeItIsMade) {
  const std::string model = with_open_shapes();
  const std::string huge = "[13000000000, 4, 5]";
  refused(model + "inputs: [{name: x, dtype: f32, shape: " + huge +
              "}]\noutputs: [{name: y, dtype: f32, shape: " + huge + "}]\n",
          "GB of memory", ExitCode::Infrastructure);
  refused(model + "inputs: [{name: x, dtype: f32, shape: [4611686018427387904, 4, 5]}]\n",
          "is larger than 2^40 bytes");
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
