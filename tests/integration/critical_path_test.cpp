// The critical path of whole runs: its steps follow each other without a gap, whatever the case, machine and
// timing.
#include "sim/critical_path.hpp"

#include <gtest/gtest.h>

#include "app/case/case_run.hpp"
#include "base/machine_yaml.hpp"
#include "testgen/case_arguments.hpp"

namespace assay {
namespace {

app::CaseInput timed(const std::string& op, const std::vector<std::string>& inputs, const std::string& config,
                     const std::string& dataflow = "") {
  testgen::CaseArguments a;
  a.op = op;
  a.inputs = inputs;
  a.config = config;
  if (!dataflow.empty()) a.dataflow = dataflow;
  return app::without_values(testgen::case_from_arguments(a));
}

void expect_exact(const app::CaseInput& input, std::uint64_t jitter) {
  const Machine machine = find_machine(input.c.config);
  app::RunOptions options;
  options.values = false;
  options.jitter = jitter;
  const sim::RunResult run = app::execute(input, machine, options, Cycle(100'000'000)).run;
  ASSERT_EQ(run.outcome, sim::Outcome::halted) << run.message;
  Cycle at = run.cycles;
  for (const sim::PathStep& step : sim::critical_path(run, machine)) {
    ASSERT_EQ(step.to, at) << step.unit;
    Cycle sum;
    for (const auto& part : step.parts) sum += part.second;
    ASSERT_EQ(sum, step.to - step.from) << step.unit << " at pc " << step.pc;
    at = step.from;
  }
  EXPECT_EQ(at, Cycle(0));
}

TEST(CriticalPath, ItsPartsSumToTheRunsCycles) {
  for (const char* config : {"server128", "edge16", "tests/tiny4", "tests/wide8x32"})
    for (const std::uint64_t jitter : {0, 1, 2, 3}) {
      SCOPED_TRACE(config + std::string(" jitter ") + std::to_string(jitter));
      for (const char* dataflow : {"ws", "os"}) {
        expect_exact(timed("gemm", {"A:bf16:130x70", "B:bf16:70x200", "C:bf16:200"}, config, dataflow),
                     jitter);
        expect_exact(timed("gemm", {"A:s8:64x300", "B:s8:300x64"}, config, dataflow), jitter);
      }
      expect_exact(timed("add", {"A:f16:9x1x700", "B:f16:11x1"}, config), jitter);
      expect_exact(timed("softmax", {"X:f32:40x300"}, config), jitter);
    }
}

}  // namespace
}  // namespace assay
