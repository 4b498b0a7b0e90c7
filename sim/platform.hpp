// The whole machine for one run: memories, engines, host, wired and started.
//
//   Platform platform(machine, {});
//   platform.hbm().write(...);                   // tensors
//   platform.load(kernel); platform.set_args(args);
//   const RunResult result = platform.run();
//
// One platform makes one run. Errors: load() throws Error(Usage) where the program does not fit TCM.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/machine.hpp"
#include "core/ledger.hpp"
#include "core/mxu/mxu.hpp"
#include "core/vxu/vxu.hpp"
#include "isa/abi.h"
#include "memory/dram/counters.hpp"
#include "memory/hbm_storage.hpp"
#include "sim/command_log.hpp"
#include "sim/console.hpp"
#include "sim/dma_module.hpp"
#include "sim/elf.hpp"
#include "sim/engines.hpp"
#include "sim/run_counters.hpp"
#include "sim/supervision.hpp"

namespace assay::sim {

struct PlatformOptions {
  bool values = true;                // false: timing alone
  Cycle watchdog{2'000'000'000};     // the run ends as Outcome::watchdog at this cycle
  Cycle quantum{1000};               // how far the host may run ahead; changes neither results nor cycles
  bool sanitize = true;              // the kernel sanitizer; changes neither results nor cycles
  std::uint64_t jitter = 0;          // seed of extra latencies, for tests of kernels; 0: none
  Console::Listener on_line;         // hears what the kernel prints, during the run
  std::vector<Observer*> observers;  // of this run; they change neither results nor cycles
  const Machine* described =
      nullptr;  // the kernel reads this one's description: it plans as for that machine
};

struct RunResult : RunCounters {
  Outcome outcome = Outcome::halted;
  std::string message;              // what happened, where the outcome is not `halted`
  std::vector<FindingSite> sites;   // the instructions that take part in it
  std::vector<Finding> findings;    // of the kernel sanitizer, causes first
  std::uint32_t kernel_status = 0;  // outcome halted: the kernel's own status, 0 = success

  Cycle host_end;  // the host's halt
  bool depends_on_values = false;
  std::string uart;                 // what the kernel printed, up to Console::kKept bytes
  std::uint64_t uart_not_kept = 0;  // bytes beyond
  CommandLog log;
  FenceLog fences;
};

class Platform {
 public:
  Platform(const Machine& machine, const PlatformOptions& options);
  ~Platform();
  Platform(const Platform&) = delete;
  Platform& operator=(const Platform&) = delete;

  memory::HbmStorage& hbm() { return hbm_; }
  void load(const ElfImage& kernel);
  void set_args(const assay_args& args);
  // What the kernel may touch in HBM, for the sanitizer; nothing declared: all of it.
  void declare(const std::vector<TensorRange>& tensors);
  RunResult run();

 private:
  struct Modules;  // everything that needs SystemC

  void conclude(RunResult& result);
  void close_accounts(RunResult& result);

  const Machine machine_;
  PlatformOptions options_;
  std::vector<std::byte> tcm_;
  memory::HbmStorage hbm_;
  memory::LocalMemory local_;
  Supervision supervision_;
  CommandLog log_;
  std::uint64_t entry_ = 0;
  std::unique_ptr<Modules> modules_;
};

}  // namespace assay::sim
