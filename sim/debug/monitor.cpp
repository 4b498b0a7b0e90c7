// The "monitor" commands: what only this machine has.
#include <fmt/format.h>

#include <algorithm>

#include "isa/command_text.hpp"
#include "sim/debug/gdb_server.hpp"
#include "sim/machine_view.hpp"

namespace assay::sim {
namespace {

constexpr const char* kHelp =
    "monitor cycle        the cycle at which the host's next instruction starts, and instructions retired\n"
    "monitor commands     every engine's queue: the command in execution and those that wait\n"
    "monitor semaphores   counts that are not zero\n"
    "monitor instruction  the instruction at pc, AI instructions included\n";

std::string cycle_text(MachineView& view) {
  return fmt::format("cycle {}, {} instructions retired\n", view.host().cycle().count(),
                     view.host().instret());
}

std::string queues_text(MachineView& view) {
  std::string text = cycle_text(view);
  for (EngineModule* engine : view.engines()) {
    if (engine->queue().empty()) text += fmt::format("{:<8} idle\n", engine->name());
    bool first = true;
    for (const CommandRecord* record : engine->queue()) {
      text += fmt::format("{:<8} {} command {} at pc {:#x}: {}\n", engine->name(),
                          first && engine->executing() ? "executes" : "holds   ", record->id, record->pc,
                          isa::describe(record->command));
      first = false;
    }
  }
  return text;
}

std::string semaphores_text(MachineView& view) {
  std::string text;
  for (std::uint32_t i = 0; i < view.semaphores().size(); ++i)
    if (const auto count = view.semaphores().count(i); count != 0)
      text += fmt::format("semaphore {}: {}\n", i, count);
  return text.empty() ? "every semaphore is 0\n" : text;
}

std::string instruction_at_pc(MachineView& view) {
  const std::uint64_t pc = view.host().pc();
  const std::uint32_t raw = view.instruction_at(pc);
  return fmt::format("{:#x}: {:x}  {}\n", pc, raw, instruction_text(raw, pc));
}

}  // namespace

std::string monitor_answer(MachineView& view, const std::string& command) {
  if (command == "cycle") return cycle_text(view);
  if (command == "commands") return queues_text(view);
  if (command == "semaphores") return semaphores_text(view);
  if (command == "instruction") return instruction_at_pc(view);
  if (command == "help" || command.empty()) return kHelp;
  return fmt::format("unknown command '{}'\n{}", command, kHelp);
}

}  // namespace assay::sim
