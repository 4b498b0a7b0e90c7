// What the command graph of a run predicts for a machine with other resources, against a run on that machine.
// The kernel reads the description of the first machine in both, so that its plan is the same.
#include "sim/what_if.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "../support/expect_error.hpp"
#include "app/case/case_run.hpp"
#include "app/case/what_if.hpp"
#include "base/machine_yaml.hpp"
#include "testgen/case_arguments.hpp"

namespace assay {
namespace {

using app::changed_machine;

struct Question {
  std::string op;
  std::vector<std::string> inputs;
  std::string config;
  std::string from;  // what is changed already where the question is asked; empty: nothing
  std::string change;
};

app::CaseInput timed(const Question& q) {
  testgen::CaseArguments a;
  a.op = q.op;
  a.inputs = q.inputs;
  a.config = q.config;
  return app::without_values(testgen::case_from_arguments(a));
}

sim::RunResult run_on(const app::CaseInput& input, const Machine& machine, const Machine& described) {
  app::RunOptions options;
  options.values = false;
  options.sanitize = false;
  options.described = &described;
  return app::execute(input, machine, options, Cycle(1'000'000'000)).run;
}

const std::vector<Question> kQuestions{
    // the bandwidth
    {"gemm", {"A:bf16:512x512", "B:bf16:512x512"}, "server128", "", "hbm.bandwidth=x2"},
    {"gemm", {"A:bf16:256x256", "B:bf16:256x256"}, "edge16", "", "hbm.bandwidth=x2"},
    {"gemm", {"A:s8:256x256", "B:s8:256x256"}, "tpuv1", "", "hbm.bandwidth=x2"},
    {"gemm", {"A:bf16:70x90", "B:bf16:90x33"}, "edge16", "", "hbm.bandwidth=x2"},
    {"add", {"A:f32:2000000", "B:f32:2000000"}, "server128", "", "hbm.bandwidth=x2"},
    {"add", {"A:bf16:300000", "B:bf16:300000"}, "edge16", "", "hbm.bandwidth=x2"},
    {"softmax", {"X:bf16:1024x1024"}, "tpuv1", "", "hbm.bandwidth=x2"},
    {"relu", {"X:bf16:3000000"}, "server128", "", "hbm.bandwidth=x0.5"},
    // the lanes
    {"softmax", {"X:bf16:1024x1024"}, "server128", "", "vxu.lanes=x2"},
    {"softmax", {"X:f32:256x1000"}, "server128", "", "vxu.lanes=x0.5"},
    {"div", {"A:f16:200000", "B:f16:200000"}, "edge16", "", "vxu.lanes=x2"},
    // the queue
    {"gemm", {"A:bf16:512x512", "B:bf16:512x512"}, "server128", "sync.queue_depth=4", "sync.queue_depth=x2"},
    {"add", {"A:bf16:300000", "B:bf16:300000"}, "edge16", "sync.queue_depth=4", "sync.queue_depth=x2"},
    // others
    {"gemm", {"A:f32:512x512", "B:f32:512x512"}, "server128", "", "mxu.rates.f32=1/2"},
    {"softmax",
     {"X:f32:256x1000"},
     "server128",
     "",
     "fabric.latency_cycles=x2,dma.outstanding_requests=x0.5"},
};

TEST(WhatIf, APredictionIsWithinATenthOfTheRun) {
  for (const Question& q : kQuestions) {
    const app::CaseInput input = timed(q);
    const Machine described = find_machine(q.config);
    const Machine machine = q.from.empty() ? described : changed_machine(described, q.from);
    const Machine other = changed_machine(machine, q.change);
    const sim::RunResult run = run_on(input, machine, described);
    const auto predicted = static_cast<double>(sim::retime(run, machine, other).value_or(Cycle(0)).count());
    const auto simulated = static_cast<double>(run_on(input, other, described).cycles.count());
    const std::string line = fmt::format(
        "{:<8} {:<18} {:<10} {:<18} {:<60} {:>7} cycles, predicted {:>7}, simulated {:>7}: {:+.1f}%", q.op,
        q.inputs[0], q.config, q.from, q.change, run.cycles.count(), predicted, simulated,
        100 * (predicted / simulated - 1));
    fmt::print("{}\n", line);
    EXPECT_LE(std::abs(predicted / simulated - 1), 0.1) << line;
  }
}

// Not all questions are of no consequence: a predictor that answers "as before" would fail above.
TEST(WhatIf, TheQuestionsChangeTheCycles) {
  int matter = 0;
  for (const Question& q : kQuestions) {
    const Machine described = find_machine(q.config);
    const Machine machine = q.from.empty() ? described : changed_machine(described, q.from);
    const sim::RunResult run = run_on(timed(q), machine, described);
    const sim::RunResult other = run_on(timed(q), changed_machine(machine, q.change), described);
    matter += std::abs(static_cast<double>(other.cycles.count()) / static_cast<double>(run.cycles.count()) -
                       1) > 0.1;
  }
  EXPECT_GE(matter, 8);
}

TEST(WhatIf, NothingChangedTakesTheRunsOwnCycles) {
  for (const std::size_t i : {0U, 5U, 9U}) {
    const Machine machine = find_machine(kQuestions[i].config);
    const sim::RunResult run = run_on(timed(kQuestions[i]), machine, machine);
    EXPECT_EQ(sim::retime(run, machine, machine), run.cycles);
  }
}

TEST(WhatIf, ChangesAreOfKnownKeysAndLegalValues) {
  const Machine machine = find_machine("tpuv1");
  EXPECT_EQ(changed_machine(machine, "vxu.lanes=x2,sync.queue_depth=3").vxu.lanes, machine.vxu.lanes * 2);
  EXPECT_EQ(changed_machine(machine, "vxu.lanes=x2,sync.queue_depth=3").sync.queue_depth, 3u);
  EXPECT_EQ(changed_machine(machine, "hbm.bandwidth=x4").hbm_bytes_per_cycle(),
            4 * machine.hbm_bytes_per_cycle());
  const auto refused = [&](const std::string& change, const std::string& text) {
    test::expect_error(ExitCode::Usage, text, [&] { changed_machine(machine, change); });
  };
  refused("vxu.lane=x2", "unknown key 'vxu.lane'; expected one of");
  refused("vxu.lanes", "'vxu.lanes' is no KEY=VALUE");
  refused("vxu.lanes=99999", "99999 is outside 1 .. 4096");
  refused("vxu.lanes=many", "--what-if");
  refused("hbm.bandwidth=2", "expected x2, x4, x0.5");
  refused("hbm.bandwidth=x3", "expected x2, x4, x0.5");
  refused("hbm.bandwidth=x0.5", "leaves ddr3_2133 two channels");
}

}  // namespace
}  // namespace assay
