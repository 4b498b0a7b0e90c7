// Where an address of main memory lies: pseudo-channel, bank group, bank, row, column.
//
// Written as a string of bit fields, the most significant first:
//
//   row:17 bank:2^row column:4 channel:6^all group:2 column:1 byte:5
//
// A field may be split (column above: its left part is the more significant one). "^name" folds the bits of
// that field, or of its parts to the left, into this one by XOR, in chunks of this one's width; "^all" so
// folds all bits to the left, as one number: every power-of-two stride then spreads over all channels. A fold
// reads bits to the left only, so that no two addresses share a place. The widths must be those of the memory
// table's geometry.
//
// "^poly" makes the field the remainder of its own bits and all to the left, as a polynomial over GF(2), by a
// primitive polynomial of the field's degree: pseudo-random interleaving (Rau, ISCA 1991). Powers of two
// spread as with ^all, whose chunks of n bits add up to a number modulo 2^n - 1, give or take carries: with n
// = 6 the multiples of 9, lines of 3x3 weights, meet few channels.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/machine.hpp"

namespace assay {

struct MemoryPlace {
  std::uint32_t channel = 0;  // stack * pseudo_channels + pseudo-channel
  std::uint32_t group = 0;
  std::uint32_t bank = 0;  // within its group
  std::uint32_t row = 0;
  std::uint32_t column = 0;  // in bursts
};

class AddressMap {
 public:
  // Throws Error(Usage): `where` ("file: key") and what is wrong, where the text is no map or not one of the
  // table's geometry.
  AddressMap(const std::string& text, const HbmTable& table, const std::string& where);

  MemoryPlace locate(std::uint64_t offset) const {
    std::uint64_t fields = 0;
    for (const auto& digit : digits_) {
      fields ^= digit[offset % digit.size()];
      offset /= digit.size();
    }
    const auto field = [&](Field f) {
      const Packed& p = packed_[static_cast<std::size_t>(f)];
      return static_cast<std::uint32_t>(fields >> p.shift) & p.mask;
    };
    return {field(Field::channel), field(Field::group), field(Field::bank), field(Field::row),
            field(Field::column)};
  }
  // An aligned block of so many bytes lies in one row of one bank, and one of interleave_bytes() in one
  // pseudo-channel.
  std::uint32_t run_bytes() const { return run_bytes_; }
  std::uint32_t interleave_bytes() const { return interleave_bytes_; }

 private:
  enum class Field : std::uint8_t { byte, column, group, bank, row, channel };
  static constexpr std::size_t kFields = 6;
  // (offset >> from & mask) << to, one XOR term of a field's value.
  struct Term {
    std::uint8_t from, to;
    std::uint32_t mask;
  };
  struct Part;
  struct Packed {  // where a field stands among the others
    std::uint32_t shift = 0, mask = 0;
  };

  using Terms = std::array<std::vector<Term>, kFields>;

  static Field field_named(const std::string& name, const std::string& where);
  static std::vector<Part> parse(const std::string& text, const std::string& where);
  void place(std::vector<Part>& parts);
  void check_geometry(const std::vector<Part>& parts, const HbmTable& table, const std::string& where) const;
  static Terms fold(const std::vector<Part>& parts, const std::string& where);
  static void fold_by_polynomial(std::vector<Term>& terms, const Part& part, std::uint32_t top);
  void tabulate(const std::vector<Part>& parts, const Terms& terms);

  // All fields are linear in the address's bits: those of an address are the XOR of those of its digits.
  std::vector<std::array<std::uint64_t, 16>> digits_;
  std::array<Packed, kFields> packed_;
  std::uint32_t run_bytes_ = 0, interleave_bytes_ = 0;
};

// The map of a table that no machine gives one: blocks of 256 bytes, each in one row, go from channel to
// channel, then from bank group to bank group; the channel is the remainder of all above by a polynomial, of
// few channels a fold.
std::string default_address_map(const HbmTable& table);

}  // namespace assay
