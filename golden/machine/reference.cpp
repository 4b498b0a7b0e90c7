#include "golden/machine/reference.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "isa/abi.h"
#include "isa/encoding.hpp"

namespace assay::golden::machine {
namespace {

// One instance of each address space that the host reaches.
bool inside(std::uint64_t address, unsigned bytes, std::uint64_t base, std::uint64_t size) {
  return address >= base && address - base < size && bytes <= size - (address - base);
}

}  // namespace

std::string_view to_string(End end) {
  switch (end) {
    case End::halted: return "halted";
    case End::trap: return "trap";
    case End::fault: return "fault";
    case End::deadlock: return "deadlock";
    case End::endless: return "endless";
  }
  return "?";
}

ReferenceMachine::ReferenceMachine(const Machine& machine, Listener* listener)
    : machine_(machine),
      listener_(listener),
      memories_(machine),
      hart_(*this),
      matrix_(machine),
      semaphores_(machine.sync.semaphores) {
  for (std::size_t e = 0; e < registers_.size(); ++e)
    registers_[e] = isa::reset_registers(static_cast<isa::Engine>(e));
  hart_.x[2] = ASSAY_TCM_BASE + machine.tcm.bytes().count();
}

void ReferenceMachine::finish(End end, const std::string& message) {
  if (ended_) return;
  ended_ = true;
  result_.end = end;
  result_.message = message;
}

ReferenceResult ReferenceMachine::run(std::uint64_t most_instructions, std::uint64_t stop_at) {
  memories_.watch(this);
  for (std::uint64_t n = 0; !ended_; ++n) {
    if (n == most_instructions) {
      finish(End::endless, fmt::format("more than {} host instructions", most_instructions));
      break;
    }
    if (hart_.pc == stop_at) {
      result_.stopped = true;
      break;
    }
    const std::uint64_t pc = hart_.pc, traps = hart_.traps;
    if (listener_ != nullptr) listener_->host(pc);
    const Hart::Stop stop = hart_.step();
    if (hart_.traps != traps) result_.traps.push_back({pc, hart_.mcause, hart_.mtval});
    if (stop == Hart::Stop::trap_loop) finish(End::trap, "the trap handler itself cannot run");
    if (stop == Hart::Stop::wait_for_nothing) finish(End::trap, "wfi with no interrupt to come");
  }
  memories_.watch(nullptr);
  return result_;
}

// ------------------------------------------------------------------------------------ the host's memory

bool ReferenceMachine::in_tcm(std::uint64_t address, unsigned bytes) const {
  return inside(address, bytes, ASSAY_TCM_BASE, memories_.of(Space::tcm).capacity());
}

std::optional<Place> ReferenceMachine::place_at(std::uint64_t address, unsigned bytes) const {
  const auto at = [&](Space space, std::uint64_t base) -> std::optional<Place> {
    if (!inside(address, bytes, base, memories_.of(space).capacity())) return std::nullopt;
    return Place{space, static_cast<std::int64_t>(address - base)};
  };
  if (auto place = at(Space::tcm, ASSAY_TCM_BASE)) return place;
  if (auto place = at(Space::spm, ASSAY_SPM_BASE)) return place;
  return at(Space::hbm, ASSAY_HBM_BASE);
}

std::optional<std::uint64_t> ReferenceMachine::fetch(std::uint64_t address, unsigned bytes) {
  if (!in_tcm(address, bytes)) return std::nullopt;
  std::uint64_t value = 0;
  for (unsigned i = 0; i < bytes; ++i)
    value |= std::uint64_t{memories_.of(Space::tcm).get(address - ASSAY_TCM_BASE + i)} << (8 * i);
  return value;
}

std::optional<std::uint64_t> ReferenceMachine::load(std::uint64_t address, unsigned bytes) {
  if (address == ASSAY_CLINT_MSIP && bytes == 4) return software_interrupt_ ? 1 : 0;
  const auto place = place_at(address, bytes);
  if (!place) return std::nullopt;
  return memories_.load(*place, bytes);
}

bool ReferenceMachine::store(std::uint64_t address, unsigned bytes, std::uint64_t value) {
  if (address == ASSAY_UART_BASE) {
    result_.uart += static_cast<char>(value);
    return true;
  }
  if (address == ASSAY_CLINT_MSIP && bytes == 4) {
    software_interrupt_ = (value & 1) != 0;
    return true;
  }
  if (address == ASSAY_HALT_BASE && bytes == 8) {
    result_.status = value >> 32;
    const bool idle = std::all_of(queues_.begin(), queues_.end(), [](const auto& q) { return q.empty(); });
    if (!idle) finish(End::deadlock, "halted with commands that can never finish");
    if ((value & 0xFF) == ASSAY_HALT_DONE) finish(End::halted, "");
    finish(End::trap, (value & 0xFF) == ASSAY_HALT_TRAP ? "the program trapped" : "halted without meaning");
    return true;
  }
  const auto place = place_at(address, bytes);
  if (!place) return false;
  memories_.store(*place, bytes, value);
  return true;
}

void ReferenceMachine::touched(Space space, std::uint64_t offset, std::uint64_t bytes, bool write) {
  if (listener_ != nullptr) listener_->touched(space, offset, bytes, write);
}

// ----------------------------------------------------------------------------------------- AI commands

std::optional<Trap> ReferenceMachine::ai(std::uint32_t word, std::uint64_t rs1, std::uint64_t rs2) {
  const auto decoded = isa::identify(word);
  if (!decoded) return Trap{kIllegal, word};
  if (decoded->instruction == isa::Instruction::cfg || decoded->instruction == isa::Instruction::cfg2) {
    isa::RegisterSnapshot& registers = registers_[static_cast<std::size_t>(*decoded->engine)];
    registers[decoded->register_index] = rs1;
    if (decoded->instruction == isa::Instruction::cfg2) registers[decoded->register_index + 1U] = rs2;
    return std::nullopt;
  }
  isa::RawCommand raw{rs1, rs2, {}};
  if (decoded->engine) raw.registers = registers_[static_cast<std::size_t>(*decoded->engine)];
  const auto unpacked = isa::unpack(decoded->instruction, raw);
  if (const auto* fault = std::get_if<isa::Fault>(&unpacked)) return Trap{kAiOperand, fault->value};
  const auto& command = std::get<isa::Command>(unpacked);
  if (const auto* f = std::get_if<isa::FenceCommand>(&command)) {
    fence(f->engines);
    return std::nullopt;
  }
  const auto* sync = std::get_if<isa::SemaphoreCommand>(&command);
  if (sync != nullptr && sync->semaphore >= semaphores_.size()) return Trap{kAiOperand, sync->semaphore};
  launch(*isa::queue_of(command), command);
  return std::nullopt;
}

void ReferenceMachine::launch(isa::Engine engine, const isa::Command& command) {
  std::deque<std::uint64_t>& queue = queues_[static_cast<std::size_t>(engine)];
  if (queue.size() >= machine_.sync.queue_depth)
    return finish(End::deadlock, fmt::format("the queue of {} is full for ever", isa::to_string(engine)));
  queue.push_back(result_.commands.size());
  result_.commands.push_back({hart_.pc, engine, command});
  if (listener_ != nullptr) listener_->launched(queue.back(), result_.commands.back());
  drain();
  if (listener_ != nullptr) listener_->host(hart_.pc);
}

void ReferenceMachine::fence(std::uint32_t engines) {
  for (std::size_t e = 0; e < queues_.size(); ++e)
    if ((engines >> e & 1) != 0 && !queues_[e].empty())
      finish(End::deadlock,
             fmt::format("fence.ai waits for {} for ever", isa::to_string(static_cast<isa::Engine>(e))));
  if (listener_ != nullptr) listener_->fence_ai(engines);
}

// Takes commands from the queues, as long as one of them has one that can be taken.
void ReferenceMachine::drain() {
  for (bool again = true; again && !ended_;) {
    again = false;
    for (auto& queue : queues_)
      while (!queue.empty() && !ended_ && take(queue.front())) {
        queue.pop_front();
        again = true;
      }
  }
}

// False where the command must wait.
bool ReferenceMachine::take(std::uint64_t number) {
  const Command& c = result_.commands[number];
  if (const auto* sync = std::get_if<isa::SemaphoreCommand>(&c.command)) {
    std::uint64_t& count = semaphores_.at(sync->semaphore);
    if (sync->instruction == isa::Instruction::sem_signal) return ++count, true;
    if (count == 0) return false;
    --count;
    return true;
  }
  if (listener_ != nullptr) listener_->command(number);
  std::string problem;
  if (const auto* dma = std::get_if<isa::DmaCommand>(&c.command)) problem = transfer(*dma, memories_);
  if (const auto* mxu = std::get_if<isa::MxuCommand>(&c.command)) problem = matrix_.execute(*mxu, memories_);
  if (const auto* vxu = std::get_if<isa::VxuCommand>(&c.command)) {
    if (vxu->instruction != isa::Instruction::vxu_pass)
      fail(ExitCode::Unsupported, "the reference machine does not know {}", isa::to_string(vxu->instruction));
    problem = vector_pass(*vxu, memories_);
  }
  if (problem.empty()) return true;
  result_.fault_pc = c.pc;
  finish(End::fault, fmt::format("command {}: {}", number, problem));
  return true;
}

}  // namespace assay::golden::machine
