// Control and status registers of machine mode, and the trap state machine over them.
//
// Source: RISC-V Privileged ISA 20211203, chapters 2 and 3. WARL fields keep only what is legal here:
//   mstatus  MIE and MPIE; MPP reads 3 (there is no other mode); FS is Off or Dirty, SD follows it
//   fcsr     fflags and frm (all eight values); an illegal instruction while FS is Off
//   mtvec    base aligned to 4, mode direct (0) or vectored (1)
//   mepc     bit 0 is 0
//   mie      MSIE, MTIE, MEIE; mip shows MSIP and MTIP of the CLINT and is not writable
//   time     mtime of the CLINT
//   misa     RV64IMAFDC, read only in effect; ids read 0
//   mhpmevent     an event of isa/events.def, else 0. Selecting one makes the counter show the event's count
//   since
//                 reset, which a write then changes, as to any counter
//   mhpmcounter   0 without an event; counts on while mcountinhibit's bit for it, read only, is 0
//   mcountinhibit  CY and IR
// Any other CSR, and a write to a read-only number, is an illegal instruction.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/host/clint.hpp"
#include "core/host/float_types.hpp"

namespace assay::core {

enum class Csr : std::uint16_t {
#define ASSAY_CSR(number, name) name = number,
#include "core/host/csr.def"
#undef ASSAY_CSR
};

// Exception causes (volume II, table 3.6), and the platform's own one.
enum TrapCause : std::uint64_t {
  kFetchFault = 1,
  kIllegalInstruction = 2,
  kBreakpoint = 3,
  kLoadMisaligned = 4,
  kLoadFault = 5,
  kStoreMisaligned = 6,  // stores and atomics
  kStoreFault = 7,
  kMachineEcall = 11,
  kAiOperandFault = 24,
};

// Interrupt causes (table 3.6), with the bit that tells them from exceptions.
constexpr std::uint64_t kInterrupt = std::uint64_t{1} << 63;
enum InterruptCause : std::uint64_t { kSoftwareInterrupt = kInterrupt | 3, kTimerInterrupt = kInterrupt | 7 };

// Where the counters stand: core cycles, and instructions retired, since reset.
struct HostTime {
  std::uint64_t cycle = 0;
  std::uint64_t instret = 0;
};

class HostPort;

class CsrFile {
 public:
  // Whom the event counters ask; without one there are no events.
  explicit CsrFile(HostPort* port = nullptr) : port_(port) {}

  // mhpmcounter, hpmcounter and mhpmevent: what they show is the platform's.
  static bool is_event_counter(unsigned number);

  // The value that an instruction starting at `now` reads; nothing if there is no such CSR.
  std::optional<std::uint64_t> read(unsigned number, HostTime now) const;

  // False if there is no such CSR or it is read only. `next` is where the following instruction starts: it
  // reads a counter exactly as written (volume I, section 9.1).
  bool write(unsigned number, std::uint64_t value, HostTime next);

  Clint& clint() { return clint_; }
  // The first cycle, from `cycle` on, at which an interrupt is pending and enabled in mie (what wfi waits
  // for), and the same with mstatus.MIE (what is taken); Clint::kNever: none without a further instruction.
  std::uint64_t pending_cycle(std::uint64_t cycle) const;
  std::uint64_t interrupt_cycle(std::uint64_t cycle) const {
    return mie_ ? pending_cycle(cycle) : Clint::kNever;
  }
  // Which one that is, where it is pending at `cycle`: software before timer.
  InterruptCause interrupt_cause() const;

  // Takes an exception or interrupt at `pc`; the result is where the handler starts.
  std::uint64_t enter_trap(std::uint64_t pc, std::uint64_t cause, std::uint64_t tval);
  // mret: the result is where execution continues.
  std::uint64_t leave_trap();

  // frm and the flags harvested so far; whoever runs natively adds the rest first.
  FloatState& float_state() { return float_; }
  FloatMode float_mode() const;

  // For messages about a trap that nobody handled.
  std::uint64_t mepc() const { return mepc_; }
  std::uint64_t mcause() const { return mcause_; }
  std::uint64_t mtval() const { return mtval_; }

 private:
  // A counter that may be written and inhibited: value = count - base while it runs, frozen otherwise.
  struct Counter {
    std::uint64_t base = 0;
    std::optional<std::uint64_t> frozen;

    std::uint64_t value(std::uint64_t count) const { return frozen ? *frozen : count - base; }
    void set(std::uint64_t value, std::uint64_t count);
    void inhibit(bool on, std::uint64_t count);
  };

  // An event counter: value = count - base.
  struct EventCounter {
    std::uint64_t event = 0, base = 0;
  };

  std::uint64_t mstatus() const;
  std::uint64_t event_count(std::uint64_t event, HostTime at) const;
  std::uint64_t read_event_counter(unsigned number, HostTime now) const;
  void write_event_counter(unsigned number, std::uint64_t value, HostTime next);

  std::optional<std::uint64_t> read_float(Csr csr) const;
  bool write_float(Csr csr, std::uint64_t value);

  bool mie_ = false, mpie_ = false, float_on_ = false;  // mstatus
  FloatState float_;
  Clint clint_;
  std::uint64_t mtvec_ = 0, mepc_ = 0, mcause_ = 0, mtval_ = 0, mscratch_ = 0, interrupt_enable_ = 0;
  Counter cycle_, instret_;
  std::array<EventCounter, 32> events_;  // 3 to 31
  HostPort* port_;
};

// "mstatus"; empty for a number without a name in csr.def.
std::string_view csr_name(Csr csr);

}  // namespace assay::core
