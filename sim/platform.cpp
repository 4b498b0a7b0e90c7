#include "sim/platform.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/error.hpp"
#include "sim/deadlock.hpp"
#include "sim/host_module.hpp"
#include "sim/machine_view.hpp"
#include "sim/sanitizer_stack.hpp"
#include "sim/semaphore_module.hpp"

// libsystemc refers to sc_main; Assay's programs bring their own main().
int sc_main(int, char**) { return 0; }  // NOLINT

namespace assay::sim {

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::halted: return "halted";
    case Outcome::trap: return "trap";
    case Outcome::fault: return "fault";
    case Outcome::deadlock: return "deadlock";
    case Outcome::watchdog: return "watchdog";
    case Outcome::ended: return "ended";
  }
  return "?";
}

namespace {

// A SystemC kernel of its own for each platform, so that one process can make many runs. SystemC's current
// kernel is a global variable: it is this one only while the platform is built, runs and is destroyed.
class FreshKernel {
 public:
  FreshKernel() : context_(std::make_unique<sc_core::sc_simcontext>()) {
    enter();
    sc_core::sc_set_stop_mode(sc_core::SC_STOP_FINISH_DELTA);
    sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
    sc_core::sc_report_handler::set_actions(sc_core::SC_WARNING, sc_core::SC_DO_NOTHING);
  }
  ~FreshKernel() {
    context_.reset();
    leave();
  }
  FreshKernel(const FreshKernel&) = delete;
  FreshKernel& operator=(const FreshKernel&) = delete;

  void enter() {
    previous_ = sc_core::sc_curr_simcontext;
    sc_core::sc_curr_simcontext = sc_core::sc_default_global_context = context_.get();
  }
  void leave() {
    sc_core::sc_curr_simcontext = sc_core::sc_default_global_context = previous_;
    restore_sanitizer_stack();
  }

 private:
  std::unique_ptr<sc_core::sc_simcontext> context_;
  sc_core::sc_simcontext* previous_ = nullptr;
};

// Makes a kernel the current one for as long as this lives.
class Entered {
 public:
  explicit Entered(FreshKernel& kernel) : kernel_(kernel) { kernel_.enter(); }
  ~Entered() { kernel_.leave(); }
  Entered(const Entered&) = delete;
  Entered& operator=(const Entered&) = delete;

 private:
  FreshKernel& kernel_;
};

}  // namespace

struct Platform::Modules {
  FreshKernel kernel;
  SemaphoreModule semaphores;
  HbmModule hbm;
  DmaModule dma_in, dma_out;
  MxuModule mxu;
  VxuModule vxu;
  HostModule host;
  MachineView view;

  Modules(const Machine& machine, const PlatformOptions& options, std::vector<std::byte>& tcm,
          memory::HbmStorage& storage, memory::LocalMemory& local, CommandLog& log, Supervision& supervision)
      : semaphores("semaphores", machine.sync.semaphores),
        hbm("hbm", machine, storage),
        dma_in("dma_in", false, machine, local, hbm, semaphores, supervision),
        dma_out("dma_out", true, machine, local, hbm, semaphores, supervision),
        mxu("mxu", machine, local, semaphores, supervision),
        vxu("vxu", machine, local, semaphores, supervision),
        host("host", machine, {tcm.data(), tcm.size(), ASSAY_TCM_BASE}, local,
             {&dma_in, &dma_out, &mxu, &vxu}, log, supervision, options.quantum, options.on_line,
             options.described == nullptr ? machine : *options.described),
        view({host.host(),
              {tcm.data(), tcm.size(), ASSAY_TCM_BASE},
              local,
              storage,
              host.description(),
              semaphores.state(),
              engines(),
              log,
              supervision.faults,
              supervision.sanitizer.get()}) {
    host.socket.bind(hbm.host);
    host.host().set_watchdog(options.watchdog);
    host.set_counters([this](Cycle now) { return counters(now); });
    mxu.unit().set_time_limit(options.watchdog);
  }

  std::array<EngineModule*, 4> engines() { return {&dma_in, &dma_out, &mxu, &vxu}; }

  // Of everything up to `now`, where SystemC is.
  RunCounters counters(Cycle now) {
    RunCounters run;
    run.cycles = now;
    run.instructions = host.host().instret();
    run.accounts.push_back({"host", host.ledger()});
    const auto all = engines();
    for (std::size_t e = 0; e < all.size(); ++e) {
      run.accounts.push_back({all[e]->name(), all[e]->books(now)});
      run.engines[e] = all[e]->engine_counters();
    }
    run.mxu = mxu.unit().counters();
    run.vxu = vxu.unit().counters();
    run.dma_in = dma_in.counters();
    run.dma_out = dma_out.counters();
    run.host_traffic = host.traffic();
    run.hbm = hbm.dram().counters();
    return run;
  }

  Deadlock deadlock() {
    const auto all = engines();
    return explain_deadlock(host.blocked_on(), host.host().pc(), {all.begin(), all.end()});
  }
};

Platform::Platform(const Machine& machine, const PlatformOptions& options)
    : machine_(machine),
      options_(options),
      tcm_(machine.tcm.bytes().count()),
      hbm_(machine.hbm.bytes()),
      local_(machine_, options.values) {
  supervision_.jitter = Jitter(options.jitter);
  supervision_.observers = Observers(options.observers);
  if (options.sanitize) {
    supervision_.sanitizer = std::make_unique<Sanitizer>(machine_, hbm_, options.values);
    supervision_.sanitizer->listen(
        [this](const Finding& finding) { supervision_.observers.tell(&Observer::found, finding); });
  }
  modules_ = std::make_unique<Modules>(machine_, options_, tcm_, hbm_, local_, log_, supervision_);
  modules_->kernel.leave();
}

Platform::~Platform() { modules_->kernel.enter(); }  // left again as it is destroyed

void Platform::load(const ElfImage& kernel) {
  require_fits(kernel, machine_.tcm.bytes());
  for (const ElfSegment& segment : kernel.segments) {
    std::byte* place = tcm_.data() + (segment.address - ASSAY_TCM_BASE);
    std::memset(place, 0, segment.memory_bytes);
    std::copy(segment.data.begin(), segment.data.end(), place);
  }
  entry_ = kernel.entry;
}

void Platform::set_args(const assay_args& args) {
  static_assert(sizeof args <= ASSAY_ARGS_BYTES);
  std::memcpy(tcm_.data(), &args, sizeof args);
}

void Platform::declare(const std::vector<TensorRange>& tensors) {
  if (supervision_.sanitizer) supervision_.sanitizer->declare(tensors);
}

// How the run ended, once SystemC has stopped.
void Platform::conclude(RunResult& result) {
  HostModule& host = modules_->host;
  const auto engines = modules_->engines();
  const bool idle = std::all_of(engines.begin(), engines.end(), [](EngineModule* e) { return e->idle(); });
  const auto trap_text = [&host] {
    const core::CsrFile& csrs = host.host().csrs();
    return fmt::format("mcause {}, mepc {:#x}, mtval {:#x}", csrs.mcause(), csrs.mepc(), csrs.mtval());
  };
  if (supervision_.faults.raised()) {
    // keeps its reason
  } else if (sc_core::sc_pending_activity()) {
    supervision_.faults.raise(Outcome::watchdog, fmt::format("the kernel did not halt within {} cycles",
                                                             options_.watchdog.count()));
  } else if (!host.halted()) {
    const Deadlock deadlock = modules_->deadlock();
    supervision_.faults.raise(Outcome::deadlock, "nothing can happen any more: " + deadlock.text,
                              deadlock.sites);
  } else if (!idle) {
    const Deadlock deadlock = modules_->deadlock();
    supervision_.faults.raise(Outcome::deadlock,
                              "halted with commands that can never finish: " + deadlock.text, deadlock.sites);
  } else if ((host.halt_value() & 0xFF) == ASSAY_HALT_TRAP) {
    supervision_.faults.raise(Outcome::trap, "the kernel trapped: " + trap_text(),
                              {{host.host().csrs().mepc(), "the host"}});
  } else if ((host.halt_value() & 0xFF) != ASSAY_HALT_DONE) {
    supervision_.faults.raise(
        Outcome::trap, fmt::format("the kernel halted with {:#x}, which means nothing", host.halt_value()));
  }
  result.outcome = supervision_.faults.outcome();
  result.message = supervision_.faults.message();
  result.sites = supervision_.faults.sites();
  result.kernel_status = static_cast<std::uint32_t>(host.halt_value() >> 32);
}

// Closes every unit's books at the end of the run.
void Platform::close_accounts(RunResult& result) {
  HostModule& host = modules_->host;
  result.cycles = result.host_end = std::max(host.halted_at(), host.host().cycle());
  for (EngineModule* engine : modules_->engines())
    result.cycles = std::max(result.cycles, engine->writes_visible());
  result.cycles = std::max(result.cycles, modules_->hbm.dram().written());
  host.ledger().mark(host.host().cycle(), core::Owner::useful);
  host.ledger().mark(result.cycles, core::Owner::idle);
  for (EngineModule* engine : modules_->engines()) engine->finish(result.cycles);
  static_cast<RunCounters&>(result) = modules_->counters(result.cycles);
}

RunResult Platform::run() {
  const Entered current(modules_->kernel);
  HostModule& host = modules_->host;
  host.host().set_pc(entry_);
  host.host().set_x(2, ASSAY_TCM_BASE + tcm_.size());
  supervision_.observers.tell(&Observer::start, modules_->view);
  sc_core::sc_start(time_of(options_.watchdog, Phase::semaphores), sc_core::SC_EXIT_ON_STARVATION);

  RunResult result;
  conclude(result);
  close_accounts(result);
  result.depends_on_values = host.read_values() || modules_->dma_in.gathered();
  host.console().flush();
  result.uart = host.console().kept();
  result.uart_not_kept = host.console().not_kept();
  if (supervision_.sanitizer) {
    if (result.outcome == Outcome::halted) supervision_.sanitizer->halted();
    result.findings = supervision_.sanitizer->findings();
  }
  supervision_.observers.tell(&Observer::end, result);
  result.log = std::move(log_);
  result.fences = host.fences();
  return result;
}

}  // namespace assay::sim
