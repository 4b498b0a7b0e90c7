#include "app/program/judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "app/case/laws.hpp"
#include "isa/command_text.hpp"

namespace assay::app::program {
namespace {

using golden::machine::End;
using golden::machine::ReferenceMachine;
using golden::machine::ReferenceResult;
using golden::machine::Space;

struct Byte {
  Space space;
  std::uint64_t offset;
  bool operator<(const Byte& o) const { return std::tie(space, offset) < std::tie(o.space, o.offset); }
};

struct ByteDifference {
  Byte byte;
  unsigned got, expected;
};

constexpr std::size_t kMostDifferences = 65536;

// Both sides of one memory, as far as either has anything but unwritten bytes.
void compare_whole(Space space, const golden::machine::Bytes& expected, const std::vector<std::uint8_t>& got,
                   std::vector<ByteDifference>& list) {
  constexpr std::uint64_t kPage = golden::machine::Bytes::kPage;
  static const std::vector<std::uint8_t> zeros(kPage, 0);
  auto page = expected.pages().begin();
  for (std::uint64_t first = 0; first < got.size(); first += kPage) {
    const std::uint64_t size = std::min(kPage, got.size() - first);
    const std::uint8_t* other = zeros.data();
    if (page != expected.pages().end() && page->first == first / kPage) other = (page++)->second->data();
    if (std::equal(other, other + size, got.begin() + static_cast<std::ptrdiff_t>(first))) continue;
    for (std::uint64_t i = 0; i < size && list.size() < kMostDifferences; ++i)
      if (got[first + i] != other[i]) list.push_back({{space, first + i}, got[first + i], other[i]});
  }
}

void compare_hbm(const golden::machine::Bytes& expected,
                 const std::map<std::uint64_t, std::vector<std::uint8_t>>& got,
                 std::vector<ByteDifference>& list) {
  constexpr std::uint64_t kPage = MachineState::kHbmPage;
  std::set<std::uint64_t> pages;
  for (const auto& [number, bytes] : got) pages.insert(number);
  for (const auto& [number, bytes] : expected.pages())
    pages.insert(number * golden::machine::Bytes::kPage / kPage);
  for (const std::uint64_t number : pages) {
    const auto found = got.find(number);
    for (std::uint64_t i = 0; i < kPage && list.size() < kMostDifferences; ++i) {
      const unsigned here = found == got.end() ? expected.unwritten() : found->second[i];
      const unsigned there = expected.get(number * kPage + i);
      if (here != there) list.push_back({{Space::hbm, number * kPage + i}, here, there});
    }
  }
}

// Who wrote certain bytes last, in a run of the reference machine.
class LastWriters : public golden::machine::Listener {
 public:
  // Order among all that ever wrote, and who: a command's number, or the host's pc.
  struct Writer {
    std::uint64_t order = 0;
    bool is_command = false;
    std::uint64_t who = 0;
  };
  explicit LastWriters(const std::vector<ByteDifference>& bytes) {
    for (const ByteDifference& d : bytes) writers_[d.byte] = {};
  }
  void command(std::uint64_t number) override { now_ = {now_.order + 1, true, number}; }
  void host(std::uint64_t pc) override { now_ = {now_.order + 1, false, pc}; }
  void touched(Space space, std::uint64_t offset, std::uint64_t bytes, bool write) override {
    if (!write) return;
    for (auto at = writers_.lower_bound({space, offset});
         at != writers_.end() && at->first.space == space && at->first.offset < offset + bytes; ++at)
      at->second = now_;
  }
  const Writer& of(const Byte& byte) const { return writers_.at(byte); }

 private:
  std::map<Byte, Writer> writers_;
  Writer now_;
};

std::string writer_text(const Program& program, const Image& image, const ReferenceResult& reference,
                        const LastWriters::Writer& writer) {
  if (writer.order == 0) return "nothing writes it";
  const std::uint64_t pc = writer.is_command ? reference.commands[writer.who].pc : writer.who;
  const auto item = image.item_at(pc);
  if (!writer.is_command)
    return item ? fmt::format("last written by {} (pc {:#x})", describe(program, *item), pc)
                : fmt::format("last written by the program's own code at {:#x}", pc);
  return fmt::format("last written by {}command {}, {}",
                     item ? fmt::format("item {}, ", program.items[*item].id) : "", writer.who,
                     isa::describe(reference.commands[writer.who].command));
}

sim::Outcome outcome_of(End end) {
  switch (end) {
    case End::halted: return sim::Outcome::halted;
    case End::trap: return sim::Outcome::trap;
    case End::fault: return sim::Outcome::fault;
    case End::deadlock: return sim::Outcome::deadlock;
    case End::endless: break;
  }
  return sim::Outcome::watchdog;
}

class Comparison {
 public:
  Comparison(const Program& program, const Machine& machine, const Judged& judged,
             const ReferenceMachine& reference)
      : program_(program), machine_(machine), j_(judged), reference_(reference) {}

  std::optional<Difference> difference() const {
    if (auto d = finding()) return d;
    if (auto d = memory()) return d;  // where a value is wrong, what follows from it is no news
    if (auto d = outcome()) return d;
    if (auto d = registers()) return d;
    return j_.reference.end == End::halted ? counts() : std::nullopt;
  }

 private:
  std::optional<Difference> finding() const {
    // Of a command that cannot be executed the sanitizer may say so too.
    const auto& all = j_.execution.result.findings;
    const auto found = std::find_if(all.begin(), all.end(), [&](const sim::Finding& f) {
      return j_.reference.end != End::fault || f.sites.empty() || f.sites[0].pc != j_.reference.fault_pc;
    });
    if (found == all.end()) return std::nullopt;
    const sim::Finding& f = *found;
    std::string text = fmt::format("the sanitizer: {}: {}", sim::to_string(f.kind), f.place);
    for (const sim::FindingSite& site : f.sites) {
      const auto item = j_.image.item_at(site.pc);
      text += fmt::format("; {}{}", item ? describe(program_, *item) + ": " : "", site.text);
    }
    return Difference{std::string(sim::to_string(f.kind)), text};
  }

  std::optional<Difference> outcome() const {
    const sim::RunResult& got = j_.execution.result;
    if (got.outcome != outcome_of(j_.reference.end))
      return Difference{
          "outcome",
          fmt::format("it ends by {} ({}), expected {} ({})", sim::to_string(got.outcome), got.message,
                      golden::machine::to_string(j_.reference.end), j_.reference.message)};
    const bool halted = got.outcome == sim::Outcome::halted || got.outcome == sim::Outcome::trap;
    if (halted && got.kernel_status != static_cast<std::uint32_t>(j_.reference.status))
      return Difference{"outcome", fmt::format("it halts with status {}, expected {}", got.kernel_status,
                                               j_.reference.status)};
    if (got.outcome == sim::Outcome::fault && (got.sites.empty() || got.sites[0].pc != j_.reference.fault_pc))
      return Difference{"outcome", fmt::format("another command is the fault's: {}, expected {} (pc {:#x})",
                                               got.message, j_.reference.message, j_.reference.fault_pc)};
    if (got.uart != j_.reference.uart)
      return Difference{"uart", fmt::format("it prints '{}', expected '{}'", got.uart, j_.reference.uart)};
    if (got.log.size() != j_.reference.commands.size())
      return Difference{"commands", fmt::format("{} commands were launched, expected {}", got.log.size(),
                                                j_.reference.commands.size())};
    return std::nullopt;
  }

  // Where a command faults, it may have written a part of its results.
  bool unknown(Space space) const {
    if (j_.reference.end != End::fault) return false;
    for (const auto& c : j_.reference.commands)
      if (c.pc == j_.reference.fault_pc && std::holds_alternative<isa::MxuCommand>(c.command))
        return space == Space::acc;
    return false;
  }

  std::optional<Difference> memory() const {
    std::vector<ByteDifference> list;
    const MachineState& got = j_.execution.state;
    const auto& memories = reference_.memories();
    compare_whole(Space::tcm, memories.of(Space::tcm), got.tcm, list);
    compare_whole(Space::spm, memories.of(Space::spm), got.spm, list);
    if (!unknown(Space::acc)) compare_whole(Space::acc, memories.of(Space::acc), got.acc, list);
    compare_hbm(memories.of(Space::hbm), got.hbm, list);
    if (list.empty()) return std::nullopt;
    LastWriters writers(list);
    ReferenceMachine again(machine_, &writers);
    testgen::program::load(j_.image, again);
    again.run(testgen::program::kMostInstructions);
    const auto first = std::min_element(list.begin(), list.end(), [&](const auto& a, const auto& b) {
      return writers.of(a.byte).order < writers.of(b.byte).order;
    });
    return Difference{
        "memory", fmt::format("{} byte {:#x} is {:#04x}, expected {:#04x} ({} bytes differ); {}",
                              golden::machine::to_string(first->byte.space), first->byte.offset, first->got,
                              first->expected, list.size(),
                              writer_text(program_, j_.image, j_.reference, writers.of(first->byte)))};
  }

  std::optional<Difference> registers() const {
    const MachineState& got = j_.execution.state;
    const golden::machine::Hart& hart = reference_.hart();
    const auto differ = [](const char* kind, const std::string& name, std::uint64_t here,
                           std::uint64_t there) {
      return Difference{kind, fmt::format("{} is {:#x}, expected {:#x}", name, here, there)};
    };
    // Where a run stops in the middle of the code between items, that code's registers say nothing.
    const bool whole = j_.reference.end == End::halted || j_.reference.end == End::trap;
    for (unsigned r = 1; r < (whole ? 32U : 28U); ++r)
      if (got.x[r] != hart.x[r]) return differ("register", fmt::format("x{}", r), got.x[r], hart.x[r]);
    for (unsigned r = 0; r < 32; ++r)
      if (got.f[r] != hart.f[r]) return differ("register", fmt::format("f{}", r), got.f[r], hart.f[r]);
    const std::uint64_t fcsr = hart.frm << 5 | hart.fflags;
    if (got.fcsr != fcsr) return differ("flags", "fcsr", got.fcsr, fcsr);
    if (got.mcause != hart.mcause) return differ("trap", "mcause", got.mcause, hart.mcause);
    if (got.mepc != hart.mepc) return differ("trap", "mepc", got.mepc, hart.mepc);
    if (got.mtval != hart.mtval) return differ("trap", "mtval", got.mtval, hart.mtval);
    if (whole && got.instret != hart.retired)
      return differ("instructions", "the number of instructions", got.instret, hart.retired);
    return std::nullopt;
  }

  // The laws that hold for any run, and the work that the commands ask for.
  std::optional<Difference> counts() const {
    const sim::RunResult& run = j_.execution.result;
    const ops::Work nothing{};
    const report::Roofline roofline{};
    const auto broken = broken_laws({run, roofline, nothing, false, machine_});
    if (!broken.empty()) return Difference{"law", broken.front()};
    std::uint64_t macs = 0, elements = 0, in = 0, out = 0;
    for (const auto& c : j_.reference.commands) {
      if (const auto* mxu = std::get_if<isa::MxuCommand>(&c.command)) macs += macs_of(*mxu);
      if (const auto* vxu = std::get_if<isa::VxuCommand>(&c.command))
        elements += std::uint64_t{vxu->rows} * vxu->cols;
      if (const auto* dma = std::get_if<isa::DmaCommand>(&c.command))
        (dma->instruction == isa::Instruction::dma_in ? in : out) +=
            std::uint64_t{dma->run_bytes} * dma->count1 * dma->count2 * dma->count3 * dma->count4;
    }
    const auto differ = [](const char* what, std::uint64_t here, std::uint64_t there) {
      return Difference{"counter", fmt::format("{}: {} counted, expected {}", what, here, there)};
    };
    if (run.mxu.macs != macs) return differ("MACs", run.mxu.macs, macs);
    if (run.vxu.elements != elements) return differ("vector elements", run.vxu.elements, elements);
    if (run.dma_in.bytes.count() != in) return differ("bytes of dma_in", run.dma_in.bytes.count(), in);
    if (run.dma_out.bytes.count() != out) return differ("bytes of dma_out", run.dma_out.bytes.count(), out);
    return std::nullopt;
  }

  static std::uint64_t macs_of(const isa::MxuCommand& c) {
    if (c.instruction == isa::Instruction::mxu_load) return 0;
    const std::uint64_t columns = (c.inner - 1) * std::uint64_t{c.n} + (c.n_last != 0 ? c.n_last : c.n);
    const std::uint64_t products = (c.outer - 1) * std::uint64_t{c.k} + (c.k_last != 0 ? c.k_last : c.k);
    return c.m * columns * products;
  }

  const Program& program_;
  const Machine& machine_;
  const Judged& j_;
  const ReferenceMachine& reference_;
};

}  // namespace

std::string describe(const Program& program, std::size_t item) {
  const testgen::program::Item& it = program.items.at(item);
  if (const auto* launch = std::get_if<testgen::program::Launch>(&it.what)) {
    const auto unpacked = isa::unpack(launch->instruction, launch->raw);
    const auto* command = std::get_if<isa::Command>(&unpacked);
    return fmt::format("item {}, {}", it.id,
                       command != nullptr ? isa::describe(*command) : std::get<isa::Fault>(unpacked).message);
  }
  return fmt::format("item {}, host code", it.id);
}

Judged judge(const Program& program, const Machine& machine, const ExecuteOptions& options) {
  Judged judged;
  judged.image = testgen::program::assemble(program, machine);
  ReferenceMachine reference(machine);
  testgen::program::load(judged.image, reference);
  judged.reference = reference.run(testgen::program::kMostInstructions);
  judged.execution = execute(judged.image, machine, options);
  judged.difference = Comparison(program, machine, judged, reference).difference();
  return judged;
}

}  // namespace assay::app::program
