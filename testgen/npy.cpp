#include "testgen/npy.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>
#include <fstream>
#include <regex>
#include <sstream>

#include "base/error.hpp"

namespace assay::testgen {
namespace {

constexpr char kMagic[] = "\x93NUMPY";
constexpr std::size_t kMagicBytes = 6;
constexpr std::size_t kMostHeaderBytes = 4096;  // the types and ranks that are taken need a tenth

std::ifstream open(const std::filesystem::path& file) {
  std::error_code ignored;
  // Before it is opened: to open a pipe is to wait for its writer.
  if (!std::filesystem::is_regular_file(file, ignored))
    fail(ExitCode::BadInput, "{}: cannot be read", file.string());
  std::ifstream stream(file, std::ios::binary);
  if (!stream) fail(ExitCode::BadInput, "{}: cannot be read", file.string());
  return stream;
}

// At most `count` bytes from `offset` on.
std::size_t read_bytes(std::ifstream& stream, std::uint64_t offset, char* to, std::size_t count) {
  stream.clear();
  stream.seekg(static_cast<std::streamoff>(offset));
  stream.read(to, static_cast<std::streamsize>(count));
  return static_cast<std::size_t>(stream.gcount());
}

std::uint64_t little_endian(std::string_view bytes, std::size_t at, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i)
    value |= std::uint64_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  return value;
}

// The header's text and where the data begin.
struct Header {
  std::string text;
  std::size_t data = 0;
};
Header read_header(std::string_view bytes, const std::string& file) {
  if (bytes.size() < kMagicBytes + 4 || bytes.compare(0, kMagicBytes, kMagic) != 0)
    fail(ExitCode::BadInput, "{}: not a .npy file", file);
  const auto version = static_cast<unsigned char>(bytes[kMagicBytes]);
  if (version < 1 || version > 3)
    fail(ExitCode::Unsupported, "{}: .npy version {}, known are 1 to 3", file, version);
  const std::size_t length_bytes = version == 1 ? 2 : 4, start = kMagicBytes + 2 + length_bytes;
  if (bytes.size() < start) fail(ExitCode::BadInput, "{}: ends within its header", file);
  const std::uint64_t length = little_endian(bytes, kMagicBytes + 2, length_bytes);
  if (length > kMostHeaderBytes)
    fail(ExitCode::BadInput, "{}: a header of {} bytes, the most is {}", file, length, kMostHeaderBytes);
  if (start + length > bytes.size())
    fail(ExitCode::BadInput, "{}: ends within its header of {} bytes", file, length);
  return {std::string(bytes.substr(start, length)), start + length};
}

// The value of a key of the header's dictionary, as text.
std::string entry(const std::string& header, const std::string& key, const std::string& pattern,
                  const std::string& file) {
  std::smatch match;
  if (!std::regex_search(header, match, std::regex("['\"]" + key + "['\"]\\s*:\\s*" + pattern)))
    fail(ExitCode::BadInput, "{}: its header lacks '{}'", file, key);
  return match[1];
}

Shape parse_shape(const std::string& text, const std::string& file) {
  Shape shape;
  std::istringstream list(text);
  for (std::string item; std::getline(list, item, ',');) {
    std::smatch number;
    if (std::regex_match(item, std::regex("\\s*"))) continue;  // after the comma of (3,)
    if (!std::regex_match(item, number, std::regex("\\s*(\\d{1,18})L?\\s*")))
      fail(ExitCode::BadInput, "{}: shape ({}) holds '{}'", file, text, item);
    shape.push_back(std::stoll(number[1]));
  }
  return shape;
}

DType parse_descr(const std::string& descr, std::optional<DType> wanted, const std::string& file) {
  static constexpr std::pair<std::string_view, DType> kTypes[] = {{"<f4", DType::f32}, {"<f8", DType::f64},
                                                                  {"<f2", DType::f16}, {"|i1", DType::s8},
                                                                  {"|u1", DType::u8},  {"<i4", DType::s32}};
  if (wanted == DType::bf16 && (descr == "<u2" || descr == "<V2" || descr == "|V2")) return DType::bf16;
  const bool fp8 = wanted == DType::e4m3 || wanted == DType::e5m2;
  if (fp8 && (descr == "|u1" || descr == "|V1")) return *wanted;
  for (const auto& [name, type] : kTypes) {
    if (name != descr) continue;
    if (wanted && *wanted != type)
      fail(ExitCode::BadInput, "{}: holds {} ('{}'), expected {}", file, to_string(type), descr,
           to_string(*wanted));
    return type;
  }
  fail(ExitCode::Unsupported,
       "{}: element type '{}'; expected <f4, <f8, <f2, |i1, |u1 or <i4 (bf16: <u2, e4m3 and e5m2: |u1, with "
       "the "
       "dtype named)",
       file, descr);
}

// The array that a file of so many bytes begins with, without its data; `data`: where these begin.
Tensor read_start(std::string_view start, std::uint64_t size, const std::string& file,
                  const std::string& name, std::optional<DType> dtype, std::size_t& data) {
  const Header header = read_header(start, file);
  const DType type = parse_descr(entry(header.text, "descr", "['\"]([^'\"]*)['\"]", file), dtype, file);
  if (entry(header.text, "fortran_order", "(True|False)", file) == "True")
    fail(ExitCode::Unsupported, "{}: in Fortran order; save it with numpy.ascontiguousarray()", file);
  Tensor tensor;
  try {
    tensor = Tensor(name, type, Shape());
    tensor.shape = parse_shape(entry(header.text, "shape", "\\(([^)]*)\\)", file), file);
    element_count(tensor.shape);
  } catch (const Error& error) {
    if (error.code() == ExitCode::BadInput) throw;
    fail(ExitCode::BadInput, "{}: {}", file, error.what());
  }
  const auto expected = storage_bytes(type, static_cast<std::uint64_t>(element_count(tensor.shape)));
  if (size - header.data != expected)
    fail(ExitCode::BadInput, "{}: {} bytes of data, {} {} needs {}", file, size - header.data,
         to_string(tensor.shape), to_string(type), expected);
  data = header.data;
  tensor.bytes.resize(expected);
  return tensor;
}

}  // namespace

Tensor parse_npy(std::string_view bytes, const std::string& file, const std::string& name,
                 std::optional<DType> dtype) {
  std::size_t data = 0;
  Tensor tensor = read_start(bytes, bytes.size(), file, name, dtype, data);
  if (!tensor.bytes.empty()) std::memcpy(tensor.bytes.data(), bytes.data() + data, tensor.bytes.size());
  return tensor;
}

Tensor read_npy(const std::filesystem::path& path, const std::string& name, std::optional<DType> dtype) {
  const std::string file = path.string();
  std::ifstream stream = open(path);
  std::string start(kMagicBytes + 6 + kMostHeaderBytes, '\0');
  start.resize(read_bytes(stream, 0, start.data(), start.size()));
  std::size_t data = 0;
  Tensor tensor = read_start(start, std::filesystem::file_size(path), file, name, dtype, data);
  if (read_bytes(stream, data, reinterpret_cast<char*>(tensor.bytes.data()), tensor.bytes.size()) !=
      tensor.bytes.size())
    fail(ExitCode::BadInput, "{}: cannot be read", file);
  return tensor;
}

std::string npy_type(DType type) {
  const bool known_float = type == DType::f32 || type == DType::f16 || type == DType::f64;
  if (bits_of(type) < 8) return "|u1";  // two elements a byte, as they lie
  const char kind = known_float ? 'f' : kind_of(type) == DTypeKind::Signed ? 'i' : 'u';
  const std::size_t bytes = size_of(type);
  return fmt::format("{}{}{}", bytes == 1 ? '|' : '<', kind, bytes);
}

std::string npy_bytes(const std::string& type, const Shape& shape, const std::vector<std::byte>& bytes) {
  constexpr std::size_t kAlignment = 64, kPreamble = 10;
  const std::string comma = shape.size() == 1 ? "," : "";
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}", type,
                                   fmt::join(shape, ", "), comma);
  const std::size_t used = kPreamble + header.size() + 1;
  header += std::string((kAlignment - used % kAlignment) % kAlignment, ' ') + '\n';
  std::string file("\x93NUMPY\x01\x00", 8);
  file += static_cast<char>(header.size() & 0xFF);
  file += static_cast<char>(header.size() >> 8);
  file += header;
  return file.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace assay::testgen
