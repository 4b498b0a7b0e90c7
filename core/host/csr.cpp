#include "core/host/csr.hpp"

#include "core/host/host_port.hpp"

namespace assay::core {
namespace {

constexpr std::uint64_t kMie = 1u << 3;
constexpr std::uint64_t kMpie = 1u << 7;
constexpr std::uint64_t kMppMachine = 3u << 11;
constexpr std::uint64_t kFs = 3u << 13;
constexpr std::uint64_t kSd = std::uint64_t{1} << 63;
constexpr unsigned kFlagBits = 5;
constexpr std::uint64_t kFlagMask = (1u << kFlagBits) - 1;
constexpr std::uint64_t kRoundingMask = 7;
constexpr std::uint64_t kSoftware = 1u << 3, kTimer = 1u << 7, kExternal = 1u << 11;  // in mie and mip
constexpr std::uint64_t kInterruptEnables = kSoftware | kTimer | kExternal;
constexpr std::uint64_t kInhibitCycle = 1u << 0;
constexpr std::uint64_t kInhibitInstret = 1u << 2;
constexpr unsigned kHpmCounter = 0xb00, kHpmEvent = 0x320, kUserHpmCounter = 0xc00;

constexpr std::uint64_t extension(char letter) { return std::uint64_t{1} << (letter - 'A'); }
constexpr std::uint64_t kMisa = std::uint64_t{2} << 62 | extension('I') | extension('M') | extension('A') |
                                extension('F') | extension('D') | extension('C');

// Numbers whose top two bits are set are read only (volume II, section 2.1).
bool is_read_only(unsigned number) { return (number >> 10) == 3; }

}  // namespace

bool CsrFile::is_event_counter(unsigned number) {
  const unsigned index = number & 31;
  const unsigned group = number & ~31u;
  return index >= 3 && (group == kHpmCounter || group == kHpmEvent || group == kUserHpmCounter);
}

std::uint64_t CsrFile::event_count(std::uint64_t event, HostTime at) const {
  return port_ != nullptr && event != 0 ? port_->event(event, Cycle(at.cycle)).value_or(0) : 0;
}

std::uint64_t CsrFile::read_event_counter(unsigned number, HostTime now) const {
  const EventCounter& counter = events_[number & 31];
  if ((number & ~31u) == kHpmEvent) return counter.event;
  return event_count(counter.event, now) - counter.base;
}

void CsrFile::write_event_counter(unsigned number, std::uint64_t value, HostTime next) {
  EventCounter& counter = events_[number & 31];
  if ((number & ~31u) == kHpmEvent) {
    const bool exists = port_ != nullptr && port_->event(value, Cycle(next.cycle)).has_value();
    counter = {exists ? value : 0, 0};
  } else if (counter.event != 0) {
    counter.base = event_count(counter.event, next) - value;
  }
}

void CsrFile::Counter::set(std::uint64_t value, std::uint64_t count) {
  if (frozen) frozen = value;
  else base = count - value;
}

void CsrFile::Counter::inhibit(bool on, std::uint64_t count) {
  if (on && !frozen) frozen = count - base;
  if (!on && frozen) {
    base = count - *frozen;
    frozen.reset();
  }
}

std::uint64_t CsrFile::mstatus() const {
  return (mie_ ? kMie : 0) | (mpie_ ? kMpie : 0) | kMppMachine | (float_on_ ? kFs | kSd : 0);
}

FloatMode CsrFile::float_mode() const {
  if (!float_on_) return FloatMode::off;
  if (float_.rounding < Rounding::nearest_away) return FloatMode::native;
  return float_.rounding == Rounding::nearest_away ? FloatMode::soft : FloatMode::reserved;
}

std::optional<std::uint64_t> CsrFile::read_float(Csr csr) const {
  if (!float_on_) return std::nullopt;
  const auto rounding = static_cast<std::uint64_t>(float_.rounding);
  if (csr == Csr::fflags) return float_.flags;
  return csr == Csr::frm ? rounding : rounding << kFlagBits | float_.flags;
}

bool CsrFile::write_float(Csr csr, std::uint64_t value) {
  if (csr != Csr::frm) float_.flags = static_cast<std::uint8_t>(value & kFlagMask);
  if (csr != Csr::fflags)
    float_.rounding = static_cast<Rounding>((csr == Csr::frm ? value : value >> kFlagBits) & kRoundingMask);
  return true;
}

std::optional<std::uint64_t> CsrFile::read(unsigned number, HostTime now) const {
  if (is_event_counter(number)) return read_event_counter(number, now);
  switch (static_cast<Csr>(number)) {
    case Csr::fflags:
    case Csr::frm:
    case Csr::fcsr: return read_float(static_cast<Csr>(number));
    case Csr::mstatus: return mstatus();
    case Csr::misa: return kMisa;
    case Csr::mie: return interrupt_enable_;
    case Csr::mtvec: return mtvec_;
    case Csr::mscratch: return mscratch_;
    case Csr::mepc: return mepc_;
    case Csr::mcause: return mcause_;
    case Csr::mtval: return mtval_;
    case Csr::mcountinhibit:
      return (cycle_.frozen ? kInhibitCycle : 0) | (instret_.frozen ? kInhibitInstret : 0);
    case Csr::mcycle:
    case Csr::cycle: return cycle_.value(now.cycle);
    case Csr::minstret:
    case Csr::instret: return instret_.value(now.instret);
    case Csr::time: return clint_.time(now.cycle);
    case Csr::mip:
      return (clint_.software_pending() ? kSoftware : 0) | (clint_.timer_pending(now.cycle) ? kTimer : 0);
    case Csr::mvendorid:
    case Csr::marchid:
    case Csr::mimpid:
    case Csr::mhartid:
    case Csr::mconfigptr: return 0;
  }
  return std::nullopt;
}

bool CsrFile::write(unsigned number, std::uint64_t value, HostTime next) {
  if (is_read_only(number)) return false;
  if (is_event_counter(number)) return write_event_counter(number, value, next), true;
  if (!read(number, next)) return false;
  switch (static_cast<Csr>(number)) {
    case Csr::fflags:
    case Csr::frm:
    case Csr::fcsr: return write_float(static_cast<Csr>(number), value);
    case Csr::mstatus:
      float_on_ = (value & kFs) != 0;
      mie_ = (value & kMie) != 0;
      mpie_ = (value & kMpie) != 0;
      break;
    case Csr::mie: interrupt_enable_ = value & kInterruptEnables; break;
    case Csr::mtvec: mtvec_ = value & ~std::uint64_t{2}; break;
    case Csr::mscratch: mscratch_ = value; break;
    case Csr::mepc: mepc_ = value & ~std::uint64_t{1}; break;
    case Csr::mcause: mcause_ = value; break;
    case Csr::mtval: mtval_ = value; break;
    case Csr::mcountinhibit:
      cycle_.inhibit((value & kInhibitCycle) != 0, next.cycle);
      instret_.inhibit((value & kInhibitInstret) != 0, next.instret);
      break;
    case Csr::mcycle: cycle_.set(value, next.cycle); break;
    case Csr::minstret: instret_.set(value, next.instret); break;
    default: break;  // misa, mip: legal to write, nothing changes
  }
  return true;
}

std::uint64_t CsrFile::pending_cycle(std::uint64_t cycle) const {
  if ((interrupt_enable_ & kSoftware) != 0 && clint_.software_pending()) return cycle;
  return (interrupt_enable_ & kTimer) != 0 ? clint_.timer_cycle(cycle) : Clint::kNever;
}

InterruptCause CsrFile::interrupt_cause() const {
  const bool software = (interrupt_enable_ & kSoftware) != 0 && clint_.software_pending();
  return software ? kSoftwareInterrupt : kTimerInterrupt;
}

std::uint64_t CsrFile::enter_trap(std::uint64_t pc, std::uint64_t cause, std::uint64_t tval) {
  mepc_ = pc;
  mcause_ = cause;
  mtval_ = tval;
  mpie_ = mie_;
  mie_ = false;
  const std::uint64_t base = mtvec_ & ~std::uint64_t{3};
  const bool vectored = (mtvec_ & 1) != 0 && (cause & kInterrupt) != 0;
  return vectored ? base + 4 * (cause & ~kInterrupt) : base;
}

std::uint64_t CsrFile::leave_trap() {
  mie_ = mpie_;
  mpie_ = true;
  return mepc_;
}

std::string_view csr_name(Csr csr) {
  switch (csr) {
#define ASSAY_CSR(number, name) \
  case Csr::name:               \
    return #name;
#include "core/host/csr.def"
#undef ASSAY_CSR
  }
  return {};
}

}  // namespace assay::core
