// The price of simulation: GEMM on `server128` beside the same GEMM natively in oneDNN, in one run on one
// core. Prints simulated cycles per second, what the kernel sanitizer costs (time with it / without it), and
// wall time, with the sanitizer on, against oneDNN's fp32 time.
//
//   gemm_bench [--isa avx2|native] [--repeat N] [--baseline FILE]
//
// Both sides use the same SIMD level. The simulator's time runs from the loaded tensors to the halt: it
// includes building the platform and executing host code, not the golden. Times are medians.
#include <fmt/format.h>
#include <hwy/highway.h>
#include <omp.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "app/case/case_run.hpp"
#include "base/machine_yaml.hpp"
#include "core/mxu/tile_multiply.hpp"
#include "testgen/case_arguments.hpp"
#include "timing.hpp"

namespace {

using namespace assay;
using bench::median;
using bench::seconds_of;

// oneDNN's fp32 matmul of an s x s x s problem, after one warm-up.
double native_seconds(std::int64_t s, int repeat) {
  bench::NativeGemm native(s);
  std::vector<double> seconds;
  for (int i = 0; i < repeat; ++i) seconds.push_back(seconds_of([&] { native.run(); }));
  return median(seconds);
}

struct Row {
  std::string name;
  std::uint64_t cycles = 0;
  double seconds = 0, native = 0;
  double unsanitized = 0;  // seconds with the kernel sanitizer off
  double ratio() const { return seconds / native; }
  double cycles_per_second() const { return static_cast<double>(cycles) / seconds; }
};

Row measure(std::int64_t s, const std::string& dtype, bool values, int repeat, double native) {
  testgen::CaseArguments arguments;
  arguments.op = "gemm";
  arguments.m = arguments.n = arguments.k = s;
  arguments.dtype = dtype;
  const app::CaseInput input = app::generated(testgen::case_from_arguments(arguments));
  const Machine machine = find_machine(arguments.config);
  app::RunOptions options;
  options.values = values;
  Row row;
  row.name = fmt::format("gemm {}^3 {}{}", s, dtype, values ? "" : " --no-values");
  row.native = native;
  const auto work = [&](bool sanitize) {
    options.sanitize = sanitize;
    return seconds_of(
        [&] { row.cycles = app::execute(input, machine, options, Cycle(1'000'000'000)).run.cycles.count(); });
  };
  std::vector<double> on, off;
  for (int i = 0; i < repeat; ++i) {  // in turns, so that both meet the same machine
    on.push_back(work(true));
    off.push_back(work(false));
  }
  row.seconds = median(on);
  row.unsanitized = median(off);
  return row;
}

void print_row(const Row& row, const nlohmann::json& baseline) {
  fmt::print("{:<28} {:>9} {:>11.4f} {:>12.0f} {:>11.4f} {:>9.2f} {:>8.2f}", row.name, row.cycles,
             row.seconds, row.cycles_per_second(), row.native, row.seconds / row.unsanitized, row.ratio());
  if (baseline.contains(row.name)) fmt::print(" {:>9.2f}", baseline[row.name].get<double>());
  fmt::print("\n");
}

int run(int argc, char** argv) {
  std::string isa = "avx2", baseline_file = ASSAY_BENCH_BASELINE;
  int repeat = 3;
  CLI::App program{"Simulated GEMM beside oneDNN's", "gemm_bench"};
  program.add_option("--isa", isa, "avx2: the same level everywhere; native: all that the processor has")
      ->check(CLI::IsMember({"avx2", "native"}))
      ->capture_default_str();
  program.add_option("--repeat", repeat, "Runs of which the median counts")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  program.add_option("--baseline", baseline_file, "Ratios recorded earlier, JSON")->capture_default_str();
  CLI11_PARSE(program, argc, argv);
  if (isa == "avx2") {
    hwy::DisableTargets(~static_cast<int64_t>(HWY_AVX2));
    dnnl::set_max_cpu_isa(dnnl::cpu_isa::avx2);
  }
  nlohmann::json baseline = nlohmann::json::object();
  if (std::ifstream file(baseline_file); file) baseline = nlohmann::json::parse(file);

  fmt::print("simulator SIMD {}, oneDNN limited to {}, one thread, median of {}\n", core::simd_target(), isa,
             repeat);
  fmt::print("{:<28} {:>9} {:>11} {:>12} {:>11} {:>9} {:>8} {:>9}\n", "case on server128", "cycles",
             "seconds", "cycles/s", "oneDNN s", "sanitizer", "ratio", "baseline");
  for (const std::int64_t s : {512, 2048}) {
    const double native = native_seconds(s, s == 512 ? repeat * 5 : repeat);
    for (const char* dtype : {"bf16", "f32", "s8"})
      print_row(measure(s, dtype, true, repeat, native), baseline);
    print_row(measure(s, "bf16", false, repeat, native), baseline);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  omp_set_num_threads(1);  // Debian's oneDNN threads by OpenMP
  return run(argc, argv);
}
