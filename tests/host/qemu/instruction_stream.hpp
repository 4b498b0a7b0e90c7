// Random programs over every RV64GC instruction that needs no privilege, with corner operands, that leave
// their whole state after each block: the input of the comparison with QEMU.
//
// A program is one image for kBase: code, a pool of operands, and a record per block. While block b runs,
// x31 points into record b and x30 into the pool; no instruction changes either. The block's memory
// accesses stay within the record's scratch bytes, which nobody else touches, and its end stores x1..x31,
// f0..f31 and fcsr behind them. The program ends by a Linux write of all records and an exit, as QEMU's user
// mode understands them; on our host the first ecall stops the run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace assay::test {

constexpr std::size_t kRecordBytes = 1024, kScratchBytes = 512;

// What has been generated. Instructions that a branch may skip are not counted.
struct StreamCounts {
  std::map<std::string, std::uint64_t> mnemonics;
  std::uint64_t modes[5] = {};  // of instructions that round, by effective rounding mode
  std::uint64_t instructions = 0, blocks = 0;
};

struct StreamProgram {
  std::vector<std::byte> image;     // to be placed at kBase, where it starts
  std::size_t records = 0;          // offset of the first record
  std::vector<std::size_t> blocks;  // offset of each block's code, and of the end
};

class InstructionStream {
 public:
  explicit InstructionStream(std::uint64_t seed) : random_(seed) {}
  // About `instructions` of them, in blocks of at most 100.
  StreamProgram generate(std::uint64_t instructions, StreamCounts& counts);

 private:
  struct Item {
    std::string name;
    std::uint32_t bits;
    int mode = -1;  // effective rounding mode of what rounds
  };
  using Items = std::vector<Item>;

  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  bool chance(unsigned percent) { return below(100) < percent; }
  unsigned target() { return static_cast<unsigned>(below(30)); }  // x0..x29
  std::uint64_t operand();
  std::uint64_t float_operand();
  std::uint64_t double_bits();

  Items any(bool skippable);  // skippable: nothing that the generator must keep track of
  Items base(std::size_t id);
  Items arithmetic(std::size_t id);
  Items memory(std::size_t id);
  Items reservation(bool is_double);
  Items float_csr(std::size_t id);
  Items compressed(std::size_t index);
  Items control(std::size_t id);
  Items compressed_control(std::size_t index);
  Items body(std::size_t& bytes);
  Item point(unsigned reg, int offset);  // makes reg point into the scratch bytes

  void emit(const Items& items, StreamCounts* counts);
  void word(std::uint32_t bits);
  void address(unsigned rd, std::size_t offset);
  void block(StreamCounts& counts);

  std::mt19937_64 random_;
  unsigned mode_ = 0;  // frm
  std::vector<std::byte> code_;
};

}  // namespace assay::test
