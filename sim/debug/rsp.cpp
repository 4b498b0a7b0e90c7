#include "sim/debug/rsp.hpp"

#include <fmt/format.h>

#include <charconv>
#include <numeric>

namespace assay::sim {
namespace {

constexpr char kEscape = '}';
constexpr char kFlip = 0x20;  // an escaped byte is sent with this bit inverted

std::uint8_t checksum(std::string_view text) {
  return std::accumulate(text.begin(), text.end(), std::uint8_t{0}, [](std::uint8_t sum, char c) {
    return static_cast<std::uint8_t>(sum + static_cast<std::uint8_t>(c));
  });
}

std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escaped = text[i] == kEscape && i + 1 < text.size();
    plain += escaped ? static_cast<char>(text[++i] ^ kFlip) : text[i];
  }
  return plain;
}

}  // namespace

std::string rsp_frame(std::string_view payload) {
  std::string text;
  for (const char c : payload) {
    const bool special = c == '$' || c == '#' || c == kEscape || c == '*';
    if (special) text += kEscape;
    text += special ? static_cast<char>(c ^ kFlip) : c;
  }
  return fmt::format("${}#{:02x}", text, checksum(text));
}

std::optional<RspEvent> RspReader::next() {
  while (!buffer_.empty()) {
    const char first = buffer_[0];
    if (first == '$') return packet();
    buffer_.erase(0, 1);
    if (first == '\x03') return RspEvent{RspEvent::Kind::interrupt, {}};
    if (first == '+') return RspEvent{RspEvent::Kind::positive, {}};
    if (first == '-') return RspEvent{RspEvent::Kind::negative, {}};
  }
  return std::nullopt;
}

std::optional<RspEvent> RspReader::packet() {
  const std::size_t end = buffer_.find('#');
  if (end == std::string::npos && buffer_.size() > kLongest) {
    buffer_.clear();
    return RspEvent{RspEvent::Kind::damaged, {}};
  }
  if (end == std::string::npos || buffer_.size() < end + 3) return std::nullopt;
  const std::string body = buffer_.substr(1, end - 1);
  const auto sum = hex_number(std::string_view(buffer_).substr(end + 1, 2));
  buffer_.erase(0, end + 3);
  if (body.size() > kLongest || sum != checksum(body)) return RspEvent{RspEvent::Kind::damaged, {}};
  return RspEvent{RspEvent::Kind::packet, unescaped(body)};
}

std::string to_hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<std::uint8_t>(c));
  return text;
}

std::optional<std::string> from_hex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const auto byte = hex_number(digits.substr(i, 2));
    if (!byte) return std::nullopt;
    bytes += static_cast<char>(*byte);
  }
  return bytes;
}

std::optional<std::uint64_t> hex_number(std::string_view digits) {
  std::uint64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), end, value, 16);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return value;
}

}  // namespace assay::sim
