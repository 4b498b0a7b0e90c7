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

// --- The vocabulary of rv64.def. Every operation ends in NEXT or in a jump. ---
#define UNLIKELY(condition) __builtin_expect(static_cast<bool>(condition), 0)
#define DISPATCH goto*(slot->op.handler)
#define NEXT  \
  do {        \
    ++slot;   \
    DISPATCH; \
  } while (0)

#define RD x[slot->op.rd]
#define RS1 x[slot->op.rs1]
#define RS2 x[slot->op.rs2]
#define RS1_FIELD \
  std::uint64_t { slot->op.rs3 }
#define RS3 x[slot->op.rs3]
// Of rvf.def.
#define S(reg) unboxed(reg)
#define D(reg) as_double(reg)
#define WRITE_S(value) write_float(RD, value)
#define WRITE_D(value) write_float(RD, value)
#define FP NativeFloat(float_state)
#define FLAGS float_state.flags
#define MODE static_cast<Rounding>(slot->op.imm)
#define IMM static_cast<std::uint64_t>(std::int64_t{slot->op.imm})
#define PC (base + static_cast<std::uint64_t>(std::int64_t{code.info(slot).pc}))

#define TRAP(cause_, tval_) \
  do {                      \
    cause = (cause_);       \
    tval = (tval_);         \
    goto trap;              \
  } while (0)

// Leaves the block by the Exit at `exit_`.
#define TAKE(exit_)                                                 \
  do {                                                              \
    const Slot* const way = (exit_);                                \
    cycle += way->exit.cost;                                        \
    instret += way->exit.count;                                     \
    slot = way->exit.next;                                          \
    if (UNLIKELY(cycle >= deadline) || UNLIKELY(slot == nullptr)) { \
      slot = way;                                                   \
      goto slow_exit;                                               \
    }                                                               \
    DISPATCH;                                                       \
  } while (0)
#define BRANCH_IF(condition)             \
  do {                                   \
    if (condition) TAKE(slot + 1);       \
    ++slot; /* over the Exit, to NEXT */ \
  } while (0)
#define JUMP_DIRECT  \
  do {               \
    RD = base + IMM; \
    TAKE(slot + 1);  \
  } while (0)
#define JUMP_INDIRECT(target_)                                                        \
  do {                                                                                \
    target = (target_) & ~std::uint64_t{1};                                           \
    RD = slot[1].indirect.link;                                                       \
    cycle += slot[1].indirect.cost;                                                   \
    instret += slot[1].indirect.count;                                                \
    slot = code.cached(target - base);                                                \
    if (UNLIKELY(cycle >= deadline) || UNLIKELY(slot == nullptr)) goto indirect_exit; \
    DISPATCH;                                                                         \
  } while (0)

// `last` leaves out the TCM's last bytes, so that one comparison serves every width.
#define LOAD(T)                                                        \
  do {                                                                 \
    const std::uint64_t offset = RS1 + IMM - base;                     \
    if (UNLIKELY(offset > last)) {                                     \
      bytes = sizeof(T);                                               \
      is_signed = std::is_signed_v<T>;                                 \
      goto slow_load;                                                  \
    }                                                                  \
    T value;                                                           \
    std::memcpy(&value, tcm + offset, sizeof value);                   \
    RD = static_cast<std::uint64_t>(static_cast<std::int64_t>(value)); \
  } while (0)
// Of a single: the bits under their box, with nothing to extend.
#define LOAD_SINGLE                                  \
  do {                                               \
    const std::uint64_t offset = RS1 + IMM - base;   \
    if (UNLIKELY(offset > last)) {                   \
      bytes = sizeof(F32);                           \
      is_signed = false;                             \
      goto slow_load;                                \
    }                                                \
    F32 value;                                       \
    std::memcpy(&value, tcm + offset, sizeof value); \
    WRITE_S(value);                                  \
  } while (0)
#define STORE(T)                                     \
  do {                                               \
    const std::uint64_t offset = RS1 + IMM - base;   \
    if (UNLIKELY(offset > last)) {                   \
      bytes = sizeof(T);                             \
      goto slow_store;                               \
    }                                                \
    const T value = static_cast<T>(RS2);             \
    std::memcpy(tcm + offset, &value, sizeof value); \
  } while (0)

#define ATOMIC_OFFSET(T, is_load)                                                \
  const std::uint64_t address = RS1;                                             \
  const std::uint64_t offset = address - base;                                   \
  if (UNLIKELY(address % sizeof(T) != 0 || offset > host.tcm_.size - sizeof(T))) \
    TRAP(atomic_cause(address, sizeof(T), is_load), address);
// The value of a word is sign extended whatever the operation.
#define SIGNED(T, value) static_cast<std::uint64_t>(std::int64_t{static_cast<std::make_signed_t<T>>(value)})
#define LOAD_RESERVED(T)                             \
  do {                                               \
    ATOMIC_OFFSET(T, true)                           \
    T value;                                         \
    std::memcpy(&value, tcm + offset, sizeof value); \
    host.reservation_ = {address, sizeof(T)};        \
    RD = SIGNED(T, value);                           \
  } while (0)
#define STORE_CONDITIONAL(T)                                                                        \
  do {                                                                                              \
    ATOMIC_OFFSET(T, false)                                                                         \
    const bool held = host.reservation_.address == address && host.reservation_.bytes == sizeof(T); \
    const T value = static_cast<T>(RS2);                                                            \
    if (held) std::memcpy(tcm + offset, &value, sizeof value);                                      \
    host.reservation_ = {};                                                                         \
    RD = held ? 0 : 1;                                                                              \
  } while (0)
#define AMO(T, ...)                                     \
  do {                                                  \
    ATOMIC_OFFSET(T, false)                             \
    T OLD;                                              \
    std::memcpy(&OLD, tcm + offset, sizeof OLD);        \
    [[maybe_unused]] const T SRC = static_cast<T>(RS2); \
    const T result = __VA_ARGS__;                       \
    std::memcpy(tcm + offset, &result, sizeof result);  \
    RD = SIGNED(T, OLD);                                \
  } while (0)

#define CSR(action_, operand_)                                                              \
  do {                                                                                      \
    sync();                                                                                 \
    const Op& op = slot->op;                                                                \
    const std::uint32_t word = row(self).match | static_cast<std::uint32_t>(op.imm) << 20 | \
                               std::uint32_t{op.rs3} << 15 | (op.rd & 31u) << 7;            \
    if (!csr(host, op, CsrAction::action_, operand_, word)) goto resume;                    \
    if (UNLIKELY(code.float_mode() != host.csrs_.float_mode())) goto flush_code;            \
    if (UNLIKELY(host.interrupts_changed_)) goto look_again;                                \
  } while (0)
#define CSR_WRITE(operand_) CSR(write, operand_)
#define CSR_SET(operand_) CSR(set, operand_)
#define CSR_CLEAR(operand_) CSR(clear, operand_)

#define NOTHING static_cast<void>(0)  // FENCE: the host makes one access at a time, in order
#define AI_ISSUE goto ai_issue
#define RETURN_FROM_TRAP goto return_from_trap
#define WAIT_FOR_INTERRUPT goto wait_for_interrupt
#define FLUSH_CODE goto flush_code

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
    if (deadline == 0) slot = code.find_one(host.pc_ - base);
  }
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
