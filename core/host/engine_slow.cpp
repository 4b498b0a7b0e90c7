// What the engine does not do inline: accesses outside TCM, AI instructions, CSRs.
#include <algorithm>
#include <cstring>
#include <exception>
#include <optional>

#include "core/host/engine.hpp"

namespace assay::core {
namespace {

std::uint64_t extend(std::uint64_t value, unsigned bytes, bool is_signed) {
  const unsigned unused = 64 - 8 * bytes;
  return is_signed ? static_cast<std::uint64_t>(static_cast<std::int64_t>(value << unused) >> unused)
                   : value << unused >> unused;
}

}  // namespace

// A port call runs other code, which may not return for long: native arithmetic is that code's meanwhile.
// After an exception it stays so: the run is over.
struct Host::Engine::PortCall {
  explicit PortCall(Host& h) : host(h) { host.leave_float(); }
  ~PortCall() {
    if (std::uncaught_exceptions() == 0) host.enter_float();
  }
  PortCall(const PortCall&) = delete;
  PortCall& operator=(const PortCall&) = delete;
  Host& host;
};

PortAccess Host::Engine::platform_load(Host& host, std::uint64_t address, unsigned bytes) {
  if (Clint::contains(address)) {
    const auto value = host.csrs_.clint().load(host.cycle_, address, bytes);
    return {Cycle(host.cycle_ + host.costs_.load_tcm), value.value_or(0), !value};
  }
  const PortCall call(host);
  return host.port_.load(host.cycle(), address, bytes);
}

PortAccess Host::Engine::platform_store(Host& host, std::uint64_t address, unsigned bytes,
                                        std::uint64_t value) {
  if (Clint::contains(address)) {
    host.interrupts_changed_ = true;
    const bool stored = host.csrs_.clint().store(host.cycle_, address, bytes, value);
    return {Cycle(host.cycle_ + host.costs_.store_tcm), 0, !stored};
  }
  const PortCall call(host);
  return host.port_.store(host.cycle(), address, bytes, value);
}

bool Host::Engine::load(Host& host, const Op& op, unsigned bytes, bool is_signed) {
  const std::uint64_t address = host.x_[op.rs1] + static_cast<std::uint64_t>(std::int64_t{op.imm});
  const std::uint64_t offset = address - host.tcm_.base;
  std::uint64_t value = 0;
  if (offset <= host.tcm_.size - bytes) {  // the TCM's last bytes, which the fast path leaves out
    std::memcpy(&value, host.tcm_.data + offset, bytes);
    host.cycle_ += host.costs_.load_tcm;
  } else {
    if (address % bytes != 0) return host.take_trap(kLoadMisaligned, address), false;
    const PortAccess access = platform_load(host, address, bytes);
    host.cycle_ = std::max(access.done.count(), host.cycle_ + 1);
    if (access.fault) return host.take_trap(kLoadFault, address), false;
    value = access.value;
  }
  const bool boxed = op.rd >= kFirstFloat && bytes == sizeof(F32);
  host.x_[op.rd] = boxed ? kBox | value : extend(value, bytes, is_signed);
  return true;
}

bool Host::Engine::store(Host& host, const Op& op, unsigned bytes) {
  const std::uint64_t address = host.x_[op.rs1] + static_cast<std::uint64_t>(std::int64_t{op.imm});
  const std::uint64_t offset = address - host.tcm_.base;
  const std::uint64_t value = extend(host.x_[op.rs2], bytes, false);
  if (offset <= host.tcm_.size - bytes) {
    std::memcpy(host.tcm_.data + offset, &value, bytes);
    host.cycle_ += host.costs_.store_tcm;
    return true;
  }
  if (address % bytes != 0) return host.take_trap(kStoreMisaligned, address), false;
  const PortAccess access = platform_store(host, address, bytes, value);
  host.cycle_ = std::max(access.done.count(), host.cycle_ + 1);
  if (access.fault) return host.take_trap(kStoreFault, address), false;
  return true;
}

bool Host::Engine::ai(Host& host, const Op& op) {
  const auto word = static_cast<std::uint32_t>(op.imm);
  const PortCall call(host);
  const PortAi result = host.port_.ai(host.cycle(), word, host.x_[op.rs1], host.x_[op.rs2], host.pc_);
  host.cycle_ = std::max(result.done.count(), host.cycle_ + host.costs_.ai_issue);
  switch (result.status) {
    case AiStatus::ok: return true;
    case AiStatus::illegal: host.take_trap(kIllegalInstruction, word); break;
    case AiStatus::operand_fault: host.take_trap(kAiOperandFault, result.tval); break;
  }
  return false;
}

bool Host::Engine::csr(Host& host, const Op& op, CsrAction action, std::uint64_t operand,
                       std::uint32_t word) {
  const auto number = static_cast<unsigned>(op.imm);
  const bool is_float =
      number >= static_cast<unsigned>(Csr::fflags) && number <= static_cast<unsigned>(Csr::fcsr);
  if (is_float) host.leave_float();
  std::optional<PortCall> call;
  if (CsrFile::is_event_counter(number)) {
    call.emplace(host);
    host.port_.catch_up(host.cycle());
  }
  const HostTime now{host.cycle_, host.instret_};
  const HostTime next{host.cycle_ + host.costs_.csr, host.instret_ + 1};
  const std::optional<std::uint64_t> old = host.csrs_.read(number, now);
  const bool writes = action == CsrAction::write || op.rs3 != 0;
  bool legal = old.has_value();
  if (legal && writes) {
    const std::uint64_t value = action == CsrAction::write ? operand
                                : action == CsrAction::set ? *old | operand
                                                           : *old & ~operand;
    legal = host.csrs_.write(number, value, next);
    if (number == static_cast<unsigned>(Csr::mstatus) || number == static_cast<unsigned>(Csr::mie))
      host.interrupts_changed_ = true;
  }
  if (is_float) host.enter_float();
  if (!legal) return host.take_trap(kIllegalInstruction, word), false;
  host.x_[op.rd] = *old;
  host.cycle_ = next.cycle;
  return true;
}

}  // namespace assay::core
