// Predecoded code: the instructions of TCM as dense 16-byte operations that the engine executes directly.
//
// A block starts where execution has arrived by a jump and runs straight on, through conditional branches
// that fall through, to the next unconditional transfer. Time and instruction counts are not kept per
// operation: every operation knows its distance from the block's start (SlotInfo), and every way out of the
// block carries the sums up to it (Exit). So the engine adds only when it leaves a block, and still
// knows the exact cycle at any operation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/host_costs.hpp"
#include "core/host/float_types.hpp"
#include "core/host/instruction.hpp"

namespace assay::core {

struct TcmView;

// One operation. Registers are places in the host's register file (host.hpp).
struct Op {
  const void* handler;
  std::uint8_t rd, rs1, rs2;
  std::uint8_t
      rs3;  // of csr instructions, the rs1 field as written: zimm, or 0 where no bit is set or cleared
  std::int32_t imm;
};

union Slot;

// Follows a branch or jump: where it goes, and what the block has cost and retired up to and with it.
struct Exit {
  const Slot* next;  // null until the target has been translated
  std::uint32_t cost;
  std::uint32_t count;
};

// As Exit, behind jalr, whose target is not known; `link` is the return address.
struct IndirectExit {
  std::uint64_t link;
  std::uint32_t cost;
  std::uint32_t count;
};

union Slot {
  Op op;
  Exit exit;
  IndirectExit indirect;
};
static_assert(sizeof(Slot) == 16, "the engine steps over dense 16-byte slots");

// Of an operation: its own pc, and the block's cost and count before it. Of an Exit: pc is the target.
struct SlotInfo {
  std::int32_t pc;  // bytes from the TCM's base; a target may lie outside
  std::uint32_t cost;
  std::uint32_t count;
};

// The engine's labels: one per instruction, in the order of Rv, then those of what is not an instruction.
using Handlers = const void* const*;
enum class Pseudo : std::uint8_t {
  illegal = static_cast<std::uint8_t>(Rv::count),  // imm: the bits as fetched
  fetch_fault,                                     // imm: bytes from pc to the first that cannot be fetched
  block_end,                                       // followed by an Exit to the next instruction
  float_soft,                                      // imm: soft_imm() of a floating-point instruction
  pairs,                                           // from here on: those of pair.def, in its order
};

// The instruction and its rounding mode, for float_soft.
constexpr std::int32_t soft_imm(Rv id, std::int32_t mode) {
  return static_cast<std::int32_t>(id) << 3 | mode;
}
constexpr Rv soft_id(std::int32_t imm) { return static_cast<Rv>(imm >> 3); }
constexpr Rounding soft_mode(std::int32_t imm) { return static_cast<Rounding>(imm & 7); }

class CodeCache {
 public:
  static constexpr std::uint32_t kBlockInstructions = 128;              // longest block
  static constexpr std::uint32_t kBlockSlots = 3 * kBlockInstructions;  // more than it can take

  // Holds `capacity` slots, at least two blocks' worth; when they are used up it forgets everything.
  CodeCache(const TcmView& tcm, const HostCosts& costs, Handlers handlers, std::uint32_t capacity = 1u << 18);

  // The operation at `offset` bytes from the TCM's base, translated now if need be; null outside TCM.
  const Slot* find(std::uint64_t offset);
  // The same without translation: null if it is not there.
  const Slot* cached(std::uint64_t offset) const {
    const std::uint32_t index = offset < size_ ? start_[offset >> 1] : 0;
    return index != 0 ? &slots_[index] : nullptr;
  }
  // The one instruction at `offset`, in a block of its own that lives until the next translation; null
  // outside TCM. Its exits must not be linked.
  const Slot* find_one(std::uint64_t offset);
  // Translates the target of an exit and connects the two; null if the target lies outside TCM.
  const Slot* link(const Slot* exit);
  const SlotInfo& info(const Slot* slot) const { return infos_[slot - slots_.get()]; }

  // Forgets everything: all pointers from above are dead. Translating does so where free_slots() is
  // below kBlockSlots.
  void flush();
  // How floating-point instructions are translated from now on; what there is, is forgotten.
  void set_float_mode(FloatMode mode);
  FloatMode float_mode() const { return float_mode_; }
  std::uint32_t free_slots() const { return capacity_ - used_; }

 private:
  // The bits of the instruction at pc, or how many bytes from pc the TCM ends.
  struct Fetched {
    std::uint32_t bits = 0;
    std::optional<std::int32_t> missing_at;
  };
  Fetched fetch(std::uint64_t pc) const;
  std::uint32_t translate(std::uint64_t pc, std::uint32_t most = kBlockInstructions);
  bool is_legal(const Decoded& d) const;
  Op operation(const Decoded& d) const;
  // Lets the latest operation, of `first`, execute the next one, of `second`, too where pair.def has them.
  void fuse(Rv first, Rv second);
  // False if the block ends here. Adds the instruction to the block's sums.
  bool append_instruction(const Decoded& d, std::uint64_t pc, std::uint32_t& cost, std::uint32_t& count);
  void append_pseudo(Pseudo pseudo, std::int32_t imm, std::uint64_t pc, std::uint32_t cost,
                     std::uint32_t count);
  Slot& append(std::uint64_t pc, std::uint32_t cost, std::uint32_t count);
  void append_exit(std::uint64_t target, std::uint32_t cost, std::uint32_t count);
  std::uint32_t cost_of(CostClass cost_class) const;

  const std::uint32_t capacity_;
  const std::byte* data_;
  std::uint64_t size_, base_;
  HostCosts costs_;
  Handlers handlers_;
  std::unique_ptr<Slot[]> slots_;      // slot 0 is never used
  std::unique_ptr<SlotInfo[]> infos_;  // parallel to slots_
  std::uint32_t used_ = 1;
  FloatMode float_mode_ = FloatMode::off;
  std::uint64_t generation_ = 0;      // counts flushes
  std::vector<std::uint32_t> start_;  // by halfword of TCM: the slot of the block that starts there, or 0
  std::vector<std::uint32_t> translated_;  // which of these are set
};

}  // namespace assay::core
