// Tensors out of ONNX's protocol buffers.
#include "testgen/onnx_tensor.hpp"

#include <gmock/gmock.h>

#include "../support/expect_error.hpp"
#include "golden/formats.hpp"

namespace assay::testgen {
namespace {

using onnx::TensorProto;
using test::expect_error;

TensorProto proto(TensorProto::DataType type, std::initializer_list<std::int64_t> dims) {
  TensorProto p;
  p.set_data_type(type);
  for (const std::int64_t dim : dims) p.add_dims(dim);
  return p;
}

Tensor read(const TensorProto& p) { return tensor_from_onnx(p, "x.pb"); }

void expect_refused(const TensorProto& p, ExitCode code, const std::string& part) {
  expect_error(code, part, [&] { read(p); });
}

TEST(OnnxTensor, RawDataKeepsItsBits) {
  TensorProto p = proto(TensorProto::FLOAT16, {2});
  p.set_raw_data(std::string("\x00\x3C\x01\xFC", 4));
  const Tensor t = read(p);
  EXPECT_EQ(t.dtype, DType::f16);
  EXPECT_EQ(golden::element_bits(t, 0), 0x3C00U);
  EXPECT_EQ(golden::element_bits(t, 1), 0xFC01U);
}

TEST(OnnxTensor, TypedFieldsAreReadByType) {
  TensorProto floats = proto(TensorProto::FLOAT, {1, 2});
  floats.add_float_data(0.1F);
  floats.add_float_data(-2);
  EXPECT_EQ(golden::decode(read(floats)), (std::vector<double>{0.1F, -2}));

  TensorProto doubles = proto(TensorProto::DOUBLE, {2});
  doubles.add_double_data(0.1);
  doubles.add_double_data(-2);
  EXPECT_EQ(golden::decode(read(doubles)), (std::vector<double>{0.1, -2}));
  doubles.add_float_data(1);
  expect_refused(doubles, ExitCode::BadInput, "data in the field of another type than f64");

  TensorProto bf16 = proto(TensorProto::BFLOAT16, {1});
  bf16.add_int32_data(0xBF80);
  EXPECT_EQ(golden::decode(read(bf16)), std::vector<double>{-1});

  TensorProto s8 = proto(TensorProto::INT8, {2});
  s8.add_int32_data(-128);
  s8.add_int32_data(127);
  EXPECT_EQ(golden::decode(read(s8)), (std::vector<double>{-128, 127}));

  TensorProto s32 = proto(TensorProto::INT32, {1});
  s32.add_int32_data(INT32_MIN);
  EXPECT_EQ(golden::decode(read(s32)), std::vector<double>{INT32_MIN});
}

TEST(OnnxTensor, AScalarHasOneElement) {
  TensorProto p = proto(TensorProto::FLOAT, {});
  p.add_float_data(3);
  EXPECT_EQ(read(p).shape, Shape{});
  EXPECT_EQ(golden::decode(read(p)), std::vector<double>{3});
}

TEST(OnnxTensor, DimensionsMustFitTheData) {
  TensorProto p = proto(TensorProto::FLOAT, {2, 3});
  p.set_raw_data(std::string(20, 'x'));
  expect_refused(p, ExitCode::BadInput, "x.pb: shape [2, 3] has 6 elements, the file holds 5 (20 bytes)");
  p.set_raw_data(std::string(25, 'x'));
  expect_refused(p, ExitCode::BadInput, "(25 bytes)");
  p.clear_raw_data();
  expect_refused(p, ExitCode::BadInput, "the file holds 0 values");
  p.set_raw_data("");
  expect_refused(p, ExitCode::BadInput, "(0 bytes)");
}

TEST(OnnxTensor, AbsurdDimensionsAllocateNothing) {
  expect_refused(proto(TensorProto::FLOAT, {INT64_MAX, INT64_MAX}), ExitCode::BadInput, "is beyond any file");
  expect_refused(proto(TensorProto::FLOAT, {INT64_MAX}), ExitCode::BadInput, "the file holds 0 values");
  expect_refused(proto(TensorProto::FLOAT, {1LL << 32, 1LL << 32}), ExitCode::BadInput, "is beyond any file");
  expect_refused(proto(TensorProto::FLOAT, {-1}), ExitCode::BadInput, "dimension -1 is negative");
}

TEST(OnnxTensor, ValuesBeyondTheirTypeAreRefused) {
  TensorProto p = proto(TensorProto::INT8, {1});
  p.add_int32_data(128);
  expect_refused(p, ExitCode::BadInput, "value 128 of element 0 is beyond s8");
  p = proto(TensorProto::BFLOAT16, {1});
  p.add_int32_data(65536);
  expect_refused(p, ExitCode::BadInput, "beyond bf16");
}

TEST(OnnxTensor, DataInTwoFieldsOrTheWrongOneIsRefused) {
  TensorProto p = proto(TensorProto::FLOAT, {1});
  p.add_float_data(1);
  p.set_raw_data("1234");
  expect_refused(p, ExitCode::BadInput, "both raw_data and a typed field");
  p = proto(TensorProto::FLOAT, {1});
  p.add_int32_data(1);
  expect_refused(p, ExitCode::BadInput, "data in the field of another type than f32");
}

TEST(OnnxTensor, OtherTypesAndPlacesAreUnsupportedByName) {
  expect_refused(proto(TensorProto::INT64, {1}), ExitCode::Unsupported,
                 "x.pb: element type INT64; expected one of");
  expect_refused(proto(TensorProto::STRING, {1}), ExitCode::Unsupported, "STRING");
  expect_refused(TensorProto(), ExitCode::BadInput, "element type 0 is none of ONNX");
  TensorProto p = proto(TensorProto::FLOAT, {1});
  p.set_data_type(99);
  expect_refused(p, ExitCode::BadInput, "element type 99 is none of ONNX");
  p = proto(TensorProto::FLOAT, {1});
  p.set_data_location(TensorProto::EXTERNAL);
  expect_refused(p, ExitCode::Unsupported, "external data");
  p = proto(TensorProto::FLOAT, {1});
  p.mutable_segment()->set_begin(0);
  expect_refused(p, ExitCode::Unsupported, "segmented");
}

}  // namespace
}  // namespace assay::testgen
