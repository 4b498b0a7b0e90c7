#include "sim/what_if.hpp"

#include <algorithm>
#include <optional>

#include "core/dma/transfer.hpp"
#include "isa/command.hpp"
#include "memory/local_memory.hpp"
#include "sim/command_graph.hpp"
#include "sim/transfer_model.hpp"

namespace assay::sim {
namespace {

constexpr Cycle kUnknown{~std::uint64_t{0}};

// The engines and the host, each at its next action; the earliest acts.
class Retimer {
 public:
  Retimer(const RunResult& run, const Machine& machine, const Machine& other,
          const std::vector<TransferCost>& costs, double loss)
      : run_(run),
        other_(other),
        graph_(run, other),
        local_(other, false),
        mxu_(other, local_),
        vxu_(other, local_),
        costs_(costs),
        transfers_(other, loss),
        times_(run.log.size()),
        faster_(machine.hbm_bytes_per_cycle() / other.hbm_bytes_per_cycle()) {}

  // Nothing where it ends with commands that wait for each other.
  std::optional<Cycle> run() {
    while (act()) {}
    if (!all_done()) return std::nullopt;
    Cycle last = host_ + host_work(graph_.steps.size());
    for (const Engine& engine : engines_) last = std::max(last, engine.visible);
    return last + after_the_last();
  }

 private:
  struct Times {
    Cycle issued = kUnknown, accept = kUnknown, posted = kUnknown;
  };
  struct Engine {
    std::size_t next = 0;         // in its queue
    Cycle head, accept, visible;  // its last command taken up, the queue moved on; all its writes
  };
  using Action = std::optional<Cycle>;  // when; nothing while it depends on another's

  // The host's own time before a step.
  Cycle host_work(std::size_t step) const {
    const Cycle before = step == 0 ? Cycle(0) : graph_.steps[step - 1].done;
    return (step == graph_.steps.size() ? run_.host_end : graph_.steps[step].asked) - before;
  }

  // What the run took after the host's end and the last command's: the memory still wrote.
  Cycle after_the_last() const {
    Cycle last = run_.host_end;
    for (const CommandRecord& record : run_.log) last = std::max(last, record.end);
    return Cycle(static_cast<std::uint64_t>(static_cast<double>((run_.cycles - last).count()) * faster_));
  }

  bool all_done() const {
    for (std::size_t e = 0; e < engines_.size(); ++e)
      if (engines_[e].next < graph_.queues[e].size()) return false;
    return step_ == graph_.steps.size();
  }

  bool act() {
    Action first = host_action();
    std::size_t actor = engines_.size();
    for (std::size_t e = engines_.size(); e-- > 0;)
      if (const Action a = engine_action(e); a && (!first || *a <= *first)) {
        first = a;
        actor = e;
      }
    if (!first) return false;
    if (actor == engines_.size()) host_step(*first);
    else engine_step(actor, *first);
    return true;
  }

  Action host_action() const {
    if (step_ == graph_.steps.size()) return std::nullopt;
    const HostStep& step = graph_.steps[step_];
    Cycle at = host_ + host_work(step_);
    if (step.fence != kNoCommand) return fence(at, run_.fences[step.fence].engines);
    const std::size_t room = graph_.nodes[step.command].room;
    if (room != kNoCommand && times_[room].accept == kUnknown) return std::nullopt;
    return room == kNoCommand ? at : std::max(at, times_[room].accept);
  }

  // Until all that was launched on these engines is done.
  Action fence(Cycle at, std::uint32_t mask) const {
    for (std::size_t e = 0; e < engines_.size(); ++e) {
      if ((mask >> e & 1U) == 0) continue;
      const std::vector<std::size_t>& queue = graph_.queues[e];
      const std::size_t next = engines_[e].next;
      if (next < queue.size() && times_[queue[next]].issued != kUnknown) return std::nullopt;
      at = std::max({at, engines_[e].accept, engines_[e].visible});
    }
    return at;
  }

  void host_step(Cycle at) {
    const std::size_t command = graph_.steps[step_++].command;
    if (command != kNoCommand) times_[command].issued = at;
    host_ = at;
  }

  bool is_dma(std::size_t e) const { return e <= static_cast<std::size_t>(isa::Engine::dma_out); }

  Action engine_action(std::size_t e) const {
    if (is_dma(e) && transfers_.active(e)) return transfers_.next(e);
    const std::vector<std::size_t>& queue = graph_.queues[e];
    if (engines_[e].next == queue.size()) return std::nullopt;
    const std::size_t c = queue[engines_[e].next];
    if (times_[c].issued == kUnknown) return std::nullopt;
    const Cycle head = std::max(times_[c].issued + Cycle(1), engines_[e].accept);
    const std::size_t signal = graph_.nodes[c].signal;
    if (signal == kNoCommand) return head;
    if (times_[signal].posted == kUnknown) return std::nullopt;
    return std::max(head, times_[signal].posted);
  }

  void engine_step(std::size_t e, Cycle at) {
    const std::size_t c = graph_.queues[e][engines_[e].next];
    const isa::Command& command = run_.log[c].command;
    if (is_dma(e) && transfers_.active(e)) {
      transfers_.issue(e);
      if (!transfers_.active(e)) transferred(e, c);
    } else if (std::holds_alternative<isa::DmaCommand>(command)) {
      engines_[e].head = at;
      transfers_.start(e, costs_[c], static_cast<double>(at.count()));
    } else if (const auto* m = std::get_if<isa::MxuCommand>(&command)) {
      const core::CommandTimes times = mxu_.execute(*m, at);
      done(e, times.next_accept, times.end);
    } else if (const auto* v = std::get_if<isa::VxuCommand>(&command)) {
      const core::CommandTimes times = vxu_.execute(*v, at);
      done(e, times.next_accept, times.end);
    } else {
      const Cycle signal(other_.sync.signal_cycles), visible = engines_[e].visible;
      times_[c].posted = std::max(visible + signal, at + std::max(signal, Cycle(1)));
      done(e, at, at);
    }
  }

  void transferred(std::size_t e, std::size_t c) {
    const auto& command = std::get<isa::DmaCommand>(run_.log[c].command);
    const bool out = run_.log[c].engine == isa::Engine::dma_out;
    const core::Transfer transfer = core::make_transfer(command, out);
    const Cycle end = transfers_.end(e);
    memory::PortUse& ports = out ? local_.reads(transfer.local) : local_.writes(transfer.local);
    ports.book(engines_[e].head, end, transfer.bytes());
    done(e, std::max(transfers_.accept(e), engines_[e].accept), end);
  }

  void done(std::size_t e, Cycle accept, Cycle end) {
    Times& times = times_[graph_.queues[e][engines_[e].next++]];
    times.accept = accept;
    engines_[e].accept = accept;
    engines_[e].visible = std::max(engines_[e].visible, end);
  }

  const RunResult& run_;
  const Machine& other_;
  CommandGraph graph_;
  memory::LocalMemory local_;
  core::Mxu mxu_;
  core::Vxu vxu_;
  const std::vector<TransferCost>& costs_;
  TransferModel transfers_;
  std::vector<Times> times_;
  double faster_;  // the memory's time for a byte, of the run's
  std::array<Engine, 4> engines_;
  std::size_t step_ = 0;
  Cycle host_;  // went on after its last step
};

constexpr double kMostLoss = 1.5;

// The largest loss with which the graph takes no longer than the run did.
double loss_of(const RunResult& run, const Machine& machine, const std::vector<TransferCost>& costs) {
  double least = 1, most = kMostLoss;
  for (int halvings = 0; halvings < 8; ++halvings) {
    const double middle = (least + most) / 2;
    (*Retimer(run, machine, machine, costs, middle).run() <= run.cycles ? least : most) = middle;
  }
  return least;
}

}  // namespace

std::optional<Cycle> retime(const RunResult& run, const Machine& machine, const Machine& other) {
  const std::vector<TransferCost> costs = transfer_costs(run);
  const double loss = loss_of(run, machine, costs);
  const std::optional<Cycle> there = Retimer(run, machine, other, costs, loss).run();
  if (!there) return std::nullopt;
  // Off by what the model is off by where nothing has changed.
  return run.cycles + *there - *Retimer(run, machine, machine, costs, loss).run();
}

}  // namespace assay::sim
