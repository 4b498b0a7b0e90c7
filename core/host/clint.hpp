// The core-local interruptor: the timer, and the software interrupt that a program sets for itself.
//
// Registers at ASSAY_CLINT_BASE: msip (bit 0), mtimecmp, mtime; accesses of 4 or 8 bytes to exactly these.
// mtime ticks once a core cycle, from 0; a load sees the cycle at which it starts, and a value stored counts
// from the cycle at which the store starts. The timer interrupt is pending while mtime >= mtimecmp, which is
// all ones at reset.
//
// Source: RISC-V Privileged ISA 20211203, section 3.2; the layout is SiFive's (FE310 manual, chapter 9).
#pragma once

#include <cstdint>
#include <optional>

namespace assay::core {

class Clint {
 public:
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};

  static bool contains(std::uint64_t address);
  // Nothing, and false, where there is no such register.
  std::optional<std::uint64_t> load(std::uint64_t cycle, std::uint64_t address, unsigned bytes) const;
  bool store(std::uint64_t cycle, std::uint64_t address, unsigned bytes, std::uint64_t value);

  std::uint64_t time(std::uint64_t cycle) const { return cycle + ahead_; }
  bool software_pending() const { return software_; }
  bool timer_pending(std::uint64_t cycle) const { return time(cycle) >= compare_; }
  // The first cycle, from `cycle` on, at which the timer is pending.
  std::uint64_t timer_cycle(std::uint64_t cycle) const;

 private:
  std::uint64_t ahead_ = 0;  // of mtime over the cycle
  std::uint64_t compare_ = kNever;
  bool software_ = false;
};

}  // namespace assay::core
