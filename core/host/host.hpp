// The RISC-V host: RV64GC (IMAFDC + Zicsr + Zifencei) in machine mode, with exact architectural state.
//
// Source: RISC-V Instruction Set Manual, volume I (Unprivileged, 20191213) for the instructions, volume II
// (Privileged, 20211203) chapters 2 and 3 for CSRs and traps.
//
// Choices that the manual leaves open:
//   - Code is fetched from TCM only; a fetch from elsewhere is an instruction access fault (cause 1).
//   - Misaligned loads and stores are done in hardware in TCM, at no extra cost. Outside TCM, and across its
//     end, they trap (cause 4 or 6). Misaligned atomics always trap.
//   - Atomics work in TCM only: outside, cause 5 (lr) or 7 (sc, amo*).
//   - An sc succeeds only where the latest lr had the same address and width, and no sc or trap came between.
//   - Stores become visible to instruction fetch at fence.i, never required earlier.
//   - Floating-point state has no clean states: mstatus.FS is Off (at reset) or Dirty.
//   - With a vectored mtvec, exceptions enter at its base and interrupts at base + 4 * cause.
//   - wfi waits until an interrupt is pending and enabled in mie; where that cannot happen it stops the run.
//
// Interrupts come from the CLINT, which is part of the host (clint.hpp). One is taken before the first
// instruction that starts at or after the cycle at which it is pending and enabled: exactly there, whatever
// the quantum and however the code was translated.
//
// Time. cycle() is the local time at which the next instruction starts. Every instruction costs what
// HostCosts says; accesses outside TCM and AI instructions cost what the port says.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/host_costs.hpp"
#include "base/units.hpp"
#include "core/host/csr.hpp"
#include "core/host/float_environment.hpp"
#include "core/host/host_port.hpp"

namespace assay::core {

class CodeCache;

// Places in the register file: x0..x31, a sink that nobody reads for what is written to x0, then f0..f31.
constexpr std::uint8_t kSink = 32;
constexpr std::uint8_t kFirstFloat = 33;
constexpr std::size_t kRegisterPlaces = 65;

// The tightly coupled memory: program, data, stack. The host does not own the bytes. size is a multiple
// of 8, at least 8 and at most 1 GiB; base is a multiple of 8.
struct TcmView {
  std::byte* data = nullptr;
  std::uint64_t size = 0;  // bytes
  std::uint64_t base = 0;  // host physical address of data[0]: ASSAY_TCM_BASE
};

enum class StopReason : std::uint8_t {
  quantum,    // the local cycle reached `until`
  port_stop,  // HostPort::stopped() after a port call
  watchdog,   // the local cycle reached the limit of set_watchdog()
  trap_loop,  // a trap whose handler cannot be entered, or traps at its first instruction
  wfi,        // wfi with no interrupt to come: nothing could ever wake the host
};
std::string_view to_string(StopReason reason);  // a phrase for messages: "wfi with no interrupt to come"

class Host {
 public:
  // Registers are 0, pc is tcm.base, time is 0. Throws Error(Usage) on a TCM outside its limits, or on a
  // cost of 0.
  Host(const HostCosts& costs, TcmView tcm, HostPort& port);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // Runs until the local cycle is at least `until`, or for one of the other reasons. It looks at `until`
  // at taken branches, block ends and port calls, so it overshoots by up to one straight run of
  // instructions, or by a wfi. Calling it again continues; after trap_loop and wfi it reports the same reason
  // again.
  StopReason run(Cycle until);

  // Executes the one instruction at pc, or enters the trap or interrupt that is due there, in the time that
  // it takes in a run; `quantum` where the host can go on. Many times slower than run(): for debuggers.
  StopReason step();

  // The run stops at the first block end at or after `limit`. Default: never.
  void set_watchdog(Cycle limit) { watchdog_ = limit; }
  Cycle watchdog() const { return watchdog_; }

  // Architectural state. Exact between runs and inside port calls.
  std::uint64_t pc() const { return pc_; }
  void set_pc(std::uint64_t pc) {
    pc_ = pc & ~std::uint64_t{1};
    final_.reset();
  }
  std::uint64_t x(unsigned index) const { return x_[index]; }
  void set_x(unsigned index, std::uint64_t value) {
    if (index != 0) x_[index] = value;
  }
  // Floating-point registers: 64 bits; a single is boxed in ones.
  std::uint64_t f(unsigned index) const { return x_[kFirstFloat + index]; }
  void set_f(unsigned index, std::uint64_t value) { x_[kFirstFloat + index] = value; }
  Cycle cycle() const { return Cycle(cycle_); }
  std::uint64_t instret() const { return instret_; }  // instructions retired since construction
  const CsrFile& csrs() const { return csrs_; }
  CsrFile& csrs() { return csrs_; }

  // To be called after the TCM's code was changed from outside (a loader, a debugger); fence.i does the same.
  void invalidate_code() { code_stale_ = true; }

 private:
  struct Engine;      // the threaded interpreter: engine.cpp
  struct FloatScope;  // enter_float() .. leave_float()

  // An lr's address and width; bytes = 0: none.
  struct Reservation {
    std::uint64_t address = 0;
    unsigned bytes = 0;
  };

  // Native arithmetic is the host's while its instructions run, and the caller's in port calls.
  void enter_float();
  void leave_float();
  void take_interrupt();                                    // the one that is pending now
  void wait_for_interrupt();                                // wfi at pc_
  void take_trap(std::uint64_t cause, std::uint64_t tval);  // at pc_, cycle_
  bool can_fetch(std::uint64_t address) const { return address - tcm_.base < tcm_.size; }

  // Integer and floating-point registers, by their places; x_[0] stays 0.
  std::array<std::uint64_t, kRegisterPlaces> x_{};
  std::uint64_t pc_;
  std::uint64_t cycle_ = 0;
  std::uint64_t instret_ = 0;
  Cycle watchdog_{~std::uint64_t{0}};
  bool code_stale_ = false;
  bool single_ = false;              // blocks are single instructions: step()
  bool interrupts_changed_ = false;  // by the present instruction: the engine looks again
  std::uint64_t block_margin_;       // no block takes longer, but for accesses outside TCM
  std::optional<StopReason> final_;  // the host can never go on, for this reason
  Reservation reservation_;
  CsrFile csrs_;
  FloatEnvironment float_environment_;
  HostCosts costs_;
  TcmView tcm_;
  HostPort& port_;
  std::unique_ptr<CodeCache> code_;
};

}  // namespace assay::core
