// The reference machine's host: one RV64GC instruction after the other, in machine mode.
//
// Source: RISC-V Unprivileged ISA 20191213; Privileged ISA 20211203, chapters 2 and 3; and the choices that
// docs/programs.md, "The host", lists. Time is not modelled: the cycle and time counters are refused by name.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace assay::golden::machine {

enum Cause : std::uint64_t {
  kFetchFault = 1,
  kIllegal = 2,
  kBreakpoint = 3,
  kLoadMisaligned = 4,
  kLoadFault = 5,
  kStoreMisaligned = 6,
  kStoreFault = 7,
  kEcall = 11,
  kAiOperand = 24,
};
inline constexpr std::uint64_t kSoftwareInterrupt = std::uint64_t{1} << 63 | 3;

// What raised a trap.
struct Trap {
  std::uint64_t cause, value;
};

// What the host reaches. A nothing is an access fault.
class HartBus {
 public:
  virtual ~HartBus() = default;
  virtual bool in_tcm(std::uint64_t address, unsigned bytes) const = 0;
  virtual std::optional<std::uint64_t> fetch(std::uint64_t address, unsigned bytes) = 0;  // TCM alone
  virtual std::optional<std::uint64_t> load(std::uint64_t address, unsigned bytes) = 0;
  virtual bool store(std::uint64_t address, unsigned bytes, std::uint64_t value) = 0;
  // An AI instruction; a trap where it raises one.
  virtual std::optional<Trap> ai(std::uint32_t word, std::uint64_t rs1, std::uint64_t rs2) = 0;
  virtual bool software_interrupt() const = 0;
};

class Hart {
 public:
  explicit Hart(HartBus& bus) : bus_(bus) {}

  enum class Stop : std::uint8_t { none, trap_loop, wait_for_nothing };
  // One instruction, or the entry of an interrupt.
  Stop step();

  std::uint64_t pc = 0;
  std::array<std::uint64_t, 32> x{}, f{};
  std::uint64_t retired = 0;
  unsigned fflags = 0, frm = 0;
  std::uint64_t mcause = 0, mepc = 0, mtval = 0, mscratch = 0, mtvec = 0;
  std::uint64_t traps = 0;  // taken so far, interrupts included

 private:
  Stop enter_trap(std::uint64_t cause, std::uint64_t value);
  void execute(std::uint32_t word, unsigned length);
  std::uint32_t expand(std::uint16_t half) const;

  void integer_immediate(std::uint32_t w, bool word);
  void integer_register(std::uint32_t w, bool word);
  void branch(std::uint32_t w);
  void memory_load(std::uint32_t w, bool real);
  void memory_store(std::uint32_t w, bool real);
  void atomic(std::uint32_t w);
  void system(std::uint32_t w);
  void csr(std::uint32_t w);
  void float_multiply_add(std::uint32_t w);
  void float_operation(std::uint32_t w);

  std::optional<std::uint64_t> read_csr(unsigned number) const;
  bool write_csr(unsigned number, std::uint64_t value);
  unsigned rounding(std::uint32_t w) const;
  std::uint64_t unboxed(unsigned reg) const;
  void set_x(unsigned reg, std::uint64_t value) {
    if (reg != 0) x[reg] = value;
  }
  void set_single(unsigned reg, std::uint64_t bits) { f[reg] = 0xFFFFFFFF00000000ULL | bits; }
  void require_float() const;

  HartBus& bus_;
  std::uint64_t next_ = 0;  // where the program goes on
  std::uint32_t raw_ = 0;   // the instruction as it is in memory: mtval of an illegal one
  bool float_on_ = false, mie_ = false, mpie_ = false, stop_ = false;
  std::uint64_t enabled_ = 0, instret_base_ = 0;
  std::optional<std::uint64_t> instret_frozen_;
  bool cycle_frozen_ = false;
  std::uint64_t reserved_ = 0;
  unsigned reserved_bytes_ = 0;
};

}  // namespace assay::golden::machine
