#include "core/host/code_cache.hpp"

#include <cstring>

#include "core/host/host.hpp"
#include "core/host/native_float.hpp"

namespace assay::core {
namespace {

// After these nothing follows in the block: their targets, traps and side effects are the engine's business.
bool ends_block(CostClass cost) {
  switch (cost) {
    case CostClass::Jump:
    case CostClass::Csr:
    case CostClass::Fence:
    case CostClass::System: return true;
    default: return false;
  }
}

bool rounds(const InstructionRow& row) { return has_operand(row, 'm'); }

// The processor converts to integers towards zero whatever it is set to.
bool truncates(const InstructionRow& row, Rounding mode) {
  return mode == Rounding::to_zero && rounds(row) && has_operand(row, 'd');
}

std::uint8_t place(const InstructionRow& row, char float_letter, std::uint8_t index) {
  return static_cast<std::uint8_t>(has_operand(row, float_letter) ? kFirstFloat + index : index);
}

}  // namespace

CodeCache::CodeCache(const TcmView& tcm, const HostCosts& costs, Handlers handlers, std::uint32_t capacity)
    : capacity_(capacity),
      data_(tcm.data),
      size_(tcm.size),
      base_(tcm.base),
      costs_(costs),
      handlers_(handlers),
      slots_(new Slot[capacity]),
      infos_(new SlotInfo[capacity]),
      start_(tcm.size / 2) {}

void CodeCache::flush() {
  for (const std::uint32_t halfword : translated_) start_[halfword] = 0;
  translated_.clear();
  used_ = 1;
  ++generation_;
}

void CodeCache::set_float_mode(FloatMode mode) {
  float_mode_ = mode;
  flush();
}

const Slot* CodeCache::find(std::uint64_t offset) {
  if (offset >= size_) return nullptr;
  if (const Slot* slot = cached(offset)) return slot;
  if (free_slots() < kBlockSlots) flush();
  const std::uint32_t index = translate(offset);
  start_[offset >> 1] = index;
  translated_.push_back(static_cast<std::uint32_t>(offset >> 1));
  return &slots_[index];
}

const Slot* CodeCache::find_one(std::uint64_t offset) {
  if (offset >= size_) return nullptr;
  if (free_slots() < kBlockSlots) flush();
  const std::uint32_t index = translate(offset, 1);
  used_ = index;
  return &slots_[index];
}

const Slot* CodeCache::link(const Slot* exit) {
  const auto index = static_cast<std::size_t>(exit - slots_.get());
  const std::uint64_t generation = generation_;
  const Slot* target = find(static_cast<std::uint64_t>(std::int64_t{infos_[index].pc}));
  if (generation_ == generation) slots_[index].exit.next = target;  // else the exit itself was forgotten
  return target;
}

std::uint32_t CodeCache::cost_of(CostClass cost_class) const {
  switch (cost_class) {
    case CostClass::Alu: return costs_.alu;
    case CostClass::Mul: return costs_.mul;
    case CostClass::Div: return costs_.div;
    case CostClass::Branch: return costs_.branch_not_taken;
    case CostClass::Jump: return costs_.jump;
    case CostClass::Load: return costs_.load_tcm;
    case CostClass::Store: return costs_.store_tcm;
    case CostClass::Csr: return costs_.csr;
    case CostClass::Atomic: return costs_.atomic;
    case CostClass::Fence: return costs_.fence;
    case CostClass::System: return costs_.jump;
    case CostClass::Ai: return costs_.ai_issue;
    case CostClass::Float: return costs_.fp;
    case CostClass::FloatDiv: return costs_.fp_div;
    case CostClass::FloatMove: return costs_.fp_move;
  }
  return 0;
}

Slot& CodeCache::append(std::uint64_t pc, std::uint32_t cost, std::uint32_t count) {
  infos_[used_] = {static_cast<std::int32_t>(pc), cost, count};
  return slots_[used_++];
}

void CodeCache::append_pseudo(Pseudo pseudo, std::int32_t imm, std::uint64_t pc, std::uint32_t cost,
                              std::uint32_t count) {
  append(pc, cost, count).op = {handlers_[static_cast<std::size_t>(pseudo)], kSink, 0, 0, 0, imm};
}

void CodeCache::append_exit(std::uint64_t target, std::uint32_t cost, std::uint32_t count) {
  append(target, cost, count).exit = {nullptr, cost, count};
}

bool CodeCache::is_legal(const Decoded& d) const {
  if (d.id == Rv::count) return false;
  const InstructionRow& r = row(d.id);
  if (!is_float(r)) return true;
  if (float_mode_ == FloatMode::off) return false;
  if (r.format != Format::Rounded) return true;
  const auto mode = static_cast<Rounding>(d.imm);
  return mode <= Rounding::nearest_away || (mode == Rounding::dynamic && float_mode_ != FloatMode::reserved);
}

Op CodeCache::operation(const Decoded& d) const {
  const InstructionRow& r = row(d.id);
  Op op{handlers_[static_cast<std::size_t>(d.id)],
        place(r, 'D', d.rd),
        place(r, 'S', d.rs1),
        place(r, 'T', d.rs2),
        d.rs1,
        d.imm};
  if (op.rd == 0) op.rd = kSink;
  if (has_operand(r, 'R')) op.rs3 = place(r, 'R', d.rs3);
  if (r.format != Format::Rounded) return op;
  const auto mode = static_cast<Rounding>(d.imm);
  const bool native =
      !rounds(r) || truncates(r, mode) || (mode == Rounding::dynamic && float_mode_ == FloatMode::native);
  if (native && kHaveNativeFloat) return op;
  op.handler = handlers_[static_cast<std::size_t>(Pseudo::float_soft)];
  op.imm = soft_imm(d.id, d.imm);
  return op;
}

void CodeCache::fuse(Rv first, Rv second) {
  constexpr Rv kPairs[][2] = {
#define ASSAY_PAIR_OF(first, second) {Rv::first, Rv::second},
#define ASSAY_PAIR(first, second) ASSAY_PAIR_OF(first, second)
#define ASSAY_PAIR_USE "core/host/pair_list.inc"
#include "core/host/pair.def"
#undef ASSAY_PAIR_USE
#undef ASSAY_PAIR
  };
  std::size_t handler = static_cast<std::size_t>(Pseudo::pairs);
  for (const auto& pair : kPairs) {
    if (pair[0] == first && pair[1] == second) slots_[used_ - 1].op.handler = handlers_[handler];
    ++handler;
  }
}

bool CodeCache::append_instruction(const Decoded& d, std::uint64_t pc, std::uint32_t& cost,
                                   std::uint32_t& count) {
  const CostClass cost_class = row(d.id).cost;
  Op op = operation(d);
  if (d.id == Rv::JAL)
    op.imm = static_cast<std::int32_t>(pc + d.length);  // what it needs is the return address
  append(pc, cost, count).op = op;
  const std::uint64_t target = pc + static_cast<std::uint64_t>(std::int64_t{d.imm});
  if (cost_class == CostClass::Branch) append_exit(target, cost + costs_.branch_taken, count + 1);
  cost += cost_of(cost_class);
  count += 1;
  if (d.id == Rv::JAL) append_exit(target, cost, count);
  if (d.id == Rv::JALR) append(pc, cost, count).indirect = {base_ + pc + d.length, cost, count};
  return !ends_block(cost_class);
}

std::uint32_t CodeCache::translate(std::uint64_t pc, std::uint32_t most) {
  const std::uint32_t first = used_;
  std::uint32_t cost = 0, count = 0;
  Rv previous = Rv::count;
  while (count < most) {
    const Fetched fetched = fetch(pc);
    if (fetched.missing_at) {
      append_pseudo(Pseudo::fetch_fault, *fetched.missing_at, pc, cost, count);
      return first;
    }
    const Decoded d = decode(fetched.bits);
    if (!is_legal(d)) {
      append_pseudo(Pseudo::illegal, static_cast<std::int32_t>(d.raw), pc, cost, count);
      return first;
    }
    fuse(previous, d.id);
    previous = d.id;
    const bool goes_on = append_instruction(d, pc, cost, count);
    pc += d.length;
    if (!goes_on) {
      if (row(d.id).cost == CostClass::Jump) return first;
      break;
    }
  }
  append_pseudo(Pseudo::block_end, 0, pc, cost, count);
  append_exit(pc, cost, count);
  return first;
}

CodeCache::Fetched CodeCache::fetch(std::uint64_t pc) const {
  std::uint16_t low = 0, high = 0;
  if (pc + sizeof low > size_) return {0, 0};
  std::memcpy(&low, data_ + pc, sizeof low);
  if (instruction_length(low) == 2) return {low, std::nullopt};
  if (pc + sizeof low + sizeof high > size_) return {0, 2};
  std::memcpy(&high, data_ + pc + sizeof low, sizeof high);
  return {static_cast<std::uint32_t>(high) << 16 | low, std::nullopt};
}

}  // namespace assay::core
