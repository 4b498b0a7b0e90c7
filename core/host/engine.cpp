#include "core/host/engine.hpp"

#include <algorithm>
#include <cstring>

#include "core/host/arithmetic.hpp"
#include "core/host/native_float.hpp"

// Labels as values: the dispatch that this file is about.
#pragma GCC diagnostic ignored "-Wpedantic"

namespace assay::core {
namespace {

using std::max, std::min;  // as rv64.def writes them

// Cause of an atomic outside TCM or misaligned.
std::uint64_t atomic_cause(std::uint64_t address, unsigned bytes, bool is_load) {
  if (address % bytes != 0) return is_load ? kLoadMisaligned : kStoreMisaligned;
  return is_load ? kLoadFault : kStoreFault;
}

}  // namespace

Handlers Host::Engine::handlers() {
  Handlers handlers = nullptr;
  interpret(nullptr, 0, &handlers);
  return handlers;
}

#include "core/host/engine_vocabulary.inc"

__attribute__((noinline, noclone)) StopReason Host::Engine::interpret(Host* host_or_null, std::uint64_t until,
                                                                      Handlers* handlers) {
  static const void* const kLabels[] = {
#define ASSAY_RV(id, ...) &&label_##id,
#include "core/host/rv64.def"
#undef ASSAY_RV
      &&illegal, &&fetch_fault, &&block_end, &&float_soft,  // the order of Pseudo
#define ASSAY_PAIR_OF(first, second) &&pair_##first##_##second,
#define ASSAY_PAIR(first, second) ASSAY_PAIR_OF(first, second)
#define ASSAY_PAIR_USE "core/host/pair_list.inc"
#include "core/host/pair.def"
#undef ASSAY_PAIR_USE
#undef ASSAY_PAIR
  };
  if (host_or_null == nullptr) {
    *handlers = kLabels;
    return StopReason::quantum;
  }

  Host& host = *host_or_null;
  CodeCache& code = *host.code_;
  std::uint64_t* const x = host.x_.data();
  FloatState& float_state = host.csrs_.float_state();
  std::byte* const tcm = host.tcm_.data;
  const std::uint64_t base = host.tcm_.base;
  const std::uint64_t last = host.tcm_.size - 8;
  std::uint64_t cycle = 0, instret = 0;  // at the block's start
  const Slot* slot = nullptr;
  std::uint64_t cause = 0, tval = 0, target = 0;
  std::uint64_t deadline = 0;  // blocks are left, and nothing is linked, from here on
  unsigned bytes = 0;
  bool is_signed = false, retired = false;

  // Writes the exact state at the operation `slot` back to the host.
  const auto sync = [&] {
    const SlotInfo& info = code.info(slot);
    host.pc_ = base + static_cast<std::uint64_t>(std::int64_t{info.pc});
    host.cycle_ = cycle + info.cost;
    host.instret_ = instret + info.count;
  };

resume:  // from the host's exact state
  if (host.final_) return *host.final_;
  if (host.cycle_ >= until) return StopReason::quantum;
  if (host.code_stale_ || code.float_mode() != host.csrs_.float_mode()) {
    code.set_float_mode(host.csrs_.float_mode());
    host.code_stale_ = false;
  }
  host.interrupts_changed_ = false;
  deadline = until;
  slot = nullptr;
  if (const std::uint64_t event = host.csrs_.interrupt_cycle(host.cycle_); event != Clint::kNever) {
    if (host.cycle_ >= event) {
      host.take_interrupt();
      goto resume;
    }
    // Blocks run while none can reach the event, then single instructions.
    const std::uint64_t far = event - std::min(event, host.block_margin_);
    deadline = host.cycle_ < far ? min(until, far) : 0;
  }
  if (host.single_) deadline = 0;
  if (deadline == 0) slot = code.find_one(host.pc_ - base);
  cycle = host.cycle_;
  instret = host.instret_;
  if (slot == nullptr) slot = code.find(host.pc_ - base);
  if (slot == nullptr) {
    host.take_trap(kFetchFault, host.pc_);
    goto resume;
  }
  DISPATCH;

#define ASSAY_RV(id, mnemonic, operands, match, mask, format, cost, ...) \
  label_##id : {                                                         \
    [[maybe_unused]] constexpr Rv self = Rv::id;                         \
    __VA_ARGS__;                                                         \
    NEXT;                                                                \
  }
#include "core/host/rv64.def"
#undef ASSAY_RV

#define ASSAY_RV(id, mnemonic, operands, match, mask, format, cost, ...) \
  if constexpr (Rv::id == chosen) {                                      \
    [[maybe_unused]] constexpr Rv self = Rv::id;                         \
    __VA_ARGS__;                                                         \
  }
#define ASSAY_PAIR_LABEL_OF(first, second) pair_##first##_##second
#define ASSAY_PAIR_LABEL(first, second) ASSAY_PAIR_LABEL_OF(first, second)
#define ASSAY_PAIR_USE "core/host/pair_engine.inc"
#include "core/host/pair.def"
#undef ASSAY_PAIR_USE
#undef ASSAY_RV

block_end:
  TAKE(slot + 1);
illegal:
  TRAP(kIllegalInstruction, std::uint64_t{static_cast<std::uint32_t>(slot->op.imm)});
float_soft:
  soft(host, slot->op);
  NEXT;
fetch_fault:
  TRAP(kFetchFault, PC + IMM);

trap:  // at `slot`
  sync();
  host.take_trap(cause, tval);
  goto resume;

slow_exit:  // by the Exit `slot`, whose sums have been added
  target = base + static_cast<std::uint64_t>(std::int64_t{code.info(slot).pc});
  if (cycle < deadline) {
    slot = code.link(slot);
    if (slot != nullptr) DISPATCH;
  }
indirect_exit:  // to `target`
  host.pc_ = target;
  host.cycle_ = cycle;
  host.instret_ = instret;
  goto resume;

return_from_trap:
  sync();
  host.pc_ = host.csrs_.leave_trap();
  host.cycle_ += host.costs_.jump;
  ++host.instret_;
  goto resume;
wait_for_interrupt:
  sync();
  host.wait_for_interrupt();
  goto resume;
flush_code:
  host.code_stale_ = true;
look_again:
  ++slot;
  sync();
  goto resume;

slow_load:
  sync();
  retired = load(host, slot->op, bytes, is_signed);
  goto accessed;
slow_store:
  sync();
  retired = store(host, slot->op, bytes);
  goto accessed;
ai_issue:
  sync();
  retired = ai(host, slot->op);
accessed:  // the host has the exact time at which the next instruction starts
  if (retired) {
    ++slot;
    cycle = host.cycle_ - code.info(slot).cost;
    if (!host.port_.stopped() && !host.code_stale_ && !host.interrupts_changed_ && host.cycle_ < deadline)
      DISPATCH;
    sync();
  }
  if (host.port_.stopped()) return StopReason::port_stop;
  goto resume;
}

}  // namespace assay::core
