// Code and its literals, growing side by side.
#pragma once

#include <cstdint>
#include <vector>

#include "isa/encoding.hpp"

namespace assay::testgen::program {

// Instructions from `base` on. Labels are addresses of what is there already; a jump ahead is patched.
class CodeBuilder {
 public:
  explicit CodeBuilder(std::uint64_t base) : base_(base) {}

  std::uint64_t here() const { return base_ + bytes_.size(); }
  void word(std::uint32_t bits);               // a halfword where its lowest two bits are not 11
  void align(std::size_t to);                  // with instructions that do nothing
  std::uint32_t read(std::uint64_t at) const;  // the 32-bit instruction there
  void patch(std::uint64_t at, std::uint32_t bits);

  void set(unsigned reg, std::uint64_t value);      // any value: an immediate or a literal
  void address(unsigned reg, std::uint64_t value);  // of a place that may move: always two instructions
  void configure(isa::Engine engine, unsigned index, unsigned reg);
  void configure(isa::Engine engine, unsigned index, unsigned reg, unsigned next);
  void ai(isa::Instruction instruction, unsigned rs1, unsigned rs2);

  void branch_back(unsigned f3, unsigned rs1, unsigned rs2, std::uint64_t to);
  std::uint64_t branch_ahead(unsigned f3, unsigned rs1, unsigned rs2);  // its place, for land()
  std::uint64_t jump_ahead();
  void land(std::uint64_t at);  // a branch or jump ahead comes here

  // Puts the literals behind the code and lets the code refer to them.
  void place_literals();
  std::vector<std::uint8_t>& bytes() { return bytes_; }
  const std::vector<std::uint8_t>& bytes() const { return bytes_; }

 private:
  struct Literal {
    std::uint64_t at;  // of its auipc and ld
    std::uint64_t value;
  };

  std::uint64_t base_;
  std::vector<std::uint8_t> bytes_;
  std::vector<Literal> literals_;
};

}  // namespace assay::testgen::program
