// Folders of ONNX test data: those of the ONNX project, and broken ones made here.
#include "testgen/onnx_case.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <onnx/onnx_pb.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "../support/expect_error.hpp"
#include "golden/backend.hpp"

namespace assay::testgen {
namespace {

namespace fs = std::filesystem;
using test::expect_error;

const fs::path kData = "/usr/share/libonnx-testdata/data/node";  // package libonnx-testdata

// strict's result against what ONNX recorded, in the doubled bound of the fp64 reference.
golden::Comparison judge(const RecordedCase& o) {
  const golden::Reference strict = golden::find_backend("strict").evaluate(o.c.problem, o.inputs);
  const golden::Reference cpu = golden::find_backend("cpu").evaluate(o.c.problem, o.inputs);
  return golden::compare(*strict.outputs[0].bits, golden::recorded_reference(o.outputs[0], cpu.outputs[0]),
                         o.policy);
}

TEST(RecordedCase, EveryRecordedGemmAndMatmulPasses) {
  if (!fs::exists(kData)) GTEST_SKIP() << kData << " is not installed";
  int judged = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(kData)) {
    const std::string name = entry.path().filename().string();
    const bool wanted = name.rfind("test_gemm_", 0) == 0 || name.rfind("test_matmul_", 0) == 0;
    if (!wanted) continue;
    for (const RecordedCase& o : read_onnx_cases(entry.path())) {
      const golden::Comparison result = judge(o);
      EXPECT_TRUE(result.passed) << o.name << ": " << result.to_line();
      RecordedCase wrong = o;
      wrong.outputs[0].as<std::uint32_t>()[0] ^= 0x00400000;
      EXPECT_FALSE(judge(wrong).passed) << o.name;
      ++judged;
    }
  }
  EXPECT_EQ(judged, 14);
}

// What converters of PyTorch wrote, by older operator sets; and the goldens' reading of every attribute.
TEST(RecordedCase, EveryRecordedConvolutionAndLinearLayerPasses) {
  if (!fs::exists(kData)) GTEST_SKIP() << kData << " is not installed";
  int judged = 0;
  for (const char* folder : {"node", "pytorch-converted", "pytorch-operator"})
    for (const fs::directory_entry& entry : fs::directory_iterator(kData.parent_path() / folder)) {
      const std::string name = entry.path().filename().string();
      const auto has = [&](const char* part) { return name.find(part) != std::string::npos; };
      if (!has("conv") && !has("Conv") && !has("Linear")) continue;
      for (const RecordedCase& o : read_onnx_cases(entry.path())) {
        const golden::Comparison result = judge(o);
        EXPECT_TRUE(result.passed) << o.name << ": " << result.to_line();
        RecordedCase wrong = o;
        wrong.outputs[0].bytes.back() ^= std::byte{0x40};
        EXPECT_FALSE(judge(wrong).passed) << o.name;
        ++judged;
      }
    }
  EXPECT_EQ(judged, 52);
}

TEST(RecordedCase, UnsupportedOperatorsAreNamed) {
  if (!fs::exists(kData)) GTEST_SKIP() << kData << " is not installed";
  expect_error(ExitCode::Unsupported, "node Abs: unsupported operator; expected one of Gemm, MatMul, ",
               [] { read_onnx_cases(kData / "test_abs"); });
}

// A small gemm folder of one's own, to be broken.
class OnnxFolder : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "assay-onnx-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    fs::create_directory(set());
    model_.set_ir_version(8);
    model_.add_opset_import()->set_version(13);
    onnx::GraphProto& graph = *model_.mutable_graph();
    onnx::NodeProto& node = *graph.add_node();
    node.set_op_type("Gemm");
    node.set_name("g");
    for (const char* input : {"a", "b"}) {
      node.add_input(input);
      declare(*graph.add_input(), input, {2, 2});
    }
    node.add_output("y");
    declare(*graph.add_output(), "y", {2, 2});
    for (const char* file : {"input_0.pb", "input_1.pb"}) write(file, tensor({2, 2}, {1, 2, 3, 4}));
    write("output_0.pb", tensor({2, 2}, {7, 10, 15, 22}));
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path set() const { return folder_ / "test_data_set_0"; }
  onnx::NodeProto& node() { return *model_.mutable_graph()->mutable_node(0); }

  static void declare(onnx::ValueInfoProto& info, const std::string& name,
                      std::initializer_list<std::int64_t> dims) {
    info.set_name(name);
    onnx::TypeProto_Tensor& type = *info.mutable_type()->mutable_tensor_type();
    type.set_elem_type(onnx::TensorProto::FLOAT);
    for (const std::int64_t dim : dims) type.mutable_shape()->add_dim()->set_dim_value(dim);
  }
  static onnx::TensorProto tensor(std::initializer_list<std::int64_t> dims,
                                  std::initializer_list<float> values) {
    onnx::TensorProto p;
    p.set_data_type(onnx::TensorProto::FLOAT);
    for (const std::int64_t dim : dims) p.add_dims(dim);
    for (const float value : values) p.add_float_data(value);
    return p;
  }
  void write(const std::string& file, const google::protobuf::MessageLite& message) const {
    std::ofstream(set() / file, std::ios::binary) << message.SerializeAsString();
  }
  std::vector<RecordedCase> read() const {
    std::ofstream(folder_ / "model.onnx", std::ios::binary) << model_.SerializeAsString();
    return read_onnx_cases(folder_);
  }
  void expect_refused(ExitCode code, const std::string& part) const {
    expect_error(code, part, [&] { read(); });
  }

  fs::path folder_;
  onnx::ModelProto model_;
};

TEST_F(OnnxFolder, ReadsAndJudges) {
  const std::vector<RecordedCase> cases = read();
  ASSERT_EQ(cases.size(), 1U);
  EXPECT_EQ(ops::to_string(cases[0].c.problem), "gemm(A:f32[2x2], B:f32[2x2])");
  EXPECT_TRUE(judge(cases[0]).passed);
}

TEST_F(OnnxFolder, DataSetsComeInNumericalOrder) {
  for (const char* number : {"2", "10"}) fs::copy(set(), folder_ / ("test_data_set_" + std::string(number)));
  const std::vector<RecordedCase> cases = read();
  ASSERT_EQ(cases.size(), 3U);
  EXPECT_THAT(cases[1].name, testing::EndsWith("test_data_set_2"));
  EXPECT_THAT(cases[2].name, testing::EndsWith("test_data_set_10"));
}

TEST_F(OnnxFolder, NothingRecordedIsPassedOver) {
  fs::copy(set(), folder_ / "test_data_set_00");
  expect_refused(ExitCode::BadInput, "data set 0 is there twice");
  fs::remove_all(folder_ / "test_data_set_00");
  fs::copy(set() / "output_0.pb", set() / "output_1.pb");
  expect_refused(ExitCode::BadInput, "output_1.pb: the model has only 1 output");
}

TEST_F(OnnxFolder, ALinkToItselfIsNoDataSet) {
  fs::create_directory_symlink("test_data_set_1", folder_ / "test_data_set_1");
  EXPECT_EQ(read().size(), 1U);
}

TEST_F(OnnxFolder, AnInitialiserIsAnInput) {
  onnx::TensorProto b = tensor({2, 2}, {1, 2, 3, 4});
  b.set_name("b");
  *model_.mutable_graph()->add_initializer() = b;
  fs::remove(set() / "input_1.pb");
  EXPECT_TRUE(judge(read().at(0)).passed);
}

TEST_F(OnnxFolder, EveryTruncationOfAFileIsNamedAndPrintsNothing) {
  read();
  for (const fs::path& file : {set() / "input_0.pb", folder_ / "model.onnx"}) {
    std::ostringstream whole;
    whole << std::ifstream(file, std::ios::binary).rdbuf();
    const std::string bytes = whole.str();
    testing::internal::CaptureStderr();
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      std::ofstream(file, std::ios::binary) << bytes.substr(0, length);
      try {
        read_onnx_cases(folder_);
        ADD_FAILURE() << file << " cut to " << length << " of " << bytes.size() << " bytes was accepted";
      } catch (const Error& error) {
        EXPECT_EQ(to_string(error.code()), to_string(ExitCode::BadInput)) << length << ": " << error.what();
        EXPECT_THAT(error.what(), testing::HasSubstr(folder_.string())) << length;
      }
    }
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    std::ofstream(file, std::ios::binary) << bytes;
  }
}

TEST_F(OnnxFolder, RandomBytesAreRefusedInSilence) {
  read();
  testing::internal::CaptureStderr();
  for (int first = 0; first < 256; ++first) {
    std::ofstream(set() / "input_0.pb", std::ios::binary)
        << static_cast<char>(first) << "\xFF\x01garbage\x80";
    EXPECT_THROW(read_onnx_cases(folder_), Error) << first;
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(OnnxFolder, MissingFilesAndFoldersAreNamed) {
  fs::remove(set() / "input_1.pb");
  expect_refused(ExitCode::BadInput, "test_data_set_0/input_1.pb: cannot be read");
  fs::remove_all(set());
  expect_refused(ExitCode::BadInput, "no folder test_data_set_0");
  expect_error(ExitCode::BadInput, "/nowhere: not a folder", [] { read_onnx_cases("/nowhere"); });
  expect_error(ExitCode::BadInput, "model.onnx: cannot be read", [&] {
    fs::remove(folder_ / "model.onnx");
    read_onnx_cases(folder_);
  });
}

TEST_F(OnnxFolder, MoreInputsThanTheModelHasAreNamed) {
  write("input_2.pb", tensor({1}, {1}));
  expect_refused(ExitCode::BadInput, "input_2.pb: the model has only 2 inputs");
}

TEST_F(OnnxFolder, DataThatIsNotWhatTheModelDeclaresIsNamed) {
  write("input_0.pb", tensor({1, 2}, {1, 2}));
  expect_refused(ExitCode::BadInput, "input_0.pb: shape [1, 2] for 'a' is not what the model declares");
  onnx::TensorProto half = tensor({2, 2}, {});
  half.set_data_type(onnx::TensorProto::FLOAT16);
  half.set_raw_data("12345678");
  write("input_0.pb", half);
  expect_refused(ExitCode::BadInput, "input_0.pb: f16 data for 'a', which the model declares as f32");
}

TEST_F(OnnxFolder, ARecordedOutputOfAnotherShapeIsNamed) {
  model_.mutable_graph()->mutable_output(0)->mutable_type()->mutable_tensor_type()->clear_shape();
  write("output_0.pb", tensor({4}, {7, 10, 15, 22}));
  expect_refused(ExitCode::BadInput, "output_0.pb: recorded f32 [4], but node Gemm 'g' gives f32 [2, 2]");
}

TEST_F(OnnxFolder, AttributesBeyondTheOperatorAreNamed) {
  onnx::AttributeProto& attribute = *node().add_attribute();
  attribute.set_name("broadcast");
  attribute.set_type(onnx::AttributeProto::INT);
  attribute.set_i(1);
  expect_refused(ExitCode::Unsupported, "node Gemm 'g': unsupported attribute 'broadcast'");
  attribute.set_name("dataflow");
  expect_refused(ExitCode::Unsupported, "unsupported attribute 'dataflow'");
  attribute.set_name("alpha");
  attribute.set_type(onnx::AttributeProto::STRING);
  expect_refused(ExitCode::BadInput, "attribute 'alpha' is STRING, expected a number");
}

TEST_F(OnnxFolder, ListsAndNamesAreAttributes) {
  node().set_op_type("Conv");
  onnx::AttributeProto& strides = *node().add_attribute();
  strides.set_name("strides");
  strides.set_type(onnx::AttributeProto::INTS);
  strides.add_ints(2);
  onnx::AttributeProto& pad = *node().add_attribute();
  pad.set_name("auto_pad");
  pad.set_type(onnx::AttributeProto::STRING);
  pad.set_s("SAME_LOWER");
  for (int i = 0; i < 2; ++i)
    model_.mutable_graph()->mutable_input(i)->mutable_type()->mutable_tensor_type()->clear_shape();
  model_.mutable_graph()->mutable_output(0)->mutable_type()->mutable_tensor_type()->clear_shape();
  write("input_0.pb", tensor({1, 1, 4}, {1, 2, 3, 4}));
  write("input_1.pb", tensor({1, 1, 3}, {1, 10, 100}));
  write("output_0.pb", tensor({1, 1, 2}, {210, 432}));
  const RecordedCase read_case = read().at(0);
  EXPECT_EQ(ops::to_string(read_case.c.problem),
            "conv(X:f32[1x1x4], W:f32[1x1x3]; auto_pad=SAME_LOWER, strides=2)");
  EXPECT_TRUE(judge(read_case).passed);
  pad.set_type(onnx::AttributeProto::INT);
  expect_refused(ExitCode::BadInput, "attribute 'auto_pad' is INT, expected a name");
}

TEST_F(OnnxFolder, AnInputThatIsNotGivenLeavesTheOthersTheirPlaces) {
  node().set_op_type("ConvInteger");
  node().add_input("");
  node().add_input("zero");
  declare(*model_.mutable_graph()->add_input(), "zero", {});
  for (int i = 0; i < 3; ++i) {
    onnx::TypeProto_Tensor& type =
        *model_.mutable_graph()->mutable_input(i)->mutable_type()->mutable_tensor_type();
    type.clear_shape();
    type.set_elem_type(onnx::TensorProto::UINT8);
    onnx::TensorProto t;
    t.set_data_type(onnx::TensorProto::UINT8);
    for (int d = 0; d < 3 && i < 2; ++d) t.add_dims(1);
    t.add_int32_data(5 + i);
    write(fmt::format("input_{}.pb", i), t);
  }
  onnx::TypeProto_Tensor& type =
      *model_.mutable_graph()->mutable_output(0)->mutable_type()->mutable_tensor_type();
  type.clear_shape();
  type.set_elem_type(onnx::TensorProto::INT32);
  onnx::TensorProto y;
  y.set_data_type(onnx::TensorProto::INT32);
  for (int d = 0; d < 3; ++d) y.add_dims(1);
  y.add_int32_data(5 * (6 - 7));
  write("output_0.pb", y);
  const RecordedCase read_case = read().at(0);
  EXPECT_EQ(ops::to_string(read_case.c.problem), "convinteger(x:u8[1x1x1], w:u8[1x1x1], w_zero_point:u8[])");
  EXPECT_TRUE(judge(read_case).passed);
}

TEST_F(OnnxFolder, ATransposedMatrixBeforeMatMulIsOneGemm) {
  onnx::NodeProto matmul = node();
  matmul.set_op_type("MatMul");
  matmul.set_input(1, "t");
  node().set_op_type("Transpose");
  node().clear_input();
  node().add_input("b");
  node().set_output(0, "t");
  *model_.mutable_graph()->add_node() = matmul;
  write("output_0.pb", tensor({2, 2}, {5, 11, 11, 25}));
  const RecordedCase read_case = read().at(0);
  EXPECT_EQ(ops::to_string(read_case.c.problem), "gemm(A:f32[2x2], B:f32[2x2]; transB=1)");
  EXPECT_TRUE(judge(read_case).passed);
  model_.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->clear_shape();
  expect_refused(ExitCode::Unsupported, "node Transpose 'g': unsupported operator");
}

TEST_F(OnnxFolder, AnOlderOperatorSetIsNamed) {
  model_.mutable_opset_import(0)->set_version(5);
  expect_refused(ExitCode::Unsupported, "node Gemm 'g': operator set 5; expected 6 or later");
  model_.clear_opset_import();
  expect_refused(ExitCode::BadInput, "model.onnx: imports no operator set of ONNX");
  model_.add_opset_import()->set_version(7);
  EXPECT_EQ(read().size(), 1U);
}

TEST_F(OnnxFolder, OtherGraphsAreNamed) {
  node().set_domain("com.example");
  expect_refused(ExitCode::Unsupported, "node Gemm 'g' of domain 'com.example': unsupported operator");
  node().clear_domain();
  node().set_input(1, "elsewhere");
  expect_refused(ExitCode::BadInput, "node Gemm 'g': input 'elsewhere' is nowhere defined");
  node().set_input(1, "b");
  node().set_output(0, "z");
  expect_refused(ExitCode::BadInput, "its output is not the graph's one output");
  *model_.mutable_graph()->add_node() = node();
  expect_refused(ExitCode::Unsupported, "2 nodes (first Gemm 'g'); only graphs of one node are supported");
  model_.mutable_graph()->clear_node();
  expect_refused(ExitCode::BadInput, "a graph without a node");
}

TEST_F(OnnxFolder, AProblemThatCannotBeNamesFileAndNode) {
  for (int i = 0; i < 2; ++i)
    model_.mutable_graph()->mutable_input(i)->mutable_type()->mutable_tensor_type()->clear_shape();
  write("input_1.pb", tensor({3, 2}, {1, 2, 3, 4, 5, 6}));
  expect_refused(ExitCode::Usage, "model.onnx: node Gemm 'g': gemm: inner dimensions differ");
  write("input_0.pb", tensor({2, 0}, {}));
  write("input_1.pb", tensor({0, 2}, {}));
  onnx::AttributeProto& alpha = *node().add_attribute();
  alpha.set_name("alpha");
  alpha.set_type(onnx::AttributeProto::FLOAT);
  alpha.set_f(2);
  expect_refused(ExitCode::Unsupported, "the inner dimension of 'A' [2, 0]");
}

}  // namespace
}  // namespace assay::testgen
