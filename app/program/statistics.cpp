#include "app/program/statistics.hpp"

#include <fmt/format.h>

#include "isa/encoding.hpp"
#include "isa/table.hpp"

namespace assay::app::program {
namespace {

void add_fields(isa::Span<isa::Field> fields, std::uint64_t word, const std::string& owner,
                std::map<std::string, std::set<std::uint64_t>>& values) {
  for (const isa::Field& field : fields) {
    auto& seen = values[fmt::format("{}.{}", owner, field.name)];
    if (seen.size() < Statistics::kMostValues) seen.insert(field.extract(word));
  }
}

}  // namespace

std::string trap_name(std::uint64_t cause) {
  switch (cause) {
    case golden::machine::kFetchFault: return "fetch fault";
    case golden::machine::kIllegal: return "illegal instruction";
    case golden::machine::kBreakpoint: return "breakpoint";
    case golden::machine::kLoadMisaligned: return "misaligned load";
    case golden::machine::kLoadFault: return "load fault";
    case golden::machine::kStoreMisaligned: return "misaligned store";
    case golden::machine::kStoreFault: return "store fault";
    case golden::machine::kEcall: return "ecall";
    case golden::machine::kAiOperand: return "AI operand fault";
    case golden::machine::kSoftwareInterrupt: return "software interrupt";
    default: return fmt::format("cause {:#x}", cause);
  }
}

void Statistics::add(const Judged& j) {
  ++programs;
  host_instructions += j.execution.state.instret;
  ++ends[std::string(golden::machine::to_string(j.reference.end))];
  for (const auto& trap : j.reference.traps) ++traps[trap_name(trap.cause)];
  for (const golden::machine::Command& c : j.reference.commands) {
    if (!j.image.item_at(c.pc)) continue;  // what brings the memory's first contents
    const isa::InstructionInfo& in = isa::info(isa::instruction_of(c.command));
    ++instructions[std::string(in.mnemonic)];
    ++engines[std::string(isa::to_string(c.engine))];
    if (!in.takes_registers) continue;
    const isa::RawCommand raw = isa::pack(c.command);
    const std::string engine(isa::to_string(*in.engine));
    add_fields(in.rs1, raw.rs1, std::string(in.mnemonic), values);
    add_fields(in.rs2, raw.rs2, std::string(in.mnemonic), values);
    const auto registers = isa::registers_of(*in.engine);
    for (std::size_t r = 0; r < registers.size(); ++r)
      add_fields(registers[r].fields, raw.registers[r], engine, values);
  }
}

std::uint64_t Statistics::launches() const {
  std::uint64_t count = 0;
  for (const auto& [name, n] : instructions)
    if (name != "sem.signal" && name != "sem.wait") count += n;
  return count;
}

nlohmann::ordered_json Statistics::json() const {
  return {{"programs", programs},
          {"commands", launches()},
          {"host_instructions", host_instructions},
          {"instructions", instructions},
          {"engines", engines},
          {"traps", traps},
          {"ends", ends}};
}

std::string Statistics::text() const {
  std::string text = fmt::format("programs  {}: {} commands beside their semaphores, {} host instructions\n",
                                 programs, launches(), host_instructions);
  const auto line = [&](const char* what, const std::map<std::string, std::uint64_t>& counts) {
    text += fmt::format("{:<10}", what);
    bool first = true;
    for (const auto& [name, count] : counts) {
      text += fmt::format("{}{} {}", first ? "" : ", ", name, count);
      first = false;
    }
    text += "\n";
  };
  line("commands", instructions);
  line("engines", engines);
  line("traps", traps);
  line("ends", ends);
  return text;
}

}  // namespace assay::app::program
