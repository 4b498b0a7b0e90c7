// Decoding of host instructions, from the table in rv64.def.
#pragma once

#include <cstdint>
#include <string_view>

namespace assay::core {

enum class Rv : std::uint8_t {
#define ASSAY_RV(id, ...) id,
#include "core/host/rv64.def"
#undef ASSAY_RV
  count,  // also: not an instruction
};

// Where the immediate lies in the word. Rounded: it is the rounding mode; Word: it is the whole word.
enum class Format : std::uint8_t { R, I, Shift, S, B, U, J, Csr, Word, Rounded };

enum class CostClass : std::uint8_t {
  Alu,
  Mul,
  Div,
  Branch,
  Jump,
  Load,
  Store,
  Csr,
  Atomic,
  Fence,
  System,
  Ai,
  Float,      // add, multiply, fused, conversions
  FloatDiv,   // divide, square root
  FloatMove,  // sign injection, minimum, comparison, class, moves
};

// A text's letters as bits, 'A' the lowest.
constexpr std::uint64_t letters_of(std::string_view text) {
  std::uint64_t letters = 0;
  for (const char c : text) letters |= c >= 'A' && c <= 'z' ? std::uint64_t{1} << (c - 'A') : 0;
  return letters;
}

struct InstructionRow {
  std::string_view mnemonic;
  std::string_view operands;
  std::uint32_t match;
  std::uint32_t mask;
  Format format;
  CostClass cost;
  std::uint64_t letters;  // of the operands
};
const InstructionRow& row(Rv id);

// What a row's operands say of it.
constexpr bool has_operand(const InstructionRow& row, char letter) {
  return (row.letters >> (letter - 'A') & 1) != 0;
}
constexpr bool is_float(const InstructionRow& row) {
  return has_operand(row, 'D') || has_operand(row, 'S') || has_operand(row, 'T');
}

struct Decoded {
  Rv id = Rv::count;  // count: illegal
  std::uint8_t rd = 0, rs1 = 0, rs2 = 0, rs3 = 0;
  std::int32_t imm = 0;     // sign extended; upper immediates already shifted; csr numbers unsigned
  std::uint8_t length = 4;  // bytes: 2 or 4
  std::uint32_t raw = 0;    // as fetched: 16 bits where length is 2
  std::uint32_t word = 0;   // the 32-bit instruction, after expansion
};

// Bytes of the instruction that starts with this halfword: 2 or 4 (longer encodings count as illegal words).
constexpr unsigned instruction_length(std::uint16_t halfword) { return (halfword & 3) == 3 ? 4 : 2; }

// A 32-bit word, or a halfword in the low bits (told apart by their lowest two bits).
Decoded decode(std::uint32_t raw);

}  // namespace assay::core
