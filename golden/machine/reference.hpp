// The reference machine: a program's host instructions and AI commands, one after the other, plainly. It
// has no time: an engine takes a command as soon as its queue lets it, a queue waits only for semaphores.
//
// It shares no code with core/, memory/ and sim/: values come from golden/strict, encodings and the legal
// values of fields from isa/, everything else from docs/programs.md and the pages that it names.
//
//   ReferenceMachine reference(machine);
//   reference.memories().write(...);            // HBM as it is at the start
//   reference.load(segments, entry);
//   const ReferenceResult result = reference.run();
//
// For a program without races the result is that of every machine with the same memories and array. Errors:
// run() throws Error(Unsupported) where a program asks for the time or for events, which it does not know.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "golden/machine/commands.hpp"
#include "golden/machine/hart.hpp"
#include "golden/machine/memories.hpp"
#include "isa/command.hpp"

namespace assay::golden::machine {

enum class End : std::uint8_t {
  halted,    // the program wrote the halt device
  trap,      // it ended by a trap, or with a value that means nothing
  fault,     // a command that the machine cannot execute
  deadlock,  // an engine, or the host, waits for what can never come
  endless,   // more host instructions than were allowed
};
std::string_view to_string(End end);

// A command in program order; the first is number 0, as in the simulator's log.
struct Command {
  std::uint64_t pc = 0;
  isa::Engine engine = isa::Engine::dma_in;
  isa::Command command;
};

// A trap or an interrupt that was taken.
struct TakenTrap {
  std::uint64_t pc, cause, value;
};

struct ReferenceResult {
  End end = End::halted;
  bool stopped = false;        // stood still before it ended
  std::string message;         // where it is not `halted`
  std::uint64_t fault_pc = 0;  // of the command, where it is a fault
  std::uint64_t status = 0;    // the value written to the halt device, shifted: the program's own status
  std::vector<Command> commands;
  std::vector<TakenTrap> traps;
  std::string uart;
};

// Hears what happens, in the order in which the reference machine does it.
class Listener {
 public:
  virtual ~Listener() = default;
  // What touches memory from here on: the command of this number, or the host at `pc`.
  virtual void command(std::uint64_t /*number*/) {}
  virtual void host(std::uint64_t /*pc*/) {}
  virtual void touched(Space, std::uint64_t /*offset*/, std::uint64_t /*bytes*/, bool /*write*/) {}
  virtual void launched(std::uint64_t /*number*/, const Command&) {}
  virtual void fence_ai(std::uint32_t /*engines*/) {}
  virtual void fence() {}
};

class ReferenceMachine : private HartBus, private Watcher {
 public:
  explicit ReferenceMachine(const Machine& machine, Listener* listener = nullptr);

  Memories& memories() { return memories_; }
  const Memories& memories() const { return memories_; }
  const Hart& hart() const { return hart_; }
  void set_pc(std::uint64_t pc) { hart_.pc = pc; }

  // `stop`: a pc before which it stands still.
  ReferenceResult run(std::uint64_t most_instructions, std::uint64_t stop = ~std::uint64_t{0});

 private:
  bool in_tcm(std::uint64_t address, unsigned bytes) const override;
  std::optional<std::uint64_t> fetch(std::uint64_t address, unsigned bytes) override;
  std::optional<std::uint64_t> load(std::uint64_t address, unsigned bytes) override;
  bool store(std::uint64_t address, unsigned bytes, std::uint64_t value) override;
  std::optional<Trap> ai(std::uint32_t word, std::uint64_t rs1, std::uint64_t rs2) override;
  bool software_interrupt() const override { return software_interrupt_; }
  void touched(Space space, std::uint64_t offset, std::uint64_t bytes, bool write) override;

  std::optional<Place> place_at(std::uint64_t address, unsigned bytes) const;
  void launch(isa::Engine engine, const isa::Command& command);
  void fence(std::uint32_t engines);
  void drain();
  bool take(std::uint64_t number);
  void finish(End end, const std::string& message);

  const Machine& machine_;
  Listener* listener_;
  Memories memories_;
  Hart hart_;
  MatrixUnit matrix_;
  ReferenceResult result_;
  std::array<isa::RegisterSnapshot, isa::kEngineCount> registers_;
  std::array<std::deque<std::uint64_t>, isa::kEngineCount> queues_;  // numbers of commands
  std::vector<std::uint64_t> semaphores_;
  bool software_interrupt_ = false, ended_ = false;
};

}  // namespace assay::golden::machine
