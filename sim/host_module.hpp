// The RISC-V host on the platform: its thread, and everything that it reaches outside TCM.
//
// Anything that another module can see, or that sees another module - a launch, a fence, an access to SPM or
// HBM, an event counter - first brings SystemC time to the host's own; the rest runs ahead by up to a
// quantum, which therefore changes neither results nor cycles.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/host/host.hpp"
#include "core/ledger.hpp"
#include "isa/abi.h"
#include "isa/command.hpp"
#include "memory/local_memory.hpp"
#include "sim/console.hpp"
#include "sim/engine_module.hpp"
#include "sim/hbm_module.hpp"
#include "sim/run_counters.hpp"
#include "sim/sanitizer_stack.hpp"
#include "sim/supervision.hpp"

namespace assay::sim {

class HostModule : public sc_core::sc_module, private core::HostPort {
 public:
  SC_HAS_PROCESS(HostModule);
  // `engines` in the order of isa::Engine.
  HostModule(sc_core::sc_module_name name, const Machine& machine, core::TcmView tcm,
             memory::LocalMemory& local, std::array<EngineModule*, 4> engines, CommandLog& log,
             Supervision& supervision, Cycle quantum, Console::Listener on_line, const Machine& described);

  tlm_utils::simple_initiator_socket<HostModule> socket;

  // Whom to ask when the kernel reads an event counter.
  void set_counters(std::function<RunCounters(Cycle now)> counters) { counters_ = std::move(counters); }

  core::Host& host() { return host_; }
  const assay_machine& description() const { return description_; }
  core::Ledger& ledger() { return ledger_; }

  bool halted() const { return halted_; }
  std::uint64_t halt_value() const { return halt_value_; }
  Cycle halted_at() const { return halted_at_; }
  const FenceLog& fences() const { return fences_; }
  Console& console() { return console_; }
  // The host read tensors' values, so that timing without values would not be the same run.
  bool read_values() const { return read_values_; }
  const HostTraffic& traffic() const { return traffic_; }
  // The stalled instruction, for the report of a deadlock; empty where it is not stalled.
  std::string blocked_on() const;

 private:
  void run();
  core::StopReason run_quantum();
  core::PortAccess load(Cycle now, std::uint64_t address, unsigned bytes) override;
  core::PortAccess store(Cycle now, std::uint64_t address, unsigned bytes, std::uint64_t value) override;
  core::PortAi ai(Cycle now, std::uint32_t word, std::uint64_t rs1, std::uint64_t rs2,
                  std::uint64_t pc) override;
  void fence() override;
  void catch_up(Cycle now) override;
  std::optional<std::uint64_t> event(std::uint64_t number, Cycle now) override;
  bool stopped() const override { return halted_ || supervision_.faults.raised(); }

  core::PortAccess access_hbm(Cycle now, std::uint64_t address, unsigned bytes, bool write,
                              std::uint64_t value);
  Cycle transport(std::uint64_t offset, unsigned bytes, bool write, std::byte* data);
  core::PortAccess access_spm(Cycle now, std::uint64_t address, unsigned bytes, bool write,
                              std::uint64_t value);
  void watch(core::Space space, std::uint64_t offset, unsigned bytes, bool write);
  core::PortAi launch(Cycle now, isa::Engine engine, const isa::Command& command, std::uint64_t pc);
  core::PortAi fence(Cycle now, std::uint32_t engines, std::uint64_t pc);
  Cycle wait_for_room(Cycle now, EngineModule& engine);

  const Machine& machine_;
  memory::LocalMemory& local_;
  std::array<EngineModule*, 4> engines_;
  CommandLog& log_;
  FenceLog fences_;
  Supervision& supervision_;
  Cycle quantum_;
  assay_machine description_;
  core::Host host_;
  core::Ledger ledger_;
  std::array<isa::RegisterSnapshot, 4> registers_;
  bool halted_ = false, read_values_ = false;
  HostTraffic traffic_;
  std::uint64_t halt_value_ = 0;
  Cycle halted_at_;
  Console console_;
  std::string stalled_;
  std::function<RunCounters(Cycle)> counters_;
  ProcessStack stack_;
};

// The read-only description that kernels see.
assay_machine describe(const Machine& machine);

}  // namespace assay::sim
