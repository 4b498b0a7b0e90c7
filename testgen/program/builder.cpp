#include "testgen/program/builder.hpp"

#include <map>

#include "testgen/program/encode.hpp"

namespace assay::testgen::program {
namespace {

bool fits_12(std::uint64_t value) {
  const auto v = static_cast<std::int64_t>(value);
  return v >= -2048 && v < 2048;
}

struct Split {
  std::uint32_t upper;
  int lower;
};
// distance = upper * 4096 + lower
Split split(std::uint64_t distance) {
  const auto d = static_cast<std::uint32_t>(distance);
  const std::uint32_t upper = (d + 0x800) >> 12;
  return {upper & 0xFFFFF, static_cast<int>(d - (upper << 12))};
}

}  // namespace

void CodeBuilder::word(std::uint32_t bits) {
  const std::size_t size = (bits & 3) == 3 ? 4 : 2;
  for (std::size_t b = 0; b < size; ++b) bytes_.push_back(static_cast<std::uint8_t>(bits >> (8 * b)));
}

void CodeBuilder::align(std::size_t to) {
  while (here() % to != 0) word(here() % 4 == 2 ? 0x0001 : rv::addi(0, 0, 0));
}

std::uint32_t CodeBuilder::read(std::uint64_t at) const {
  std::uint32_t bits = 0;
  for (std::size_t b = 0; b < 4; ++b) bits |= std::uint32_t{bytes_[at - base_ + b]} << (8 * b);
  return bits;
}

void CodeBuilder::patch(std::uint64_t at, std::uint32_t bits) {
  for (std::size_t b = 0; b < 4; ++b) bytes_[at - base_ + b] = static_cast<std::uint8_t>(bits >> (8 * b));
}

void CodeBuilder::set(unsigned reg, std::uint64_t value) {
  if (fits_12(value)) return word(rv::addi(reg, 0, static_cast<int>(value)));
  literals_.push_back({here(), value});
  word(rv::auipc(reg, 0));
  word(rv::ld(reg, reg, 0));
}

void CodeBuilder::address(unsigned reg, std::uint64_t value) {
  const Split s = split(value - here());
  word(rv::auipc(reg, s.upper));
  word(rv::addi(reg, reg, s.lower));
}

void CodeBuilder::configure(isa::Engine engine, unsigned index, unsigned reg) {
  word(isa::encode(
      {isa::Instruction::cfg, static_cast<std::uint8_t>(reg), 0, engine, static_cast<std::uint8_t>(index)}));
}

void CodeBuilder::configure(isa::Engine engine, unsigned index, unsigned reg, unsigned next) {
  word(isa::encode({isa::Instruction::cfg2, static_cast<std::uint8_t>(reg), static_cast<std::uint8_t>(next),
                    engine, static_cast<std::uint8_t>(index)}));
}

void CodeBuilder::ai(isa::Instruction instruction, unsigned rs1, unsigned rs2) {
  word(isa::encode(
      {instruction, static_cast<std::uint8_t>(rs1), static_cast<std::uint8_t>(rs2), std::nullopt, 0}));
}

void CodeBuilder::branch_back(unsigned f3, unsigned rs1, unsigned rs2, std::uint64_t to) {
  word(rv::b(f3, rs1, rs2, static_cast<int>(static_cast<std::int64_t>(to - here()))));
}

std::uint64_t CodeBuilder::branch_ahead(unsigned f3, unsigned rs1, unsigned rs2) {
  word(rv::b(f3, rs1, rs2, 0));
  return here() - 4;
}

std::uint64_t CodeBuilder::jump_ahead() {
  word(rv::jal(0, 0));
  return here() - 4;
}

void CodeBuilder::land(std::uint64_t at) {
  const std::uint32_t bits = read(at);
  const int distance = static_cast<int>(here() - at);
  const bool jump = (bits & 0x7F) == 0x6F;
  patch(at, jump ? rv::jal(bits >> 7 & 31, distance)
                 : rv::b(bits >> 12 & 7, bits >> 15 & 31, bits >> 20 & 31, distance));
}

void CodeBuilder::place_literals() {
  align(8);
  std::map<std::uint64_t, std::uint64_t> places;
  for (const Literal& literal : literals_) {
    const auto [place, is_new] = places.try_emplace(literal.value, here());
    for (std::size_t b = 0; is_new && b < 8; ++b)
      bytes_.push_back(static_cast<std::uint8_t>(literal.value >> (8 * b)));
    const Split s = split(place->second - literal.at);
    const unsigned reg = read(literal.at) >> 7 & 31;
    patch(literal.at, rv::auipc(reg, s.upper));
    patch(literal.at + 4, rv::ld(reg, reg, s.lower));
  }
  literals_.clear();
}

}  // namespace assay::testgen::program
