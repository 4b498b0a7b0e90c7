// Convolution, attention and the GEMM family beside their targets.
//
//   operator_bench                 simulated efficiency on server128, each figure beside its target
//   operator_bench --config edge16 the same on another machine, without targets
//   operator_bench algorithms      the convolution's named algorithms side by side, on server128 and edge16
//   operator_bench speed           the simulator's time, values computed, beside oneDNN's fp32 on the same
//   layers
//
// Each layer is a cold run of its own: cycles from the host's first instruction to the last byte in HBM.
// Cycles are the same on every computer. A figure that misses its target is followed by its greatest losses.
#include <fmt/format.h>
#include <hwy/highway.h>
#include <omp.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <numeric>
#include <optional>

#include "app/case/case_run.hpp"
#include "base/machine_yaml.hpp"
#include "networks.hpp"
#include "timing.hpp"

namespace {

using namespace assay;

// ------------------------------------------------------------------------------------------- efficiency

// A run that came to its end; what it computed is judged elsewhere.
report::CaseResult finished(report::CaseResult result) {
  if (result.verdict != ExitCode::Unverified) fail(result.verdict, "{}: {}", result.text, result.message);
  return result;
}

report::CaseResult timed(testgen::CaseArguments arguments, const std::string& config) {
  arguments.config = config;
  app::RunOptions options;
  options.values = false;
  options.sanitize = false;
  return finished(app::run_case(app::without_values(testgen::case_from_arguments(arguments)), options));
}
// Where addresses come from values: the same with tensors.
report::CaseResult timed_with_values(testgen::CaseArguments arguments, const std::string& config) {
  arguments.config = config;
  app::RunOptions options;
  options.goldens = {"none"};
  options.sanitize = false;
  return finished(app::run_case(app::generated(testgen::case_from_arguments(arguments)), options));
}

struct Table {
  std::string config;
  bool targets;  // they are for one machine
  int missed = 0;

  // A share (percent, at least) or a number of cycles (at most) beside its target.
  void share(const std::string& name, double percent, double target, const report::CaseResult& r) {
    row(name, r.cycles, fmt::format("{:.1f}%", percent), fmt::format(">= {:.0f}%", target), percent >= target,
        &r);
  }
  void cycles(const std::string& name, std::uint64_t count, std::uint64_t target,
              const report::CaseResult* r) {
    row(name, count, "", fmt::format("<= {}", target), count <= target, r);
  }
  static void plain(const std::string& name, const report::CaseResult& r) {
    fmt::print("  {:<50} {:>10} {:>8}   attainable {}\n", name, r.cycles,
               fmt::format("{:.1f}%", 100.0 * static_cast<double>(r.roofline.attainable) /
                                          static_cast<double>(r.cycles)),
               r.roofline.attainable);
  }
  static void unsupported(const std::string& name, const std::string& why) {
    fmt::print("{:<52} unsupported: {}\n", name, why);
  }

 private:
  void row(const std::string& name, std::uint64_t count, const std::string& value, const std::string& target,
           bool met, const report::CaseResult* r) {
    if (!targets) {
      fmt::print("{:<52} {:>10} {:>8}\n", name, count, value);
      return;
    }
    fmt::print("{:<52} {:>10} {:>8}   {:<12} {}\n", name, count, value, target, met ? "met" : "MISSED");
    if (met) return;
    ++missed;
    if (r == nullptr) return;
    std::string losses;
    for (std::size_t i = 0; i < std::min<std::size_t>(3, r->losses.size()); ++i)
      losses += fmt::format("{}{} {}", i == 0 ? "" : ", ", r->losses[i].name, r->losses[i].cycles);
    fmt::print("    lost: {}\n", losses);
  }
};

double attained(const report::CaseResult& r) {
  return 100.0 * static_cast<double>(r.roofline.attainable) / static_cast<double>(r.cycles);
}
// Of the matrix unit's peak, counting `macs`.
double of_peak(const report::CaseResult& r, double macs) {
  return 100.0 * macs / (r.roofline.peak_macs_per_cycle * static_cast<double>(r.cycles));
}
// Of what HBM gives beside its refreshes, counting the compulsory bytes.
double of_hbm(const report::CaseResult& r) {
  return 100.0 * static_cast<double>(r.bytes_compulsory) /
         (r.roofline.pin_bytes_per_cycle * r.roofline.refresh_fraction * static_cast<double>(r.cycles));
}

void resnet(Table& table) {
  std::uint64_t sum = 0;
  struct Narrow {
    std::string name;
    report::CaseResult result;
  };
  std::vector<Narrow> three_by_three;
  for (const bench::ConvLayer& layer : bench::resnet50()) {
    const report::CaseResult r = timed(bench::case_of(layer, "bf16"), table.config);
    sum += r.cycles * static_cast<std::uint64_t>(layer.times);
    const std::string name =
        fmt::format("{} x {}: {} -> {}", layer.times, layer.name, layer.channels, layer.outputs);
    table.plain(name, r);
    if (layer.kernel == 3 && layer.channels >= 128) three_by_three.push_back({name, r});
  }
  const report::CaseResult fc = timed(bench::case_of(bench::resnet50_classifier(), "bf16"), table.config);
  table.plain("1 x classifier: 2048 -> 1000", fc);
  sum += fc.cycles;
  table.cycles("ResNet-50, batch 1: all layers, each run cold", sum, 360'000, nullptr);
  for (const Narrow& n : three_by_three)
    table.share(n.name + ", of attainable", attained(n.result), 85, n.result);
}

void try_case(const std::string& name, const std::function<void()>& run) {
  try {
    run();
  } catch (const Error& error) {
    if (error.code() != ExitCode::Unsupported) throw;
    Table::unsupported(name, error.what());
  }
}

void attention(Table& table) {
  constexpr double kHeads = 16, kTokens = 2048, kDepth = 128;
  constexpr double kAll = 2 * kHeads * kTokens * kTokens * kDepth;
  constexpr double kCausal = kHeads * kTokens * (kTokens + 1) * kDepth;
  const bench::Attention prefill{"bf16", 16, 16, 2048, 2048, 128};
  try_case("attention", [&] {
    const report::CaseResult r = timed(bench::case_of(prefill), table.config);
    table.share("attention prefill, 2048 tokens, 16 heads of 128", of_peak(r, kAll), 85, r);
  });
  try_case("causal attention", [&] {
    bench::Attention causal = prefill;
    causal.attributes = {"causal=1"};
    const report::CaseResult r = timed(bench::case_of(causal), table.config);
    table.share("the same, causal (MACs that causality needs)", of_peak(r, kCausal), 78, r);
  });
  struct Narrow {
    const char *dtype, *name;
    std::vector<std::string> attributes;
  };
  for (const Narrow& n :
       {Narrow{"s8", "attention prefill, s8, weights as bytes (weights=u8)", {"weights=u8"}},
        Narrow{"e4m3", "attention prefill, e4m3", {}}})
    try_case(n.name, [&] {
      bench::Attention narrow = prefill;
      narrow.dtype = n.dtype;
      narrow.attributes = n.attributes;
      const report::CaseResult r = timed(bench::case_of(narrow), table.config);
      table.cycles(n.name, r.cycles, 800'000, &r);
    });
  try_case("decode", [&] {
    const report::CaseResult r = timed(bench::case_of({"bf16", 32, 8, 1, 4096, 128}), table.config);
    table.share("decode, 4096 keys, 32 heads on 8 (of HBM)", of_hbm(r), 80, r);
    testgen::CaseArguments paged;
    paged.op = "attention";
    paged.inputs = {"Q:bf16:1x32x1x128", "K:bf16:256x8x16x128", "V:bf16:256x8x16x128",
                    "block_table:s32:1x256"};
    const report::CaseResult p = timed_with_values(paged, table.config);
    table.cycles("the same, paged: 256 shuffled pages of 16", p.cycles, r.cycles + r.cycles / 20, &p);
  });
}

void products(Table& table) {
  for (const bench::Product& p : {bench::Product{"", 1, 4096, 4096}, bench::Product{"", 1, 11008, 4096}}) {
    const report::CaseResult wide = timed(bench::case_of(p, "bf16"), table.config);
    table.share(fmt::format("bf16 GEMV {} x {} (of HBM)", p.k, p.n), of_hbm(wide), 85, wide);
    testgen::CaseArguments a;
    a.op = "matmul_nbits";
    a.inputs = {fmt::format("A:bf16:1x{}", p.k), fmt::format("B:s4:{}x{}", p.k, p.n),
                fmt::format("scales:bf16:{}x{}", p.k / 128, p.n)};
    const report::CaseResult r = timed(a, table.config);
    const char* roof = r.roofline.binding == "hbm" ? "HBM" : "the array's loader";
    table.share(fmt::format("int4 GEMV {} x {} (of {})", p.k, p.n, roof), attained(r), 90, r);
    table.cycles("  and at least 1.25 times as fast", r.cycles, wide.cycles * 4 / 5, &r);
  }
}

void bert(Table& table) {
  std::uint64_t sum = 0;
  for (const bench::Product& p : bench::bert_products(512)) {
    const report::CaseResult r = timed(bench::case_of(p, "bf16"), table.config);
    table.plain(fmt::format("{} x {}", p.times, p.name), r);
    sum += r.cycles * static_cast<std::uint64_t>(p.times);
  }
  try_case("BERT-base attention", [&] {
    const report::CaseResult r = timed(bench::case_of({"bf16", 12, 12, 512, 512, 64}), table.config);
    table.plain("attention, 12 heads of 64", r);
    table.cycles("BERT-base layer, 512 tokens: products and attention", sum + r.cycles, 275'000, &r);
  });
}

// A projection of a mixture of experts: 8 of them, 2 for a token, 2048 x 2048 each. No targets.
void experts(const Table& table) {
  for (const int tokens : {512, 16})
    for (const bool weighted : {false, true})
      try_case("grouped_gemm", [&] {
        testgen::CaseArguments a;
        a.op = "grouped_gemm";
        a.inputs = {fmt::format("X:bf16:{}x2048", tokens), "W:bf16:8x2048x2048",
                    fmt::format("ids:s32:{}x2", tokens)};
        if (weighted) a.inputs.push_back(fmt::format("weights:f32:{}x2", tokens));
        table.plain(fmt::format("{} tokens, 2 of 8 experts{}", tokens, weighted ? ", weighted sums" : ""),
                    timed_with_values(a, table.config));
      });
}

int efficiency(const std::string& config) {
  Table table{config, config == "server128"};
  fmt::print("{:<52} {:>10} {:>8}   {}\n", "on " + config, "cycles", "share", table.targets ? "target" : "");
  resnet(table);
  attention(table);
  products(table);
  bert(table);
  experts(table);
  if (table.targets)
    fmt::print("{}\n",
               table.missed == 0 ? "all targets met" : fmt::format("{} targets missed", table.missed));
  return 0;
}

// ------------------------------------------------------------------------------------------- algorithms

// A layer with as many output channels as channels, and Y as large as X.
testgen::CaseArguments square_layer(std::int64_t size, std::int64_t channels, std::int64_t kernel,
                                    const std::string& algorithm) {
  testgen::CaseArguments a;
  a.op = "conv";
  a.inputs = {fmt::format("X:bf16:1x{0}x{0}x{1}", size, channels),
              fmt::format("W:bf16:{1}x{0}x{0}x{1}", kernel, channels)};
  a.attributes = {"layout=NHWC", "algorithm=" + algorithm, fmt::format("pads={0},{0},{0},{0}", kernel / 2)};
  return a;
}

// Cycles, or "-" where the algorithm does not take the layer or no tiling fits the machine.
std::string cycles_of(const testgen::CaseArguments& arguments, const std::string& config) {
  try {
    return std::to_string(timed(arguments, config).cycles);
  } catch (const Error& error) {
    if (error.code() != ExitCode::Unsupported) throw;
    return "-";
  }
}

int algorithms() {
  struct Layer {
    std::int64_t size, channels, kernel;
  };
  constexpr const char* kNames[] = {"implicit", "im2col", "winograd", "fft"};
  for (const char* config : {"server128", "edge16"}) {
    fmt::print("{:<32}", fmt::format("on {}, cycles", config));
    for (const char* name : kNames) fmt::print("{:>10}", name);
    fmt::print("\n");
    for (const Layer& l : {Layer{56, 64, 3}, Layer{28, 128, 3}, Layer{14, 256, 3}, Layer{7, 512, 3},
                           Layer{28, 64, 5}, Layer{28, 64, 7}}) {
      fmt::print("{:<32}", fmt::format("{0} x {0}, {1} x {1} x {2} channels", l.kernel, l.size, l.channels));
      for (const char* name : kNames)
        fmt::print("{:>10}", cycles_of(square_layer(l.size, l.channels, l.kernel, name), config));
      fmt::print("\n");
    }
  }
  return 0;
}

// ------------------------------------------------------------------------------------------------ speed

// The simulator's seconds from the loaded tensors to the halt.
double simulated_seconds(const testgen::CaseArguments& arguments, int repeat) {
  const app::CaseInput input = app::generated(testgen::case_from_arguments(arguments));
  const Machine machine = find_machine(arguments.config);
  app::RunOptions options;
  options.sanitize = false;
  std::vector<double> seconds;
  for (int i = 0; i < repeat; ++i)
    seconds.push_back(
        bench::seconds_of([&] { app::execute(input, machine, options, Cycle(4'000'000'000)); }));
  return bench::median(seconds);
}

class Native {
 public:
  double convolution(const bench::ConvLayer& l, int repeat) {
    using dnnl::memory;
    const auto any = [](const memory::dims& dims) {
      return memory::desc(dims, memory::data_type::f32, memory::format_tag::any);
    };
    const std::int64_t pad = l.kernel / 2, out = (l.size + 2 * pad - l.kernel) / l.stride + 1;
    const dnnl::convolution_forward::primitive_desc d({dnnl::prop_kind::forward_inference,
                                                       dnnl::algorithm::convolution_auto,
                                                       any({1, l.channels, l.size, l.size}),
                                                       any({l.outputs, l.channels, l.kernel, l.kernel}),
                                                       any({1, l.outputs, out, out}),
                                                       {l.stride, l.stride},
                                                       {pad, pad},
                                                       {pad, pad}},
                                                      engine_);
    return seconds(
        dnnl::convolution_forward(d),
        {{DNNL_ARG_SRC, d.src_desc()}, {DNNL_ARG_WEIGHTS, d.weights_desc()}, {DNNL_ARG_DST, d.dst_desc()}},
        repeat);
  }
  double product(std::int64_t batch, std::int64_t m, std::int64_t n, std::int64_t k, int repeat) {
    using dnnl::memory;
    const auto dense = [&](std::int64_t rows, std::int64_t cols) {
      return memory::desc({batch, rows, cols}, memory::data_type::f32, memory::format_tag::abc);
    };
    const dnnl::matmul::primitive_desc d({dense(m, k), dense(k, n), dense(m, n)}, engine_);
    return seconds(
        dnnl::matmul(d),
        {{DNNL_ARG_SRC, dense(m, k)}, {DNNL_ARG_WEIGHTS, dense(k, n)}, {DNNL_ARG_DST, dense(m, n)}}, repeat);
  }
  double softmax(std::int64_t rows, std::int64_t cols, int repeat) {
    using dnnl::memory;
    const memory::desc x({rows, cols}, memory::data_type::f32, memory::format_tag::ab);
    const dnnl::softmax_forward::primitive_desc d({dnnl::prop_kind::forward_inference, x, 1}, engine_);
    return seconds(dnnl::softmax_forward(d), {{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, x}}, repeat);
  }

 private:
  double seconds(const dnnl::primitive& primitive,
                 const std::vector<std::pair<int, dnnl::memory::desc>>& operands, int repeat) {
    std::unordered_map<int, dnnl::memory> arguments;
    for (const auto& [which, desc] : operands) {
      dnnl::memory memory(desc, engine_);
      auto* values = static_cast<float*>(memory.get_data_handle());
      for (std::size_t i = 0; i < desc.get_size() / sizeof(float); ++i)
        values[i] = static_cast<float>(i % 17) / 16.0F - 0.5F;
      arguments.emplace(which, memory);
    }
    const auto once = [&] {
      primitive.execute(stream_, arguments);
      stream_.wait();
    };
    once();
    std::vector<double> all;
    for (int i = 0; i < repeat; ++i) all.push_back(bench::seconds_of(once));
    return bench::median(all);
  }

  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
};

void print_ratio(const std::string& name, double ours, double native) {
  fmt::print("{:<44} {:>9.3f} s {:>9.3f} s   {:.2f} x   <= 4 x   {}\n", name, ours, native, ours / native,
             ours <= 4 * native ? "met" : "MISSED");
}

int speed(int repeat) {
  hwy::DisableTargets(~static_cast<int64_t>(HWY_AVX2));
  dnnl::set_max_cpu_isa(dnnl::cpu_isa::avx2);
  Native native;
  fmt::print("{:<44} {:>11} {:>11}\n", "values computed, one core, AVX2 on both sides", "simulator",
             "oneDNN fp32");
  double ours = 0, theirs = 0;
  for (const bench::ConvLayer& l : bench::resnet50()) {
    ours += l.times * simulated_seconds(bench::case_of(l, "bf16"), repeat);
    theirs += l.times * native.convolution(l, repeat);
  }
  const bench::Product fc = bench::resnet50_classifier();
  ours += simulated_seconds(bench::case_of(fc, "bf16"), repeat);
  theirs += native.product(1, fc.m, fc.n, fc.k, repeat);
  print_ratio("ResNet-50, batch 1", ours, theirs);
  ours = theirs = 0;
  for (const bench::Product& p : bench::bert_products(512)) {
    ours += p.times * simulated_seconds(bench::case_of(p, "bf16"), repeat);
    theirs += p.times * native.product(1, p.m, p.n, p.k, repeat);
  }
  ours += simulated_seconds(bench::case_of(bench::Attention{"bf16", 12, 12, 512, 512, 64}), repeat);
  theirs += native.product(12, 512, 512, 64, repeat) + native.softmax(12 * 512, 512, repeat) +
            native.product(12, 512, 64, 512, repeat);
  print_ratio("BERT-base layer, 512 tokens", ours, theirs);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  omp_set_num_threads(1);  // Debian's oneDNN threads by OpenMP
  std::string config = "server128";
  int repeat = 3;
  CLI::App program{"Convolution, attention and the GEMM family beside their targets", "operator_bench"};
  program.add_option("--config", config, "The machine; targets are server128's")->capture_default_str();
  CLI::App* fast = program.add_subcommand("speed", "The simulator's time beside oneDNN's");
  fast->add_option("--repeat", repeat, "Runs of which the median counts")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  CLI::App* side_by_side = program.add_subcommand("algorithms", "The convolution's algorithms side by side");
  CLI11_PARSE(program, argc, argv);
  try {
    if (*side_by_side) return algorithms();
    return *fast ? speed(repeat) : efficiency(config);
  } catch (const assay::Error& error) {
    fmt::print(stderr, "operator_bench: {}\n", error.what());
    return static_cast<int>(error.code());
  }
}
