// A program that judges itself: it brings its memory along, runs, and compares what it left with what the
// reference machine left. docs/programs.md has what it prints.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "testgen/program/assemble.hpp"
#include "testgen/program/builder.hpp"

namespace assay::testgen::program {

class SelfCheck {
 public:
  // Copies the contents of HBM from TCM, before anything reads them.
  void emit_copies(CodeBuilder& code, const std::vector<Segment>& hbm);
  // Where the items are over: saves the registers, compares, halts.
  void emit_checks(CodeBuilder& code, const Program& program);
  // Behind the program's data: contents, names, and room for what is expected. Addresses are known now.
  void place(CodeBuilder& code, const Image& image);
  // Runs the reference machine up to the checks, and writes what it left into the image.
  void fill_in(Image& image, const Machine& machine) const;
  std::uint64_t compared() const { return compared_; }  // where the first comparison begins

 private:
  enum class Where : std::uint8_t { host, acc, scratch, log, saved };
  // A stretch that is compared. Places are of two instructions that make an address.
  struct Block {
    std::string name;
    Where where = Where::host;
    std::uint64_t actual = 0, bytes = 0;  // actual: a host address, or for acc its offset
    std::uint64_t actual_at = 0, end_at = 0, expected_at = 0, name_at = 0;
    std::uint64_t expected = 0;
  };
  struct Copy {
    std::uint64_t from_at;
    std::vector<std::uint8_t> bytes;
  };

  static std::uint64_t reserve(CodeBuilder& code, unsigned reg);
  static void patch(CodeBuilder& code, std::uint64_t at, std::uint64_t address);
  void emit_saving(CodeBuilder& code);
  void emit_acc_copies(CodeBuilder& code, const Program& program);
  void emit_block(CodeBuilder& code, Block& block, std::uint64_t compare);
  std::uint64_t emit_routines(CodeBuilder& code);
  void emit_hex(CodeBuilder& code, int digits);
  void emit_text(CodeBuilder& code, const std::string& text);

  std::vector<Block> blocks_;
  std::vector<Copy> copies_;
  std::vector<std::uint64_t> saved_at_;
  std::uint64_t compared_ = 0;
};

}  // namespace assay::testgen::program
