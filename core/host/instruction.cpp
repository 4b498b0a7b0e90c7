#include "core/host/instruction.hpp"

#include <array>
#include <cstddef>
#include <vector>

#include "core/host/compressed.hpp"

namespace assay::core {
namespace {

constexpr std::size_t kCount = static_cast<std::size_t>(Rv::count);

constexpr std::array<InstructionRow, kCount> kRows = {{
#define ASSAY_RV(id, mnemonic, operands, match, mask, format, cost, ...) \
  {mnemonic, operands, match, mask, Format::format, CostClass::cost, letters_of(operands)},
#include "core/host/rv64.def"
#undef ASSAY_RV
}};

// Two rows overlap if some word is both: then decoding would depend on their order.
constexpr bool rows_overlap() {
  for (std::size_t a = 0; a < kCount; ++a) {
    if ((kRows[a].match & ~kRows[a].mask) != 0) return true;
    for (std::size_t b = a + 1; b < kCount; ++b) {
      if (((kRows[a].match ^ kRows[b].match) & kRows[a].mask & kRows[b].mask) == 0) return true;
    }
  }
  return false;
}
static_assert(!rows_overlap(),
              "rv64.def: two rows match the same word, or a match has bits outside its mask");

constexpr std::uint32_t bits(std::uint32_t word, unsigned high, unsigned low) {
  return (word >> low) & ((1u << (high - low + 1)) - 1);
}

constexpr std::int32_t sign_extend(std::uint32_t value, unsigned width) {
  const std::uint32_t sign = 1u << (width - 1);
  return static_cast<std::int32_t>((value ^ sign) - sign);
}

std::int32_t immediate(Format format, std::uint32_t w) {
  switch (format) {
    case Format::R: return 0;
    case Format::I: return sign_extend(bits(w, 31, 20), 12);
    case Format::Shift: return static_cast<std::int32_t>(bits(w, 25, 20));
    case Format::S: return sign_extend(bits(w, 31, 25) << 5 | bits(w, 11, 7), 12);
    case Format::B:
      return sign_extend(
          bits(w, 31, 31) << 12 | bits(w, 7, 7) << 11 | bits(w, 30, 25) << 5 | bits(w, 11, 8) << 1, 13);
    case Format::U: return static_cast<std::int32_t>(w & 0xfffff000);
    case Format::J:
      return sign_extend(
          bits(w, 31, 31) << 20 | bits(w, 19, 12) << 12 | bits(w, 20, 20) << 11 | bits(w, 30, 21) << 1, 21);
    case Format::Csr: return static_cast<std::int32_t>(bits(w, 31, 20));
    case Format::Word: return static_cast<std::int32_t>(w);
    case Format::Rounded: return static_cast<std::int32_t>(bits(w, 14, 12));
  }
  return 0;
}

// The rows in the order of their major opcodes, bits 6..2 of a word; those of opcode o are first[o] ..
// first[o + 1] - 1.
struct ByOpcode {
  std::array<std::uint8_t, kCount> rows{};
  std::array<std::uint16_t, 33> first{};
};
constexpr std::uint32_t kOpcode = 0x7c;
constexpr ByOpcode by_opcode() {
  ByOpcode table;
  std::uint16_t count = 0;
  for (std::uint32_t opcode = 0; opcode < 32; ++opcode) {
    table.first[opcode] = count;
    for (std::size_t i = 0; i < kCount; ++i)
      if ((kRows[i].match & kOpcode) == opcode << 2) table.rows[count++] = static_cast<std::uint8_t>(i);
  }
  table.first[32] = count;
  return table;
}
constexpr ByOpcode kByOpcode = by_opcode();
constexpr bool every_row_names_its_opcode() {
  for (const InstructionRow& row : kRows)
    if ((row.mask & kOpcode) != kOpcode) return false;
  return true;
}
static_assert(every_row_names_its_opcode(), "rv64.def: a mask leaves a bit of the major opcode out");

Rv match(std::uint32_t word) {
  const std::uint32_t opcode = (word & kOpcode) >> 2;
  for (std::size_t i = kByOpcode.first[opcode]; i < kByOpcode.first[opcode + 1]; ++i) {
    const std::uint8_t row = kByOpcode.rows[i];
    if ((word & kRows[row].mask) == kRows[row].match) return static_cast<Rv>(row);
  }
  return Rv::count;
}

}  // namespace

const InstructionRow& row(Rv id) { return kRows[static_cast<std::size_t>(id)]; }

namespace {

Decoded decode_anew(std::uint32_t raw) {
  Decoded d;
  d.length = static_cast<std::uint8_t>(instruction_length(static_cast<std::uint16_t>(raw)));
  d.raw = d.length == 2 ? raw & 0xffff : raw;
  d.word = d.length == 2 ? expand_compressed(static_cast<std::uint16_t>(raw)) : raw;
  d.id = match(d.word);
  if (d.id == Rv::count) return d;
  d.rd = static_cast<std::uint8_t>(bits(d.word, 11, 7));
  d.rs1 = static_cast<std::uint8_t>(bits(d.word, 19, 15));
  d.rs2 = static_cast<std::uint8_t>(bits(d.word, 24, 20));
  d.rs3 = static_cast<std::uint8_t>(bits(d.word, 31, 27));
  d.imm = immediate(row(d.id).format, d.word);
  return d;
}

}  // namespace

// A process of many runs decodes the same few thousand words for each.
Decoded decode(std::uint32_t raw) {
  struct Known {
    std::uint64_t raw = ~std::uint64_t{0};  // no word
    Decoded decoded;
  };
  constexpr std::size_t kPlaces = 4096;
  static thread_local std::vector<Known> known(kPlaces);
  const std::uint32_t key = instruction_length(static_cast<std::uint16_t>(raw)) == 2 ? raw & 0xffff : raw;
  Known& place = known[(key * 0x9E3779B1U >> 20) % kPlaces];
  if (place.raw != key) place = {key, decode_anew(key)};
  return place.decoded;
}

}  // namespace assay::core
