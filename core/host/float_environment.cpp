#include "core/host/float_environment.hpp"

namespace assay::core {

#if defined(__x86_64__)
namespace {

constexpr std::uint32_t kAllMasked = 0x1f80;
constexpr unsigned kRoundingShift = 13;

std::uint32_t control_of(Rounding rounding) {
  switch (rounding) {
    case Rounding::to_zero: return 3;
    case Rounding::down: return 1;
    case Rounding::up: return 2;
    default: return 0;
  }
}

// MXCSR's sticky bits: invalid, denormal, divide by zero, overflow, underflow, precision.
std::uint8_t flags_of(std::uint32_t mxcsr) {
  unsigned flags = 0;
  if (mxcsr & 1) flags |= kInvalid;
  if (mxcsr & 4) flags |= kDivideByZero;
  if (mxcsr & 8) flags |= kOverflow;
  if (mxcsr & 16) flags |= kUnderflow;
  if (mxcsr & 32) flags |= kInexact;
  return static_cast<std::uint8_t>(flags);
}

std::uint32_t read_mxcsr() {
  std::uint32_t value;
  asm volatile("stmxcsr %0" : "=m"(value) : : "memory");
  return value;
}
void write_mxcsr(std::uint32_t value) { asm volatile("ldmxcsr %0" : : "m"(value) : "memory"); }

}  // namespace

void FloatEnvironment::enter(Rounding rounding) {
  if (!inside_) caller_ = read_mxcsr();
  inside_ = true;
  write_mxcsr(kAllMasked | control_of(rounding) << kRoundingShift);
}

std::uint8_t FloatEnvironment::leave() {
  if (!inside_) return 0;
  inside_ = false;
  const std::uint8_t flags = flags_of(read_mxcsr());
  write_mxcsr(caller_);
  return flags;
}

#else

void FloatEnvironment::enter(Rounding) {}
std::uint8_t FloatEnvironment::leave() { return 0; }

#endif

}  // namespace assay::core
