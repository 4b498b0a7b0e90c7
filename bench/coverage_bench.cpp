// Random cases of every operator with and without coverage: what sampling costs, and what random drawing
// hits.
//
//   coverage_bench [CASES [RECORDS.jsonl [SEED [CONFIG]]]]
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <optional>

#include "app/coverage/case_coverage.hpp"
#include "testgen/coverage/database.hpp"
#include "testgen/space/random_problem.hpp"
#include "testgen/random.hpp"

namespace assay {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds(Clock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

// Operators, types and kinds of data in turn; mostly in mode bits.
std::optional<testgen::Case> draw(int number, std::uint64_t seed, const std::string& config) {
  const auto& all = ops::all_operators();
  testgen::Generator random(testgen::mix(seed ^ testgen::mix(static_cast<std::uint64_t>(number))));
  const ops::Operator& op = *all[static_cast<std::size_t>(number) % all.size()];
  const auto types = testgen::problem_types(op.name());
  try {
    testgen::Case c;
    c.problem = testgen::random_problem(op.name(), types[random() % types.size()], random);
    const char* configs[] = {"edge16", "edge16", "edge16", "server128", "tpuv1"};
    c.config = config.empty() ? configs[random() % 5] : config;
    c.mode = random() % 4 != 0   ? golden::Mode::Bits
             : random() % 2 != 0 ? golden::Mode::Real
                                 : golden::Mode::Exact;
    c.data = c.mode == golden::Mode::Bits ? static_cast<testgen::DataKind>(random() % 10)
                                          : testgen::default_data_kind(c.mode);
    c.suite_seed = seed;
    validate(c);
    return c;
  } catch (const Error&) {
    return std::nullopt;
  }
}

int run(int argc, char** argv) {
  const int cases = argc > 1 ? std::atoi(argv[1]) : 500;
  const std::uint64_t seed = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1;
  const std::string config = argc > 4 ? argv[4] : "";
  std::optional<coverage::RecordFile> file;
  if (argc > 2) file.emplace(argv[2]);
  coverage::Database database(app::coverage_model());
  app::CaseCoverage coverage(app::coverage_model());
  double running = 0, covered = 0, sampling = 0;
  int done = 0;
  for (int i = 0; i < cases; ++i) {
    const auto c = draw(i, seed, config);
    if (!c) continue;
    app::RunOptions options;
    try {
      const app::CaseInput input = app::generated(*c);
      const auto start = Clock::now();
      app::run_case(input, options);
      const auto between = Clock::now();
      coverage.watch(input, options);
      const auto sample = options.executed;
      options.executed = [&](const app::Execution& execution, const Machine& machine) {
        const auto begin = Clock::now();
        sample(execution, machine);
        sampling += milliseconds(Clock::now() - begin);
      };
      const report::CaseResult result = app::run_case(input, options);
      coverage::Record record = coverage.record(input, result);
      covered += milliseconds(Clock::now() - between);
      running += milliseconds(between - start);
      if (result.verdict != ExitCode::Pass)
        fmt::print("{} {}: {}\n", to_string(result.verdict), input.reproduce, result.message);
      if (file) file->append(record);
      database.add(std::move(record));
      ++done;
    } catch (const Error& error) {
      fmt::print("{}: {}\n", testgen::reproduce_line(*c), error.what());
    }
  }
  database.finish();
  coverage::Tally all;
  for (const coverage::GroupTally& t : coverage::tally_groups(database)) (all += t.points) += t.crosses;
  fmt::print("{} cases: {:.2f} ms a case without, {:.2f} ms with coverage, {:.2f} ms of it sampling\n", done,
             running / done, covered / done, sampling / done);
  fmt::print("hit {} of {} bins\n", all.hit, all.reachable);
  return 0;
}

}  // namespace
}  // namespace assay

int main(int argc, char** argv) { return assay::run(argc, argv); }
