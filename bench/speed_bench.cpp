// Every figure of speed and memory that Assay promises, beside its target, in one run.
//
//   speed_bench [SECTION...] [--repeat N] [--cpu-time] [--check]
//
// Sections: memory, process (whole runs of `assay`, from its start to its end), native (in this process, in
// turns with oneDNN's fp32 GEMM of the same size), simulated (cycles; no clock). Times are medians; one
// thread; ratios to oneDNN are taken with both sides held at AVX2. Prints met or missed for each figure;
// --check fails where one is missed. --cpu-time takes the processor's time instead, for a machine that does
// other work too.
#include <fmt/format.h>
#include <hwy/highway.h>
#include <omp.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "app/case/case_run.hpp"
#include "base/machine_yaml.hpp"
#include "child.hpp"
#include "core/mxu/tile_multiply.hpp"
#include "golden/backend.hpp"
#include "golden/compare.hpp"
#include "testgen/case_arguments.hpp"
#include "timing.hpp"

namespace {

using namespace assay;
using bench::fastest;

bool g_cpu_time = false;

double seconds_of(const std::function<void()>& work) {
  return g_cpu_time ? bench::cpu_seconds_of(work) : bench::seconds_of(work);
}

// Prints each figure as it comes and remembers whether all targets were met.
class Report {
 public:
  explicit Report(nlohmann::json baseline) : baseline_(std::move(baseline)) {}

  void section(const std::string& key, const std::string& title) {
    section_ = key;
    fmt::print("\n{}\n", title);
  }
  void at_most(const std::string& name, double value, double limit, const std::string& unit) {
    line(name, value, fmt::format("<= {}", number(limit)), value <= limit, unit);
  }
  void at_least(const std::string& name, double value, double limit, const std::string& unit) {
    line(name, value, fmt::format(">= {}", number(limit)), value >= limit, unit);
  }
  bool all_met() const { return missed_ == 0; }
  int missed() const { return missed_; }

 private:
  static std::string number(double value) {
    return value >= 1000 ? fmt::format("{:.0f}", value) : fmt::format("{:.2f}", value);
  }
  void line(const std::string& name, double value, const std::string& target, bool met,
            const std::string& unit) {
    fmt::print("  {:<58} {:>11} {:<14} {:>11}  {:<6}", name, number(value), unit, target,
               met ? "met" : "missed");
    const std::string key = section_ + ": " + name;
    if (baseline_.contains(key)) fmt::print(" recorded {}", number(baseline_[key].get<double>()));
    fmt::print("\n");
    std::fflush(stdout);
    missed_ += met ? 0 : 1;
  }

  nlohmann::json baseline_;
  std::string section_;
  int missed_ = 0;
};

// --- Whole runs ------------------------------------------------------------------------------------------

std::vector<std::string> gemm_words(const std::string& m, const std::string& n, const std::string& k,
                                    const std::string& dtype) {
  return {"gemm", "--m", m, "--n", n, "--k", k, "--dtype", dtype};
}

std::vector<std::string> cube(const std::string& size, const std::string& dtype = "bf16") {
  return gemm_words(size, size, size, dtype);
}

// `assay run WORDS`: nothing is judged, so that no golden is counted.
bench::ChildRun assay_run(std::vector<std::string> words, const std::vector<std::string>& options) {
  words.insert(words.begin(), {ASSAY_PROGRAM, "run"});
  words.insert(words.end(), options.begin(), options.end());
  bench::ChildRun run = bench::run_child(words);
  if (run.exit_code != static_cast<int>(ExitCode::Unverified))
    throw std::runtime_error(fmt::format("{} ended with {}", fmt::join(words, " "), run.exit_code));
  return run;
}

nlohmann::json result_of(const std::vector<std::string>& words) {
  return nlohmann::json::parse(assay_run(words, {"--no-values", "--json"}).output);
}

// Simulated cycles per second of the whole process.
double process_rate(const std::vector<std::string>& words, const std::string& option, int repeat) {
  std::vector<std::string> options{"--json", option};
  if (option == "--golden") options.emplace_back("none");
  std::vector<double> seconds;
  std::uint64_t cycles = 0;
  for (int i = 0; i < repeat; ++i) {
    const bench::ChildRun run = assay_run(words, options);
    seconds.push_back(g_cpu_time ? run.cpu_seconds : run.seconds);
    cycles = nlohmann::json::parse(run.output)["cycles"];
  }
  return static_cast<double>(cycles) / fastest(seconds);
}

void process_section(Report& report, int repeat) {
  report.section("process", "Whole runs of `assay run` on server128, golden not counted");
  report.at_least("512^3 bf16", process_rate(cube("512"), "--golden", 5 * repeat), 300e3, "cycles/s");
  report.at_least("2048^3 bf16 --no-values", process_rate(cube("2048"), "--no-values", 5 * repeat), 3e6,
                  "cycles/s");
}

void memory_section(Report& report) {
  report.section("memory", "Peak memory of `assay run --golden none` beyond its tensors");
  const auto measure = [&](const std::string& name, const std::vector<std::string>& words, double tensors) {
    report.at_most(name, assay_run(words, {"--golden", "none"}).peak_mib - tensors, 200, "MiB");
  };
  measure("2048^3 bf16 (24 MiB of tensors)", cube("2048"), 24);
  measure("add f32, 16777216 elements (192 MiB of tensors)",
          {"add", "--input", "A:f32:16777216", "--input", "B:f32:16777216"}, 192);
  measure("softmax f32 4096x4096 (128 MiB of tensors)", {"softmax", "--input", "X:f32:4096x4096"}, 128);
}

// --- In this process, in turns with oneDNN ---------------------------------------------------------------

struct Judged {
  app::CaseInput input;
  Machine machine;
  Tensor output;  // what the machine computed
};

app::Execution simulate(const Judged& j) {
  app::RunOptions options;
  options.sanitize = false;
  return app::execute(j.input, j.machine, options, Cycle(1'000'000'000));
}

Judged bf16_case(std::int64_t s) {
  testgen::CaseArguments arguments;
  arguments.op = "gemm";
  arguments.m = arguments.n = arguments.k = s;
  arguments.dtype = "bf16";
  Judged j{app::generated(testgen::case_from_arguments(arguments)), find_machine(arguments.config), {}};
  j.output = simulate(j).outputs[0];
  return j;
}

// The golden and the comparison with it.
double judge_seconds(const Judged& j, bool full) {
  return seconds_of([&] {
    const golden::Policy policy = testgen::policy_of(j.input.c);
    golden::Reference cpu = golden::find_backend("cpu").evaluate(j.input.c.problem, j.input.inputs);
    golden::Expected& expected = cpu.outputs[0];
    if (full) expected = golden::with_magnitudes(std::move(expected));
    if (!golden::compare(j.output, expected, policy).passed)
      throw std::runtime_error("the golden refuses a right result");
  });
}

void native_section(Report& report, int repeat) {
  hwy::DisableTargets(~static_cast<int64_t>(HWY_AVX2));
  dnnl::set_max_cpu_isa(dnnl::cpu_isa::avx2);
  report.section("native",
                 fmt::format("2048^3 bf16 beside oneDNN's fp32 time of the same GEMM; simulator SIMD {}",
                             core::simd_target()));
  const Judged j = bf16_case(2048);
  bench::NativeGemm native(2048);
  std::vector<double> plain, run, deferred, full;
  for (int i = 0; i < repeat; ++i) {
    plain.push_back(seconds_of([&] { native.run(); }));
    run.push_back(seconds_of([&] { simulate(j); }));
    plain.push_back(seconds_of([&] { native.run(); }));
    deferred.push_back(judge_seconds(j, false));
    full.push_back(judge_seconds(j, true));
  }
  const double unit = fastest(plain);
  fmt::print("  oneDNN {:.4f} s\n", unit);
  report.at_most("run with values, sanitizer off", fastest(run) / unit, 2.5, "x oneDNN");
  report.at_most("golden and comparison, S where it may matter", fastest(deferred) / unit, 2.6, "x oneDNN");
  report.at_most("golden and comparison, S of every element", fastest(full) / unit, 5, "x oneDNN");
}

// --- Simulated cycles ------------------------------------------------------------------------------------

void attained(Report& report, const std::string& name, const std::vector<std::string>& words, double least) {
  const double share = result_of(words)["roofline"]["achieved_of_attainable"];
  report.at_least(name, 100 * share, least, "% attained");
}

void simulated_section(Report& report) {
  report.section("simulated",
                 "Simulated efficiency on server128, cold start, host code counted (--no-values)");
  const auto cycles = [](const std::vector<std::string>& words) {
    return result_of(words)["cycles"].get<double>();
  };
  report.at_most("512^3 bf16", cycles(cube("512")), 9050, "cycles");
  report.at_most("1024^3 bf16", cycles(cube("1024")), 66600, "cycles");
  report.at_most("2048^3 bf16", cycles(cube("2048")), 526000, "cycles");
  report.at_least("2048^3 s8", 100 * 262144 / cycles(cube("2048", "s8")), 98.5, "% of peak");
  constexpr double kWithinTenPercent = 100 / 1.1;
  for (const char* odd : {"1", "7", "17", "127", "129", "1000"}) {
    const auto shape = [&](const char* m, const char* n, const char* k) {
      attained(report, fmt::format("{}x{}x{} bf16", m, n, k), gemm_words(m, n, k, "bf16"), kWithinTenPercent);
    };
    shape(odd, "2048", "2048");
    shape("2048", odd, "2048");
    shape("2048", "2048", odd);
  }
  for (const char* elements : {"f32:4194304", "bf16:8388608", "s8:16777216"}) {  // 16 MiB a tensor
    for (const char* op : {"add", "mul", "div"})
      attained(report, fmt::format("{} {}", op, elements),
               {op, "--input", fmt::format("A:{}", elements), "--input", fmt::format("B:{}", elements)}, 90);
    attained(report, fmt::format("relu {}", elements), {"relu", "--input", fmt::format("X:{}", elements)},
             90);
  }
  attained(report, "add f32:2048x2048, f32:2048x1",
           {"add", "--input", "A:f32:2048x2048", "--input", "B:f32:2048x1"}, 90);
  for (const char* x : {"f32:4096x4096", "bf16:4096x4096", "f32:2048x2048", "f16:4096x1024"})
    attained(report, fmt::format("softmax {}", x), {"softmax", "--input", fmt::format("X:{}", x)}, 90);
}

int run(int argc, char** argv) {
  const std::vector<std::string> known{"memory", "process", "native", "simulated"};
  std::vector<std::string> sections;
  std::string baseline_file = ASSAY_BENCH_BASELINE;
  int repeat = 5;
  bool check = false;
  CLI::App program{"Speed and memory beside their targets", "speed_bench"};
  program.add_option("sections", sections, "memory, process, native, simulated; all unless said")
      ->check(CLI::IsMember(known));
  program.add_option("--repeat", repeat, "Runs of which the fastest counts")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  program.add_option("--baseline", baseline_file, "Figures recorded earlier, JSON")->capture_default_str();
  program.add_flag("--cpu-time", g_cpu_time, "Take the processor's time, for a machine that does other work");
  program.add_flag("--check", check, "Fail where a target is missed");
  CLI11_PARSE(program, argc, argv);
  nlohmann::json baseline = nlohmann::json::object();
  if (std::ifstream file(baseline_file); file) baseline = nlohmann::json::parse(file);
  const auto wanted = [&](const char* name) {
    return sections.empty() || std::find(sections.begin(), sections.end(), name) != sections.end();
  };

  const std::string processor = core::simd_target();  // before the ratios hold it at AVX2
  fmt::print("one thread, {}, the fastest of {}\n", g_cpu_time ? "processor's time" : "wall time", repeat);
  Report report(baseline);
  if (wanted("memory")) memory_section(report);  // first, while this process is small: see child.hpp
  if (wanted("process")) process_section(report, repeat);
  if (wanted("native")) native_section(report, repeat);
  if (wanted("simulated")) simulated_section(report);
  fmt::print("\n{}\n",
             report.all_met() ? "all targets met" : fmt::format("{} targets missed", report.missed()));
  return check && !report.all_met() ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  omp_set_num_threads(1);  // Debian's oneDNN threads by OpenMP
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "speed_bench: {}\n", error.what());
    return 3;
  }
}
