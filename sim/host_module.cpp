#include "sim/host_module.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/address_map.hpp"
#include "isa/encoding.hpp"
#include "sim/events.hpp"

namespace assay::sim {
namespace {

bool inside(std::uint64_t address, std::uint64_t base, std::uint64_t size) {
  return address >= base && address - base < size;
}

}  // namespace

assay_machine describe(const Machine& machine) {
  assay_machine d{};
  d.abi_version = ASSAY_ABI_VERSION;
  d.mxu_rows = machine.mxu.rows;
  d.mxu_cols = machine.mxu.cols;
  d.mxu_load_rows_per_cycle = machine.mxu.load_rows_per_cycle;
  d.mxu_load_cycles = machine.mxu.rows / machine.mxu.load_rows_per_cycle;
  for (std::uint32_t rows = machine.mxu.rows; rows > 1; rows /= 2) ++d.mxu_rows_log2;
  for (const DType type : engine_dtypes()) {
    const Machine::MxuRate rate = machine.mxu.rate(type);
    d.mxu_chain[static_cast<std::size_t>(type)] = rate.chain;
    d.mxu_cycles_per_step[static_cast<std::size_t>(type)] = rate.cycles_per_step;
  }
  d.vxu_lanes = machine.vxu.lanes;
  d.spm_bytes = static_cast<std::uint32_t>(machine.spm.bytes().count());
  d.acc_bytes = static_cast<std::uint32_t>(machine.acc.bytes().count());
  d.spm_banks = machine.spm.banks;
  d.spm_bank_bytes = machine.spm.bank_bytes;
  d.acc_banks = machine.acc.banks;
  d.acc_bank_bytes = machine.acc.bank_bytes;
  d.queue_depth = machine.sync.queue_depth;
  d.semaphores = machine.sync.semaphores;
  d.dma_burst_bytes =
      AddressMap(machine.hbm.controller.address_map, machine.hbm.table, machine.file).interleave_bytes();
  d.hbm_bytes_per_kcycle = static_cast<std::uint32_t>(machine.hbm_bytes_per_cycle() * 1000.0);
  d.hbm_bytes = machine.hbm.bytes().count();
  return d;
}

HostModule::HostModule(sc_core::sc_module_name name, const Machine& machine, core::TcmView tcm,
                       memory::LocalMemory& local, std::array<EngineModule*, 4> engines, CommandLog& log,
                       Supervision& supervision, Cycle quantum, Console::Listener on_line,
                       const Machine& described)
    : sc_module(name),
      socket("socket"),
      machine_(machine),
      local_(local),
      engines_(engines),
      log_(log),
      supervision_(supervision),
      quantum_(quantum),
      description_(describe(described)),
      host_(machine.host, tcm, *this),
      console_(std::move(on_line)) {
  for (std::size_t e = 0; e < registers_.size(); ++e)
    registers_[e] = isa::reset_registers(static_cast<isa::Engine>(e));
  SC_THREAD(run);
}

void HostModule::run() {
  stack_.enter();
  for (;;) {
    const core::StopReason reason = run_quantum();
    switch (reason) {
      case core::StopReason::quantum: break;
      case core::StopReason::port_stop: ledger_.mark(host_.cycle(), core::Owner::useful); return;
      case core::StopReason::watchdog:
        supervision_.faults.raise(Outcome::watchdog,
                                  fmt::format("the kernel did not halt within {} cycles (pc {:#x})",
                                              host_.watchdog().count(), host_.pc()),
                                  {{host_.pc(), "the host"}});
        return;
      case core::StopReason::trap_loop:
      case core::StopReason::wfi:
        supervision_.faults.raise(
            Outcome::trap,
            fmt::format("the host stopped: {} (mcause {}, mepc {:#x}, mtval {:#x})", core::to_string(reason),
                        host_.csrs().mcause(), host_.csrs().mepc(), host_.csrs().mtval()),
            {{host_.csrs().mepc(), "the host"}});
        return;
    }
    wait_until(host_.cycle(), Phase::host);
  }
}

core::StopReason HostModule::run_quantum() {
  const Cycle until = host_.cycle() + quantum_;
  const Observers& observers = supervision_.observers;
  if (!observers.every_instruction()) return host_.run(until);
  core::StopReason reason = core::StopReason::quantum;
  while (reason == core::StopReason::quantum && host_.cycle() < until && observers.every_instruction()) {
    wait_until(host_.cycle(), Phase::host);  // an observer sees the engines as they are at this cycle
    observers.tell(&Observer::before_instruction);
    if (supervision_.faults.raised()) return core::StopReason::port_stop;
    reason = host_.step();
    observers.tell(&Observer::after_instruction);
  }
  return reason;
}

core::PortAccess HostModule::load(Cycle now, std::uint64_t address, unsigned bytes) {
  core::PortAccess result{now + Cycle(1)};
  if (inside(address, ASSAY_MACHINE_BASE, sizeof description_)) {
    std::memcpy(&result.value, reinterpret_cast<const char*>(&description_) + (address - ASSAY_MACHINE_BASE),
                bytes);
    result.done = now + Cycle(machine_.host.load_tcm);
    return result;
  }
  if (inside(address, ASSAY_SPM_BASE, machine_.spm.bytes().count()))
    return access_spm(now, address, bytes, false, 0);
  if (inside(address, ASSAY_HBM_BASE, machine_.hbm.bytes().count()))
    return access_hbm(now, address, bytes, false, 0);
  result.fault = true;
  return result;
}

core::PortAccess HostModule::store(Cycle now, std::uint64_t address, unsigned bytes, std::uint64_t value) {
  core::PortAccess result{now + Cycle(1)};
  if (address == ASSAY_HALT_BASE && bytes == 8) {
    wait_until(now, Phase::host);
    halted_ = true;
    halt_value_ = value;
    halted_at_ = now + Cycle(1);
  } else if (address == ASSAY_UART_BASE) {
    console_.put(static_cast<char>(value));
  } else if (inside(address, ASSAY_SPM_BASE, machine_.spm.bytes().count())) {
    return access_spm(now, address, bytes, true, value);
  } else if (inside(address, ASSAY_HBM_BASE, machine_.hbm.bytes().count())) {
    return access_hbm(now, address, bytes, true, value);
  } else {
    result.fault = true;
  }
  return result;
}

core::PortAccess HostModule::access_hbm(Cycle now, std::uint64_t address, unsigned bytes, bool write,
                                        std::uint64_t value) {
  wait_until(now, Phase::host);
  ledger_.mark(now, core::Owner::useful);
  watch(core::Space::hbm, address - ASSAY_HBM_BASE, bytes, write);
  std::byte data[8] = {};
  std::memcpy(data, &value, sizeof data);
  core::PortAccess result;
  result.done = transport(address - ASSAY_HBM_BASE, bytes, write, data);
  (write ? traffic_.written : traffic_.read) += Bytes(bytes);
  if (!write) std::memcpy(&result.value, data, bytes);
  if (!write) read_values_ = true;
  wait_until(result.done, Phase::host);
  ledger_.mark(result.done, core::Owner::stall_memory);
  return result;
}

// A blocking access to HBM; returns when its answer is back.
Cycle HostModule::transport(std::uint64_t offset, unsigned bytes, bool write, std::byte* data) {
  tlm::tlm_generic_payload payload;
  payload.set_command(write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
  payload.set_address(offset);
  payload.set_data_ptr(reinterpret_cast<unsigned char*>(data));
  payload.set_data_length(bytes);
  payload.set_streaming_width(bytes);
  sc_core::sc_time delay;
  socket->b_transport(payload, delay);
  return Cycle(ceil_div((sc_core::sc_time_stamp() + delay).value(), kUnitsPerCycle));
}

core::PortAccess HostModule::access_spm(Cycle now, std::uint64_t address, unsigned bytes, bool write,
                                        std::uint64_t value) {
  wait_until(now, Phase::host);
  ledger_.mark(now, core::Owner::useful);
  watch(core::Space::spm, address - ASSAY_SPM_BASE, bytes, write);
  core::PortAccess result;
  result.done = now + Cycle(machine_.fabric.latency_cycles) * 2;
  const auto offset = isa::LocalAddr::spm(static_cast<std::uint32_t>(address - ASSAY_SPM_BASE));
  if (local_.has_values() && write) std::memcpy(local_.writable({offset, 1, bytes, 0}), &value, bytes);
  if (local_.has_values() && !write) std::memcpy(&result.value, std::as_const(local_).at(offset), bytes);
  if (!write) read_values_ = true;
  wait_until(result.done, Phase::host);
  ledger_.mark(result.done, core::Owner::stall_memory);
  return result;
}

void HostModule::watch(core::Space space, std::uint64_t offset, unsigned bytes, bool write) {
  if (supervision_.sanitizer) supervision_.sanitizer->host_access(host_.pc(), space, offset, bytes, write);
}

core::PortAi HostModule::ai(Cycle now, std::uint32_t word, std::uint64_t rs1, std::uint64_t rs2,
                            std::uint64_t pc) {
  const auto decoded = isa::identify(word);
  if (!decoded) return {now, core::AiStatus::illegal, 0};
  if (decoded->instruction == isa::Instruction::cfg || decoded->instruction == isa::Instruction::cfg2) {
    isa::RegisterSnapshot& registers = registers_[static_cast<std::size_t>(*decoded->engine)];
    registers[decoded->register_index] = rs1;
    if (decoded->instruction == isa::Instruction::cfg2) registers[decoded->register_index + 1U] = rs2;
    return {now};
  }
  isa::RawCommand raw{rs1, rs2, {}};
  if (decoded->engine) raw.registers = registers_[static_cast<std::size_t>(*decoded->engine)];
  const auto unpacked = isa::unpack(decoded->instruction, raw);
  if (const auto* fault = std::get_if<isa::Fault>(&unpacked))
    return {now, core::AiStatus::operand_fault, fault->value};
  const auto& command = std::get<isa::Command>(unpacked);
  if (const auto* f = std::get_if<isa::FenceCommand>(&command)) return fence(now, f->engines, pc);
  const auto* sync = std::get_if<isa::SemaphoreCommand>(&command);
  if (sync != nullptr && sync->semaphore >= machine_.sync.semaphores)
    return {now, core::AiStatus::operand_fault, sync->semaphore};
  return launch(now, *isa::queue_of(command), command, pc);
}

void HostModule::fence() {
  if (supervision_.sanitizer) supervision_.sanitizer->fenced();
}

void HostModule::catch_up(Cycle now) {
  wait_until(now, Phase::host);
  ledger_.mark(now, core::Owner::useful);
}

std::optional<std::uint64_t> HostModule::event(std::uint64_t number, Cycle now) {
  return count_of(number, counters_(now));
}

core::PortAi HostModule::launch(Cycle now, isa::Engine engine, const isa::Command& command,
                                std::uint64_t pc) {
  wait_until(now, Phase::host);
  ledger_.mark(now, core::Owner::useful);
  EngineModule& module = *engines_[static_cast<std::size_t>(engine)];
  const Cycle at = wait_for_room(now, module);
  CommandRecord& record = log_.emplace_back();
  record.id = log_.size() - 1;
  record.pc = pc;
  record.engine = engine;
  record.command = command;
  record.asked = now;
  record.issued = at;
  record.host_memory = ledger_.of(core::Owner::stall_memory);
  if (supervision_.sanitizer) supervision_.sanitizer->launched(record);
  module.push(record);
  supervision_.observers.tell(&Observer::issued, record);
  return {at + Cycle(machine_.host.ai_issue)};
}

Cycle HostModule::wait_for_room(Cycle now, EngineModule& engine) {
  Cycle at = now;
  while (engine.full()) {
    stalled_ = fmt::format("host: the queue of {} is full", engine.name());
    wait(engine.popped());
    at = align(Phase::host);
  }
  stalled_.clear();
  ledger_.mark(at, core::Owner::stall_queue);
  return at;
}

core::PortAi HostModule::fence(Cycle now, std::uint32_t engines, std::uint64_t pc) {
  wait_until(now, Phase::host);
  ledger_.mark(now, core::Owner::useful);
  Cycle at = now;
  for (std::size_t e = 0; e < engines_.size(); ++e) {
    if ((engines >> e & 1U) == 0) continue;
    EngineModule& engine = *engines_[e];
    stalled_ = fmt::format("host: fence.ai on {}", engine.name());
    while (!engine.idle()) {
      wait(engine.became_idle());
      at = align(Phase::host);
    }
    at = std::max(at, engine.writes_visible());
    wait_until(at, Phase::host);
    if (supervision_.sanitizer) supervision_.sanitizer->waited_for(static_cast<isa::Engine>(e));
  }
  stalled_.clear();
  ledger_.mark(at, core::Owner::stall_fence);
  fences_.push_back({pc, log_.size(), engines, now, at, ledger_.of(core::Owner::stall_memory)});
  return {at + Cycle(1)};
}

std::string HostModule::blocked_on() const { return halted_ ? std::string() : stalled_; }

}  // namespace assay::sim
