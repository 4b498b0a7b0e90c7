// Packets of GDB's remote serial protocol: "$payload#checksum", acknowledged by "+" or "-".
// Source: the GDB manual (version 13), appendix E, "GDB Remote Serial Protocol".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace assay::sim {

std::string rsp_frame(std::string_view payload);  // escaped, with its checksum

struct RspEvent {
  enum class Kind { packet, damaged, interrupt, positive, negative };
  Kind kind = Kind::packet;
  std::string payload;  // of a packet, without its escapes
};

// Cuts a stream of bytes into events, however the bytes arrive; what is no part of any is skipped.
class RspReader {
 public:
  static constexpr std::size_t kLongest = 1U << 16;  // a longer packet is damaged

  void feed(std::string_view bytes) { buffer_ += bytes; }
  std::optional<RspEvent> next();

 private:
  std::optional<RspEvent> packet();

  std::string buffer_;
};

// Hexadecimal, as the protocol has it: two digits a byte.
std::string to_hex(std::string_view bytes);
std::optional<std::string> from_hex(std::string_view digits);
// A number that is hexadecimal throughout, at most 64 bits.
std::optional<std::uint64_t> hex_number(std::string_view digits);

}  // namespace assay::sim
