// How fast the fp64 reference is, S included, on one core.
//
//   golden_bench [--repeat N]
//
// GFLOP/s counts the operator's own multiplications and additions, although S doubles them. "values": the
// results alone; S of a gemm or a convolution is evaluated only where a verdict needs it. "with S": S of
// every element too, which the targets are for. "of oneDNN": that rate as a share of oneDNN's fp32 GEMM's,
// 1024^3, measured in the same run. Times are the fastest of N.
#include <fmt/format.h>
#include <omp.h>

#include <CLI/CLI.hpp>

#include "golden/backend.hpp"
#include "golden/magnitude.hpp"
#include "networks.hpp"
#include "testgen/case.hpp"
#include "timing.hpp"

namespace {

using namespace assay;

struct Measured {
  double macs = 0, values = 0, with_s = 0;  // seconds
};

Measured measure(const testgen::CaseArguments& arguments, double macs, int repeat) {
  const testgen::Case c = testgen::case_from_arguments(arguments);
  const std::vector<Tensor> inputs = testgen::make_inputs(c);
  const golden::Backend& cpu = golden::find_backend("cpu");
  std::vector<double> values, with_s;
  for (int i = 0; i < repeat; ++i) {
    golden::Reference reference;
    values.push_back(bench::seconds_of([&] { reference = cpu.evaluate(c.problem, inputs); }));
    const double s = bench::seconds_of(
        [&] { reference.outputs[0] = golden::with_magnitudes(std::move(reference.outputs[0])); });
    with_s.push_back(values.back() + s);
  }
  return {macs, bench::fastest(values), bench::fastest(with_s)};
}

class Table {
 public:
  explicit Table(double native) : native_(native) {
    fmt::print("{:<52} {:>10} {:>10} {:>10}\n", "GFLOP/s of fp64", "values", "with S", "of oneDNN");
  }
  void row(const std::string& name, const Measured& m, double target) {
    const double rate = 2e-9 * m.macs / m.with_s;
    const bool met = rate >= target;
    fmt::print("{:<52} {:>10.1f} {:>10.1f} {:>9.1f}%   >= {:<4} {}\n", name, 2e-9 * m.macs / m.values, rate,
               100 * rate / native_, target, met ? "met" : "MISSED");
    missed_ += met ? 0 : 1;
  }
  int missed() const { return missed_; }

 private:
  double native_;  // GFLOP/s
  int missed_ = 0;
};

double native_rate(int repeat) {
  bench::NativeGemm gemm(1024);
  std::vector<double> seconds;
  for (int i = 0; i < repeat; ++i) seconds.push_back(bench::seconds_of([&] { gemm.run(); }));
  return 2e-9 * 1024 * 1024 * 1024 / bench::fastest(seconds);
}

Measured gemm(std::int64_t size, int repeat) {
  testgen::CaseArguments a;
  a.op = "gemm";
  a.m = a.n = a.k = size;
  a.dtype = "bf16";
  const auto s = static_cast<double>(size);
  return measure(a, s * s * s, repeat);
}

Measured resnet(int repeat) {
  Measured all;
  for (const bench::ConvLayer& l : bench::resnet50()) {
    const double macs = static_cast<double>(l.out() * l.out() * l.outputs * l.channels * l.kernel * l.kernel);
    const Measured one = measure(bench::case_of(l, "bf16"), macs, repeat);
    all.macs += l.times * one.macs;
    all.values += l.times * one.values;
    all.with_s += l.times * one.with_s;
  }
  return all;
}

Measured attention(std::int64_t depth, int repeat) {
  constexpr std::int64_t kHeads = 4, kTokens = 1024;
  const double macs = 2.0 * kHeads * kTokens * kTokens * static_cast<double>(depth);
  return measure(bench::case_of(bench::Attention{"bf16", kHeads, kHeads, kTokens, kTokens, depth}), macs,
                 repeat);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("The speed of the fp64 reference.");
  int repeat = 5;
  app.add_option("--repeat", repeat, "measurements, of which the fastest counts")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  omp_set_num_threads(1);
  Table table(native_rate(4 * repeat));
  table.row("gemm, 1024^3", gemm(1024, repeat), 16);
  table.row("conv, the 53 convolutions of ResNet-50", resnet(repeat), 8);
  table.row("attention, 4 heads of 128, 1024 tokens", attention(128, repeat), 8);
  table.row("attention, 4 heads of 64, 1024 tokens", attention(64, repeat), 8);
  fmt::print("{} targets missed\n", table.missed());
  return 0;
}
