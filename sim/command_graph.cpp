#include "sim/command_graph.hpp"

#include <map>

namespace assay::sim {
namespace {

// The j-th wait on a semaphore takes the j-th signal: each has one signalling and one waiting engine.
void pair_semaphores(const CommandLog& log, std::vector<CommandNode>& nodes) {
  std::map<std::uint32_t, std::vector<std::size_t>> signals, waits;
  for (std::size_t c = 0; c < log.size(); ++c)
    if (const auto* sync = std::get_if<isa::SemaphoreCommand>(&log[c].command))
      (sync->instruction == isa::Instruction::sem_signal ? signals : waits)[sync->semaphore].push_back(c);
  for (const auto& [semaphore, list] : waits) {
    const std::vector<std::size_t>& posts = signals[semaphore];
    for (std::size_t j = 0; j < list.size() && j < posts.size(); ++j) nodes[list[j]].signal = posts[j];
  }
}

// Of each engine: the commands so far that end last.
class LastToEnd {
 public:
  explicit LastToEnd(const CommandLog& log) : log_(log) { last_.fill(kNoCommand); }
  void add(std::size_t command) {
    std::size_t& last = last_[engine_of(command)];
    if (last == kNoCommand || log_[command].end > log_[last].end) last = command;
  }
  std::size_t of(std::size_t engine) const { return last_[engine]; }
  std::size_t engine_of(std::size_t command) const { return static_cast<std::size_t>(log_[command].engine); }

 private:
  const CommandLog& log_;
  std::array<std::size_t, 4> last_;
};

}  // namespace

CommandGraph::CommandGraph(const RunResult& run, const Machine& machine) : nodes(run.log.size()) {
  pair_semaphores(run.log, nodes);
  LastToEnd last(run.log);
  std::size_t fence = 0;
  const auto add_fences = [&](std::size_t launched) {
    for (; fence < run.fences.size() && run.fences[fence].commands == launched; ++fence) {
      const FenceRecord& f = run.fences[fence];
      HostStep& step = steps.emplace_back();
      step = {kNoCommand, fence, f.pc, f.asked, f.released, f.host_memory, {}};
      for (std::size_t e = 0; e < queues.size(); ++e)
        if ((f.engines >> e & 1U) != 0 && !queues[e].empty()) {
          step.waited_for.push_back(last.of(e));
          step.waited_for.push_back(queues[e].back());
        }
    }
  };
  for (std::size_t c = 0; c < run.log.size(); ++c) {
    add_fences(c);
    const CommandRecord& record = run.log[c];
    std::vector<std::size_t>& queue = queues[last.engine_of(c)];
    CommandNode& node = nodes[c];
    if (!queue.empty()) node.previous = queue.back();
    if (queue.size() >= machine.sync.queue_depth) node.room = queue[queue.size() - machine.sync.queue_depth];
    node.visible = last.of(last.engine_of(c));
    node.step = steps.size();
    steps.push_back({c, kNoCommand, record.pc, record.asked, record.issued, record.host_memory, {}});
    queue.push_back(c);
    last.add(c);
  }
  add_fences(run.log.size());
}

}  // namespace assay::sim
