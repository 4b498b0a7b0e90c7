#include "core/host/host.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "core/host/code_cache.hpp"
#include "core/host/engine.hpp"
#include "core/host/native_float.hpp"

namespace assay::core {
namespace {

constexpr std::uint64_t kMaxTcmBytes = std::uint64_t{1} << 30;

const TcmView& checked(const TcmView& tcm) {
  if (tcm.data == nullptr || tcm.size < 8 || tcm.size > kMaxTcmBytes || tcm.size % 8 != 0 ||
      tcm.base % 8 != 0) {
    fail(ExitCode::Usage,
         "host TCM of {} bytes at {:#x}: expected 8 to {} bytes, size and base multiples of 8", tcm.size,
         tcm.base, kMaxTcmBytes);
  }
  return tcm;
}

std::array<std::uint32_t, 16> all(const HostCosts& c) {
  return {c.alu, c.mul,    c.div,   c.branch_not_taken, c.branch_taken, c.jump, c.load_tcm, c.store_tcm,
          c.csr, c.atomic, c.fence, c.ai_issue,         c.trap,         c.fp,   c.fp_div,   c.fp_move};
}
std::uint64_t largest(const HostCosts& costs) {
  const auto each = all(costs);
  return *std::max_element(each.begin(), each.end());
}

// An instruction that takes no time would let a loop run for ever within one quantum.
const HostCosts& checked(const HostCosts& c) {
  for (const std::uint32_t cost : all(c)) {
    if (cost == 0)
      fail(ExitCode::Usage, "host costs: an instruction class costs 0 cycles; expected at least 1");
  }
  return c;
}

}  // namespace

std::string_view to_string(StopReason reason) {
  switch (reason) {
    case StopReason::quantum: return "end of the quantum";
    case StopReason::port_stop: return "stopped by the platform";
    case StopReason::watchdog: return "watchdog: cycle limit reached";
    case StopReason::trap_loop: return "trap loop: the trap handler itself cannot run";
    case StopReason::wfi: return "wfi with no interrupt to come";
  }
  return "unknown";
}

Host::Host(const HostCosts& costs, TcmView tcm, HostPort& port)
    : pc_(tcm.base),
      block_margin_(CodeCache::kBlockInstructions * largest(costs)),
      csrs_(&port),
      costs_(checked(costs)),
      tcm_(checked(tcm)),
      port_(port),
      code_(std::make_unique<CodeCache>(tcm_, costs_, Engine::handlers())) {
  csrs_.float_state().native_fma = have_native_fma();
}

Host::~Host() = default;

struct Host::FloatScope {
  explicit FloatScope(Host& h) : host(h) { host.enter_float(); }
  ~FloatScope() { host.leave_float(); }
  FloatScope(const FloatScope&) = delete;
  FloatScope& operator=(const FloatScope&) = delete;
  Host& host;
};

StopReason Host::run(Cycle until) {
  const std::uint64_t deadline = std::min(until, watchdog_).count();
  const FloatScope scope(*this);
  const StopReason reason = Engine::execute(*this, deadline);
  return reason == StopReason::quantum && cycle_ >= watchdog_.count() ? StopReason::watchdog : reason;
}

StopReason Host::step() {
  single_ = true;
  const StopReason reason = run(cycle() + Cycle(1));
  single_ = false;
  return reason;
}

void Host::enter_float() { float_environment_.enter(csrs_.float_state().rounding); }

void Host::leave_float() { csrs_.float_state().flags |= float_environment_.leave(); }

void Host::take_interrupt() {
  pc_ = csrs_.enter_trap(pc_, csrs_.interrupt_cause(), 0);
  if (!can_fetch(pc_)) final_ = StopReason::trap_loop;
  cycle_ += costs_.trap;
  reservation_ = {};
}

void Host::wait_for_interrupt() {
  const std::uint64_t wake = csrs_.pending_cycle(cycle_);
  if (wake == Clint::kNever) {
    final_ = StopReason::wfi;
  } else if (wake >= watchdog_.count()) {
    cycle_ = watchdog_.count();  // still waiting
  } else {
    cycle_ = std::max(cycle_ + costs_.jump, wake);
    pc_ += 4;
    ++instret_;
  }
}

void Host::take_trap(std::uint64_t cause, std::uint64_t tval) {
  const std::uint64_t handler = csrs_.enter_trap(pc_, cause, tval);
  // A handler that traps at its first instruction, or that is not there, would trap for ever.
  if (handler == pc_ || !can_fetch(handler)) final_ = StopReason::trap_loop;
  pc_ = handler;
  cycle_ += costs_.trap;
  reservation_ = {};
}

}  // namespace assay::core
