// Bytes as text and as .npy files.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>

#include "app/debug/dump.hpp"
#include "golden/formats.hpp"
#include "testgen/npy.hpp"

namespace assay::app {
namespace {

std::string hex_line(const std::byte* bytes, std::size_t count) {
  std::string hex, ascii;
  for (std::size_t i = 0; i < count; ++i) {
    const auto byte = std::to_integer<unsigned>(bytes[i]);
    hex += fmt::format("{}{:02x}", i == 8 ? "  " : " ", byte);
    ascii += byte >= 0x20 && byte < 0x7f ? static_cast<char>(byte) : '.';
  }
  return fmt::format("{:<50} |{}|", hex, ascii);
}

// Sixteen bytes a line; a star stands for lines equal to the one before it.
std::string hex_dump(std::uint64_t offset, const std::vector<std::byte>& bytes) {
  constexpr std::size_t kLine = 16;
  std::string text;
  bool repeating = false;
  for (std::size_t at = 0; at < bytes.size(); at += kLine) {
    const std::size_t count = std::min(kLine, bytes.size() - at);
    const bool same =
        at >= kLine && count == kLine && std::memcmp(&bytes[at], &bytes[at - kLine], kLine) == 0;
    if (same && !repeating) text += "*\n";
    repeating = same;
    if (!same) text += fmt::format("{:08x} {}\n", offset + at, hex_line(&bytes[at], count));
  }
  if (repeating) text += fmt::format("{:08x}\n", offset + bytes.size());
  return text;
}

std::string value_text(double value, DType type) {
  if (!is_float(type)) return fmt::format("{:.0f}", value);
  return type == DType::f64 ? fmt::format("{:.17g}", value) : fmt::format("{:.9g}", value);
}

// The index of a row's first element, innermost dimension last: "[1, 0, 8]".
std::string index_text(std::uint64_t linear, const Shape& shape) {
  std::vector<std::uint64_t> index(shape.size());
  for (std::size_t d = shape.size(); d-- > 0;) {
    const auto extent = static_cast<std::uint64_t>(shape[d]);
    index[d] = linear % extent;
    linear /= extent;
  }
  return fmt::format("[{}]", fmt::join(index, ", "));
}

// Up to eight values a line, never across a row.
std::string value_dump(const DumpPlace& place, const std::vector<std::byte>& bytes) {
  constexpr std::uint64_t kLine = 8;
  Tensor tensor("", *place.dtype, place.shape);
  tensor.bytes = bytes;
  const std::vector<double> values = golden::decode(tensor);
  const auto row = place.shape.empty() ? 1 : static_cast<std::uint64_t>(place.shape.back());
  const bool tensor_itself = place.memory == DumpPlace::Memory::hbm;
  std::string text;
  for (std::uint64_t at = 0; at < values.size();) {
    const std::uint64_t count = std::min(kLine, row - at % row);
    text += tensor_itself ? index_text(at, place.shape)
                          : fmt::format("{:08x}", place.offset + at * size_of(*place.dtype));
    for (std::uint64_t i = 0; i < count; ++i) text += ' ' + value_text(values[at + i], *place.dtype);
    text += '\n';
    at += count;
  }
  return text;
}

}  // namespace

std::string dump_text(const DumpPlace& place, const std::vector<std::byte>& bytes) {
  return place.dtype ? value_dump(place, bytes) : hex_dump(place.offset, bytes);
}

std::string dump_npy(const DumpPlace& place, const std::vector<std::byte>& bytes) {
  return testgen::npy_bytes(place.dtype ? testgen::npy_type(*place.dtype) : "|u1", place.shape, bytes);
}

}  // namespace assay::app
