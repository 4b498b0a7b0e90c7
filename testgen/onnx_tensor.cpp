#include "testgen/onnx_tensor.hpp"

#include <google/protobuf/stubs/logging.h>

#include <array>
#include <cstring>
#include <fstream>
#include <limits>
#include <sstream>
#include <utility>

#include "base/error.hpp"

namespace assay::testgen {
namespace {

template <typename Message>
Message parse(const std::string& bytes, const std::filesystem::path& file, std::string_view what) {
  const google::protobuf::LogSilencer silence;
  Message message;
  if (bytes.empty() || !message.ParseFromString(bytes))
    fail(ExitCode::BadInput, "{}: malformed or truncated: not an ONNX {}", file.string(), what);
  return message;
}

Shape shape_of(const onnx::TensorProto& proto, const std::string& where) {
  Shape shape;
  for (const std::int64_t dim : proto.dims()) {
    if (dim < 0) fail(ExitCode::BadInput, "{}: dimension {} is negative", where, dim);
    shape.push_back(dim);
  }
  return shape;
}

// The shape's number of elements, checked against what the file holds before anything is allocated.
void check_count(const Shape& shape, std::size_t have, std::size_t unit, const std::string& where) {
  std::uint64_t count = 1;
  bool empty = false;
  for (const std::int64_t dim : shape) empty = empty || dim == 0;
  for (const std::int64_t dim : shape)
    if (__builtin_mul_overflow(count, static_cast<std::uint64_t>(dim), &count))
      fail(ExitCode::BadInput, "{}: shape {} is beyond any file", where, to_string(shape));
  if (empty) count = 0;
  if (have % unit != 0 || have / unit != count)
    fail(ExitCode::BadInput, "{}: shape {} has {} elements, the file holds {} {}", where, to_string(shape),
         count, have / unit, unit == 1 ? "values" : fmt::format("({} bytes)", have));
}

// The typed field that carries elements of a type.
enum class Field : std::uint8_t { Floats, Doubles, Integers };

Field field_of(DType type) {
  if (type == DType::f32) return Field::Floats;
  return type == DType::f64 ? Field::Doubles : Field::Integers;
}

// How many values each field holds.
std::array<int, 3> field_sizes(const onnx::TensorProto& proto) {
  return {proto.float_data_size(), proto.double_data_size(), proto.int32_data_size()};
}

// int32_data carries every narrow type: integers as values, 16-bit floats as bits.
void copy_integers(const onnx::TensorProto& proto, const std::string& where, Tensor& tensor) {
  const std::size_t size = size_of(tensor.dtype);
  const bool is_signed = kind_of(tensor.dtype) == DTypeKind::Signed;
  const std::int64_t low = is_signed ? -(std::int64_t{1} << (8 * size - 1)) : 0;
  const std::int64_t high = low + (std::int64_t{1} << (8 * size)) - 1;
  for (int i = 0; i < proto.int32_data_size(); ++i) {
    const std::int32_t value = proto.int32_data(i);
    if (value < low || value > high)
      fail(ExitCode::BadInput, "{}: value {} of element {} is beyond {}", where, value, i,
           to_string(tensor.dtype));
    std::memcpy(tensor.bytes.data() + static_cast<std::size_t>(i) * size, &value, size);
  }
}

}  // namespace

std::string read_bytes(const std::filesystem::path& file) {
  std::error_code error;
  const bool regular = std::filesystem::is_regular_file(file, error);
  const std::uintmax_t size = regular ? std::filesystem::file_size(file, error) : 0;
  std::ifstream stream;
  if (regular) stream.open(file, std::ios::binary);  // a pipe would wait for its writer
  if (!regular || error || !stream) fail(ExitCode::BadInput, "{}: cannot be read", file.string());
  if (size > static_cast<std::uintmax_t>(std::numeric_limits<int>::max()))
    fail(ExitCode::BadInput, "{}: larger than 2 GiB", file.string());
  std::string bytes(size, '\0');
  stream.read(bytes.data(), static_cast<std::streamsize>(size));
  if (static_cast<std::uintmax_t>(stream.gcount()) != size)
    fail(ExitCode::BadInput, "{}: cannot be read to its end", file.string());
  return bytes;
}

onnx::ModelProto parse_onnx_model(const std::string& bytes, const std::filesystem::path& file) {
  return parse<onnx::ModelProto>(bytes, file, "model");
}

onnx::TensorProto read_onnx_tensor(const std::filesystem::path& file) {
  return parse<onnx::TensorProto>(read_bytes(file), file, "tensor");
}

DType dtype_from_onnx(std::int32_t code, const std::string& where) {
  switch (code) {
    case onnx::TensorProto::FLOAT: return DType::f32;
    case onnx::TensorProto::DOUBLE: return DType::f64;
    case onnx::TensorProto::FLOAT16: return DType::f16;
    case onnx::TensorProto::BFLOAT16: return DType::bf16;
    case onnx::TensorProto::INT8: return DType::s8;
    case onnx::TensorProto::UINT8: return DType::u8;
    case onnx::TensorProto::INT32: return DType::s32;
    default: break;
  }
  if (code == onnx::TensorProto::UNDEFINED || !onnx::TensorProto::DataType_IsValid(code))
    fail(ExitCode::BadInput, "{}: element type {} is none of ONNX", where, code);
  fail(ExitCode::Unsupported,
       "{}: element type {}; expected one of FLOAT, DOUBLE, FLOAT16, BFLOAT16, INT8, UINT8, INT32", where,
       onnx::TensorProto::DataType_Name(static_cast<onnx::TensorProto::DataType>(code)));
}

Tensor tensor_from_onnx(const onnx::TensorProto& proto, const std::string& where) {
  const DType dtype = dtype_from_onnx(proto.data_type(), where);
  if (proto.data_location() == onnx::TensorProto::EXTERNAL || proto.external_data_size() > 0)
    fail(ExitCode::Unsupported, "{}: external data", where);
  if (proto.has_segment()) fail(ExitCode::Unsupported, "{}: a segmented tensor", where);
  const bool raw = proto.has_raw_data();
  const Field field = field_of(dtype);
  std::array<int, 3> others = field_sizes(proto);
  const auto typed = static_cast<std::size_t>(std::exchange(others[static_cast<std::size_t>(field)], 0));
  if (others != std::array<int, 3>{})
    fail(ExitCode::BadInput, "{}: data in the field of another type than {}", where, to_string(dtype));
  if (raw && typed > 0) fail(ExitCode::BadInput, "{}: both raw_data and a typed field", where);

  const Shape shape = shape_of(proto, where);
  check_count(shape, raw ? proto.raw_data().size() : typed, raw ? size_of(dtype) : 1, where);
  Tensor tensor(proto.name(), dtype, shape);
  if (tensor.bytes.empty()) return tensor;
  if (raw) std::memcpy(tensor.bytes.data(), proto.raw_data().data(), tensor.bytes.size());
  else if (field == Field::Floats)
    std::memcpy(tensor.bytes.data(), proto.float_data().data(), tensor.bytes.size());
  else if (field == Field::Doubles)
    std::memcpy(tensor.bytes.data(), proto.double_data().data(), tensor.bytes.size());
  else copy_integers(proto, where, tensor);
  return tensor;
}

}  // namespace assay::testgen
