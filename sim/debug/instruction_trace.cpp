#include "sim/debug/instruction_trace.hpp"

#include <cxxabi.h>
#include <fmt/format.h>

#include <cstdlib>
#include <memory>

#include "isa/command_text.hpp"
#include "sim/clock.hpp"
#include "sim/machine_view.hpp"

namespace assay::sim {
namespace {

// "gemm::make_plan" of a mangled name; a plain one as it is.
std::string readable(const std::string& symbol) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status), &std::free);
  if (status != 0) return symbol;
  const std::string whole(text.get());
  return whole.substr(0, whole.find('('));
}

}  // namespace

InstructionTrace::InstructionTrace(ElfImage kernel, const Options& options, Sink sink)
    : kernel_(std::move(kernel)), options_(options), sink_(std::move(sink)) {}

void InstructionTrace::start(MachineView& view) {
  view_ = &view;
  sink_(fmt::format("#{:>10}  {:<11} {:<28} {:<8}  {}", "cycle", "pc", "function", "word",
                    "instruction, what it wrote, [memory address]"));
}

void InstructionTrace::before_instruction() {
  const core::Host& host = view_->host();
  cycle_ = host.cycle();
  pc_ = host.pc();
  instret_ = host.instret();
  instruction_ = core::decode(view_->instruction_at(pc_));
  access_ = access_of(instruction_, host);
}

void InstructionTrace::after_instruction() {
  if (!traced(cycle_)) return;
  const core::Host& host = view_->host();
  if (host.instret() == instret_) {
    const core::CsrFile& csrs = host.csrs();
    print(cycle_, fmt::format("{:#010x}  {:<28}", pc_, function_of(pc_)),
          fmt::format("trap: {} (mcause {:#x}, mtval {:#x}) to {:#x}", trap_text(csrs.mcause()),
                      csrs.mcause(), csrs.mtval(), host.pc()));
    return;
  }
  std::string text = instruction_text(instruction_.raw, pc_);
  if (const std::string written = destination_text(instruction_, host); !written.empty())
    text += "  " + written;
  if (access_) text += fmt::format("  [{:#x}]", access_->address);
  const std::string word = fmt::format("{:0{}x}", instruction_.raw, instruction_.length * 2);
  print(cycle_, fmt::format("{:#010x}  {:<28} {:<8} ", pc_, function_of(pc_), word), text);
}

void InstructionTrace::issued(const CommandRecord& record) {
  if (!traced(record.issued)) return;
  print(record.issued,
        fmt::format("{:<10}  {:<28}", "issued",
                    fmt::format("command {} to {}", record.id, to_string(record.engine))),
        isa::describe(record.command));
}

void InstructionTrace::executed(const CommandRecord& record) {
  const Cycle now = current_cycle();
  if (!traced(now)) return;
  print(now,
        fmt::format("{:<10}  {:<28}", "executed",
                    fmt::format("command {} by {}", record.id, to_string(record.engine))),
        fmt::format("from {}, visible at {}", record.start.count(), record.end.count()));
}

void InstructionTrace::found(const Finding& finding) {
  if (!traced(current_cycle())) return;
  std::string sites;
  for (const FindingSite& site : finding.sites) sites += fmt::format("; {:#x} {}", site.pc, site.text);
  print(current_cycle(), fmt::format("{:<10}  {:<28}", "sanitizer", to_string(finding.kind)),
        finding.place + sites);
}

void InstructionTrace::print(Cycle cycle, const std::string& where, const std::string& what) {
  sink_(fmt::format("{:>11}  {} {}", cycle.count(), where, what));
}

std::string InstructionTrace::function_of(std::uint64_t pc) {
  const ElfSymbol* symbol = kernel_.symbol_at(pc);
  if (symbol == nullptr) return "?";
  const auto [known, is_new] = names_.try_emplace(symbol);
  if (is_new) known->second = readable(symbol->name);
  if (symbol->address == pc) return known->second;
  return fmt::format("{}+{:#x}", known->second, pc - symbol->address);
}

}  // namespace assay::sim
