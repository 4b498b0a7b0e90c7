// The cuda golden's kernels beside the simulated machine, each with its share of what its hardware allows.
//
//   gpu_bench            times on the GPU, cycles on server128
//   gpu_bench --device   what the GPU is, and its roofs
//
// Exit code 9 where there is no device. The fastest of three times, each over ten launches between two
// events. A GPU's roofs from its properties, at its greatest clocks:
//
//   Tensor Cores   multiprocessors x FLOP per cycle of one x clock; FLOP per cycle by compute capability,
//   below CUDA cores     multiprocessors x lanes of f32 x 2 x clock memory         memory clock x 2 (double
//   data rate) x bus width / 8
//
// The least time of a case is the larger of its FLOPs by their roof and its compulsory bytes by memory's; the
// share is that time by the time measured. Of the simulated machine it is attainable cycles by cycles.
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <functional>

#include "app/case/case_run.hpp"
#include "golden/cuda/cuda_backend.hpp"
#include "golden/cuda/device.hpp"
#include "golden/cuda/operands.hpp"
#include "testgen/case_arguments.hpp"

namespace {

using namespace assay;
using golden::cuda::Buffer;
using golden::cuda::Device;
using golden::cuda::Element;

struct Roofs {
  explicit Roofs(const golden::cuda::Properties& p) {
    const double cycles = p.multiprocessors * p.clock;
    const bool large = p.capability == 80 || p.capability == 90;  // the data centre's: wider Tensor Cores
    const double halves = p.capability >= 90 ? 4096 : large ? 2048 : 512;
    tensor_halves = cycles * halves;
    cores = cycles * (p.capability == 80 ? 64 : 128) * 2;
    bytes = p.memory_clock * 2 * p.bus_bits / 8;
  }
  // FLOP/s of matrix products.
  double of(Element element) const {
    if (element == Element::f32) return cores;
    return tensor_halves * (golden::cuda::size_of(element) == 1 ? 2 : 1);
  }
  double tensor_halves, cores, bytes;
};

// Bytes whose elements of every type are finite and small.
Buffer filled(Device& device, std::size_t bytes) {
  std::vector<std::byte> values(bytes);
  std::uint32_t state = 1;
  for (std::byte& value : values) {
    state = state * 1664525 + 1013904223;
    value = static_cast<std::byte>(state >> 24 & 0x3F);
  }
  return Buffer::of(device, values);
}

double fastest(Device& device, const std::function<void()>& launch) {
  constexpr int kLaunches = 10;
  launch();
  double best = 1e9;
  for (int i = 0; i < 3; ++i)
    best = std::min(best, device.seconds([&] {
      for (int n = 0; n < kLaunches; ++n) launch();
    }) / kLaunches);
  return best;
}

// ---------------------------------------------------------------------------------------------- on the GPU

double product_seconds(Device& device, Element element, int size) {
  const std::size_t pitch = static_cast<std::size_t>(size) * golden::cuda::size_of(element);
  const Buffer a = filled(device, pitch * static_cast<std::size_t>(size));
  const Buffer b = filled(device, pitch * static_cast<std::size_t>(size));
  const Buffer y(device, static_cast<std::size_t>(size) * static_cast<std::size_t>(size) * 4);
  const golden::cuda::Product p{element, element, a.as(), b.as(), y.as(), size, size, size, pitch, pitch};
  return fastest(device, [&] { device.multiply(p, golden::cuda::Path::Fastest); });
}

double convolution_seconds(Device& device, int batch, int size, int channels) {
  golden::cuda::Convolution c;
  c.element = Element::bf16;
  c.batch = batch;
  c.width = channels;
  c.pitch = static_cast<std::size_t>(channels) * 2;
  c.axes[1] = c.axes[2] = {size, size, 3, 1, 1, 1};
  const auto positions = static_cast<std::size_t>(batch) * static_cast<std::size_t>(size * size);
  const Buffer x = filled(device, positions * c.pitch);
  const Buffer w = filled(device, static_cast<std::size_t>(channels) * 9 * c.pitch);
  const Buffer y(device, positions * static_cast<std::size_t>(channels) * 4);
  c.x = x.as();
  c.w = w.as();
  c.y = y.as();
  return fastest(device, [&] { device.convolve(c, golden::cuda::Path::Fastest); });
}

double attention_seconds(Device& device, int heads, int tokens, int depth) {
  const std::size_t elements =
      static_cast<std::size_t>(heads) * static_cast<std::size_t>(tokens) * static_cast<std::size_t>(depth);
  const Buffer q = filled(device, elements * 2), k = filled(device, elements * 2);
  const Buffer v = filled(device, elements * 2), y(device, elements * 4);
  const Buffer lengths = Buffer::of(device, std::vector<std::int32_t>{tokens});
  golden::cuda::Attention a;
  a.element = Element::bf16;
  a.q = q.as();
  a.k = k.as();
  a.v = v.as();
  a.lengths = lengths.as<std::int32_t>();
  a.y = y.as<float>();
  a.q_heads = a.kv_heads = heads;
  a.queries = a.keys = tokens;
  a.depth = a.value_depth = depth;
  a.scale = 0.1F;
  return fastest(device, [&] { device.attend(a); });
}

double softmax_seconds(Device& device, int rows, int length) {
  const std::size_t bytes = static_cast<std::size_t>(rows) * static_cast<std::size_t>(length) * sizeof(float);
  const Buffer x = filled(device, bytes), y(device, bytes);
  return fastest(device, [&] { device.softmax({Element::f32, x.as(), y.as<float>(), rows, length}); });
}

// ------------------------------------------------------------------------------------------ both, in rows

struct Row {
  std::string name;
  testgen::CaseArguments simulated;
  Element roof;  // whose roof the FLOPs have: attention runs on CUDA cores, for it narrows nothing
  std::function<double(Device&)> seconds;
};

testgen::CaseArguments arguments(const std::string& op, const std::vector<std::string>& inputs,
                                 const std::vector<std::string>& attributes = {}) {
  testgen::CaseArguments a;
  a.op = op;
  a.inputs = inputs;
  a.attributes = attributes;
  return a;
}

std::vector<Row> rows() {
  constexpr int kSize = 4096;
  std::vector<Row> all;
  for (const auto& [name, element] : {std::pair{"f32", Element::f32},
                                      {"f16", Element::f16},
                                      {"bf16", Element::bf16},
                                      {"e4m3", Element::e4m3},
                                      {"s8", Element::s8}}) {
    const std::string shape = fmt::format(":{}:{}x{}", name, kSize, kSize);
    all.push_back({fmt::format("gemm {} {}^3", name, kSize), arguments("gemm", {"A" + shape, "B" + shape}),
                   element, [element = element](Device& d) { return product_seconds(d, element, kSize); }});
  }
  all.push_back(
      {"conv bf16 16x56x56x128, 128 of 3x3",
       arguments("conv", {"X:bf16:16x56x56x128", "W:bf16:128x3x3x128"}, {"layout=NHWC", "pads=1,1,1,1"}),
       Element::bf16, [](Device& d) { return convolution_seconds(d, 16, 56, 128); }});
  all.push_back(
      {"attention bf16 16 heads 2048x2048x128",
       arguments("attention", {"Q:bf16:1x16x2048x128", "K:bf16:1x16x2048x128", "V:bf16:1x16x2048x128"}),
       Element::f32, [](Device& d) { return attention_seconds(d, 16, 2048, 128); }});
  all.push_back({"softmax f32 4096x4096", arguments("softmax", {"X:f32:4096x4096"}), Element::f32,
                 [](Device& d) { return softmax_seconds(d, 4096, 4096); }});
  return all;
}

// Cycles and their share, where the machine takes the case.
std::string simulated(const testgen::Case& c) {
  app::RunOptions options;
  options.values = false;
  options.sanitize = false;
  try {
    const report::CaseResult r = app::run_case(app::without_values(c), options);
    return fmt::format("{:>12} {:>6.1f}%", r.cycles,
                       100.0 * static_cast<double>(r.roofline.attainable) / static_cast<double>(r.cycles));
  } catch (const Error& error) {
    if (error.code() != ExitCode::Unsupported) throw;
    return fmt::format("{:>12} {:>7}", "unsupported", "-");
  }
}

void print(const Row& row, Device& device, const Roofs& roofs) {
  const testgen::Case c = testgen::case_from_arguments(row.simulated);
  const ops::Work work = ops::find_operator(c.problem.op).work(c.problem);
  const auto flops = 2 * static_cast<double>(work.macs);
  const auto bytes = static_cast<double>((work.compulsory_read + work.compulsory_written).count());
  const double seconds = row.seconds(device);
  const double least = std::max(flops / roofs.of(row.roof), bytes / roofs.bytes);
  fmt::print("{:<40} {:>10.1f} {:>9.1f} {:>9.1f} {:>6.1f}%  {}\n", row.name, 1e6 * seconds,
             1e-12 * flops / seconds, 1e-9 * bytes / seconds, 100 * least / seconds, simulated(c));
}

int run(bool device_alone) {
  Device& device = golden::cuda::device();
  const golden::cuda::Properties p = device.properties();
  const Roofs roofs(p);
  fmt::print(
      "{} multiprocessors at {:.0f} MHz, memory {:.0f} MHz x {} bits\n"
      "roofs: f16 and bf16 {:.0f} TFLOP/s, bytes {:.0f}, f32 {:.1f}; memory {:.0f} GB/s\n",
      p.multiprocessors, 1e-6 * p.clock, 1e-6 * p.memory_clock, p.bus_bits, 1e-12 * roofs.of(Element::f16),
      1e-12 * roofs.of(Element::s8), 1e-12 * roofs.of(Element::f32), 1e-9 * roofs.bytes);
  for (const auto& [key, value] : golden::cuda_provenance()) fmt::print("{}: {}\n", key, value);
  if (device_alone) return 0;
  fmt::print("\n{:<40} {:>10} {:>9} {:>9} {:>7}  {:>12} {:>7}\n", "", "GPU us", "TFLOP/s", "GB/s", "share",
             "server128", "share");
  for (const Row& row : rows()) print(row, device, roofs);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string word = argc > 1 ? argv[1] : "";
  if (argc > 2 || (argc == 2 && word != "--device")) {
    fmt::print(stderr, "gpu_bench: expected no argument or --device\n");
    return static_cast<int>(ExitCode::Usage);
  }
  try {
    return run(argc == 2);
  } catch (const Error& error) {
    fmt::print(stderr, "gpu_bench: {}\n", error.what());
    return static_cast<int>(error.code());
  }
}
