#include "sim/critical_path.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/dma/transfer.hpp"
#include "isa/command.hpp"
#include "memory/local_memory.hpp"
#include "sim/command_graph.hpp"

namespace assay::sim {
namespace {

using Parts = std::vector<std::pair<std::string_view, Cycle>>;

// Never below 0: recorded times may touch each other, but not cross.
Cycle span(Cycle from, Cycle to) { return to > from ? to - from : Cycle(0); }

// `whole` cut down in proportion to a sum of `cycles`, which it holds at least; the rest goes to the last
// part.
Parts share(const Parts& whole, Cycle cycles) {
  Cycle sum;
  for (const auto& part : whole) sum += part.second;
  Parts cut;
  Cycle given;
  for (const auto& [owner, amount] : whole) {
    const Cycle piece(sum.count() == 0 ? 0 : amount.count() * cycles.count() / sum.count());
    cut.emplace_back(owner, piece);
    given += piece;
  }
  if (!cut.empty()) cut.back().second += cycles - given;
  return cut;
}

// How a unit's command spent its time, from the unit's own closed forms: run once more, without values.
struct UnitWork {
  Cycle begin, end;      // its work: operands stream, elements pass
  Cycle unit_free;       // of the work before it
  Parts before, during;  // owners of the time until it could begin, and of its work
};

class UnitBooks {
 public:
  UnitBooks(const RunResult& run, const Machine& machine)
      : for_mxu_(machine, false),
        for_vxu_(machine, false),
        mxu_(machine, for_mxu_),
        vxu_(machine, for_vxu_),
        work_(run.log.size()) {
    for (std::size_t c = 0; c < run.log.size(); ++c) {
      const CommandRecord& record = run.log[c];
      if (const auto* m = std::get_if<isa::MxuCommand>(&record.command))
        work_[c] = again(mxu_, *m, record.head);
      if (const auto* v = std::get_if<isa::VxuCommand>(&record.command))
        work_[c] = again(vxu_, *v, record.head);
    }
  }
  const UnitWork& of(std::size_t command) const { return work_[command]; }

 private:
  template <typename Unit, typename Command>
  static UnitWork again(Unit& unit, const Command& command, Cycle head) {
    UnitWork work;
    core::Ledger& ledger = unit.ledger();
    work.unit_free = ledger.marked();
    ledger.mark(head, core::Owner::idle);
    const core::Ledger before = ledger;
    work.begin = unit.execute(command, head).work_start;
    work.end = ledger.marked();
    split(before, ledger, work);
    return work;
  }

  // Waits of the first tile stand before the work, those of later tiles in it: as much as fits into its
  // length.
  static void split(const core::Ledger& before, const core::Ledger& after, UnitWork& work) {
    Cycle inside = span(work.begin, work.end);
    for (const core::Owner owner : {core::Owner::useful, core::Owner::padding, core::Owner::stall_bank,
                                    core::Owner::stall_acc, core::Owner::stall_load, core::Owner::setup}) {
      const Cycle cycles = after.of(owner) - before.of(owner);
      const Cycle in_work = std::min(inside, cycles);
      inside -= in_work;
      if (in_work > Cycle(0)) work.during.emplace_back(core::to_string(owner), in_work);
      if (cycles > in_work) work.before.emplace_back(core::to_string(owner), cycles - in_work);
    }
  }

  memory::LocalMemory for_mxu_, for_vxu_;  // each unit alone: others' use of the ports is what is left over
  core::Mxu mxu_;
  core::Vxu vxu_;
  std::vector<UnitWork> work_;
};

class Walk {
 public:
  Walk(const RunResult& run, const Machine& machine)
      : run_(run), log_(run.log), machine_(machine), graph_(run, machine), books_(run, machine) {}

  std::vector<PathStep> steps() {
    for (std::optional<Place> place = last(); place; place = before(*place)) {}
    return std::move(steps_);
  }

 private:
  // Where the walk stands: just before something happened, at the time that it happened.
  enum class At {
    host,    // the host came to its step `index`, or to its end
    head,    // command `index` was taken up
    accept,  // the queue moved on behind it
    work,    // its work began
    worked,  // its work was done
    end,     // its writes were visible
    posted   // its signal arrived
  };
  struct Place {
    At at;
    std::size_t index;
    Cycle time;
  };

  // The host's end or the last command's; after it, the memory still writes what it had taken.
  Place last() {
    Place place{At::host, graph_.steps.size(), run_.host_end};
    for (std::size_t c = 0; c < log_.size(); ++c)
      if (log_[c].end > place.time) place = {At::end, c, log_[c].end};
    if (run_.cycles > place.time)
      steps_.push_back({"hbm", place.time, run_.cycles, 0, nullptr, {{"write", run_.cycles - place.time}}});
    return place;
  }

  std::optional<Place> before(const Place& p) {
    switch (p.at) {
      case At::host: return before_host(p.index, p.time);
      case At::head: return before_head(p.index, p.time);
      case At::accept: return before_accept(p.index, p.time);
      case At::work: return before_work(p.index, p.time);
      case At::worked: return before_worked(p.index, p.time);
      case At::end: return before_end(p.index, p.time);
      case At::posted: return before_posted(p.index, p.time);
    }
    return std::nullopt;
  }

  std::string_view unit(std::size_t command) const { return isa::to_string(log_[command].engine); }
  bool is_mxu(std::size_t c) const { return std::holds_alternative<isa::MxuCommand>(log_[c].command); }
  bool is_dma(std::size_t c) const { return std::holds_alternative<isa::DmaCommand>(log_[c].command); }
  bool is_load(std::size_t c) const {
    return isa::instruction_of(log_[c].command) == isa::Instruction::mxu_load;
  }

  void add(std::size_t command, Cycle from, Cycle to, Parts parts) {
    if (to > from)
      steps_.push_back({unit(command), from, to, log_[command].pc, &log_[command], std::move(parts)});
  }
  void add(std::size_t command, Cycle from, Cycle to, std::string_view owner) {
    add(command, from, to, Parts{{owner, span(from, to)}});
  }

  void add_host(Cycle from, Cycle to, std::uint64_t pc, const CommandRecord* command, Parts parts) {
    if (to > from) steps_.push_back({"host", from, to, pc, command, std::move(parts)});
  }

  // From the host's step before on, it executed instructions, or waited for its own accesses.
  std::optional<Place> before_host(std::size_t step, Cycle time) {
    const bool end = step == graph_.steps.size(), first = step == 0;
    const Cycle from = first ? Cycle(0) : graph_.steps[step - 1].done;
    const Cycle memory =
        span(first ? Cycle(0) : graph_.steps[step - 1].memory,
             end ? run_.accounts[0].ledger.of(core::Owner::stall_memory) : graph_.steps[step].memory);
    const Cycle waited = std::min(memory, span(from, time));
    const std::size_t command = end ? kNoCommand : graph_.steps[step].command;
    add_host(from, time, end ? 0 : graph_.steps[step].pc, command == kNoCommand ? nullptr : &log_[command],
             {{"useful", span(from, time) - waited}, {"stall_memory", waited}});
    if (first) return std::nullopt;
    return before_done(step - 1);
  }

  // What let the host go on after a step: itself, room in a queue, or the end of what a fence waits for.
  Place before_done(std::size_t index) {
    const HostStep& step = graph_.steps[index];
    if (step.done > step.asked) {
      if (step.command != kNoCommand && graph_.nodes[step.command].room != kNoCommand)
        return {At::accept, graph_.nodes[step.command].room, step.done};
      for (const std::size_t c : step.waited_for)
        if (log_[c].end == step.done) return {At::end, c, step.done};
      for (const std::size_t c : step.waited_for)
        if (log_[c].accept == step.done) return {At::accept, c, step.done};
    }
    return {At::host, index, step.done};
  }

  // A command is taken up as the queue reaches it, or as it comes.
  Place before_head(std::size_t c, Cycle time) {
    const CommandRecord& record = log_[c];
    const std::size_t previous = graph_.nodes[c].previous;
    if (previous != kNoCommand && log_[previous].accept > record.issued) {
      add(c, log_[previous].accept, time, "setup");  // jitter alone
      return {At::accept, previous, log_[previous].accept};
    }
    add_host(record.issued, time, record.pc, &record, {{"issue", span(record.issued, time)}});
    return before_done(graph_.nodes[c].step);
  }

  Place before_accept(std::size_t c, Cycle time) {
    const CommandRecord& record = log_[c];
    const isa::Instruction instruction = isa::instruction_of(record.command);
    if (instruction == isa::Instruction::sem_wait && record.end > record.head &&
        graph_.nodes[c].signal != kNoCommand)
      return {At::posted, graph_.nodes[c].signal, time};
    if (is_dma(c)) {
      add(c, record.head, time, transfer_parts(c).first);
    } else if (is_mxu(c) && !is_load(c)) {
      const UnitWork& work = books_.of(c);
      add(c, work.begin, time, share(work.during, span(work.begin, time)));
      return {At::work, c, std::min(work.begin, time)};
    } else if (is_load(c)) {
      add(c, record.head, time, "stall_load");
    } else if (time > record.head) {
      return {At::worked, c, time};
    }
    return {At::head, c, record.head};
  }

  // The array begins a tile when the one before has passed, its operand is loaded and its partials are there.
  Place before_work(std::size_t c, Cycle time) {
    const UnitWork& work = books_.of(c);
    const Cycle head = log_[c].head;
    const Cycle possible = std::max(work.unit_free, head);
    if (time > possible) {
      const bool load =
          !work.before.empty() && work.before.back().first == core::to_string(core::Owner::stall_load);
      const Cycle from = load ? head : possible;
      add(c, from, time, load ? "stall_load" : "stall_acc");
      if (load) return {At::head, c, head};
    }
    if (work.unit_free <= head) return {At::head, c, head};
    std::size_t previous = graph_.nodes[c].previous;
    while (!is_mxu(previous) || is_load(previous)) previous = graph_.nodes[previous].previous;
    return {At::worked, previous, work.unit_free};
  }

  Place before_worked(std::size_t c, Cycle time) {
    const UnitWork& work = books_.of(c);
    if (is_mxu(c)) {
      add(c, work.begin, time, share(work.during, span(work.begin, time)));
      return {At::work, c, work.begin};
    }
    Parts parts = work.during;
    parts.emplace_back(core::to_string(core::Owner::stall_bank), span(work.end, time));
    add(c, work.begin, time, parts);
    add(c, log_[c].head, work.begin, "setup");
    return {At::head, c, log_[c].head};
  }

  Place before_end(std::size_t c, Cycle time) {
    const CommandRecord& record = log_[c];
    if (is_dma(c)) {
      add(c, record.accept, time, transfer_parts(c).second);
      return {At::accept, c, record.accept};
    }
    if (is_mxu(c) && !is_load(c)) {
      const Cycle worked = books_.of(c).end;
      add(c, worked, time, "drain");
      return {At::worked, c, worked};
    }
    return {At::accept, c, time};
  }

  // A signal leaves when its engine's writes are visible.
  Place before_posted(std::size_t c, Cycle time) {
    const std::size_t visible = graph_.nodes[c].visible;
    const bool waits = visible != kNoCommand && log_[visible].end > log_[c].head;
    const Cycle from = waits ? log_[visible].end : log_[c].head;
    if (time > from) steps_.push_back({"sync", from, time, log_[c].pc, &log_[c], {{"signal", time - from}}});
    if (waits) return {At::end, visible, from};
    return {At::head, c, from};
  }

  // Of a transfer until its last request has left, and from then to its last answer. While the one before is
  // still under way its set-up is hidden, and its own bytes follow those without a gap.
  std::pair<Parts, Parts> transfer_parts(std::size_t c) const {
    const CommandRecord& record = log_[c];
    const auto& command = std::get<isa::DmaCommand>(record.command);
    const bool to_hbm = record.engine == isa::Engine::dma_out;
    const std::size_t before = graph_.nodes[c].visible;
    const bool follows = before != kNoCommand && log_[before].end > record.head;
    const double pins =
        static_cast<double>(core::make_transfer(command, to_hbm).bytes()) / machine_.hbm_bytes_per_cycle();
    const Cycle bytes(static_cast<std::uint64_t>(std::ceil(pins)));
    const std::string_view held = core::to_string(record.held);
    const Cycle issue = span(record.head, record.accept), tail = span(record.accept, record.end);
    const Cycle setup = std::min(issue, Cycle(follows ? 0 : machine_.dma.setup_cycles));
    const Cycle latency = std::min(tail, Cycle(machine_.fabric.latency_cycles) * 2);
    const Cycle issued = std::min(issue - setup, bytes), answered = std::min(tail - latency, bytes - issued);
    return {{{"setup", setup}, {"useful", issued}, {held, issue - setup - issued}},
            {{"latency", latency}, {"useful", answered}, {held, tail - latency - answered}}};
  }

  const RunResult& run_;
  const CommandLog& log_;
  const Machine& machine_;
  CommandGraph graph_;
  UnitBooks books_;
  std::vector<PathStep> steps_;
};

}  // namespace

std::vector<PathStep> critical_path(const RunResult& run, const Machine& machine) {
  return Walk(run, machine).steps();
}

}  // namespace assay::sim
