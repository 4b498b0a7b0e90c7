// The named algorithms of conv: random problems, hostile data, on every machine bit-equal to the scalar model
// of the contract; with shaken timing.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <array>
#include <map>

#include "app/case/case_run.hpp"
#include "testgen/case_arguments.hpp"
#include "testgen/random.hpp"

namespace assay {
namespace {

constexpr int kProblems = 60;  // of each algorithm
constexpr std::array kMachines{"edge16", "server128", "tests/tiny4", "tests/wide8x32"};
constexpr std::array kData{"special", "cancellation", "subnormal", "signed_zero", "random", "mixed"};

using Random = testgen::ElementRandom;

std::int64_t pick(Random& random, std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(random.below(static_cast<std::uint32_t>(high - low + 1)));
}

template <std::size_t N>
std::int64_t one_of(Random& random, const std::array<std::int64_t, N>& values) {
  return values[random.below(N)];
}

struct Axis {
  std::int64_t size, kernel, stride = 1, dilation = 1, before, after, out;
};

// With strides and dilations, or without; a kernel of `kernel` taps, 0: any.
Axis random_axis(Random& random, bool plain, std::int64_t kernel, std::int64_t largest) {
  Axis a{};
  a.kernel = kernel != 0 ? kernel : one_of(random, std::array<std::int64_t, 5>{1, 2, 3, 5, 7});
  a.stride = plain ? 1 : pick(random, 1, 3);
  a.dilation = plain ? 1 : pick(random, 1, 2);
  const std::int64_t most = random.below(8) == 0 ? 9 : 2;
  a.before = pick(random, 0, most);
  a.after = pick(random, 0, most);
  const std::int64_t reach = (a.kernel - 1) * a.dilation + 1;
  a.size = pick(random, std::max<std::int64_t>(1, reach - a.before - a.after), largest);
  a.out = (a.size + a.before + a.after - reach) / a.stride + 1;
  return a;
}

testgen::CaseArguments random_problem(Random& random, const std::string& algorithm, int number) {
  const bool im2col = algorithm == "im2col";
  testgen::CaseArguments a;
  a.op = "conv";
  a.mode = "bits";
  a.data = kData[static_cast<std::size_t>(number) % kData.size()];
  a.seed = static_cast<std::uint64_t>(number) + 1;
  const char* dtype = std::array<const char*, 3>{"f32", "bf16", "f16"}[random.below(3)];
  const char* out = random.below(4) == 0 ? "f32" : dtype;
  const std::int64_t groups = im2col ? one_of(random, std::array<std::int64_t, 4>{1, 1, 2, 3}) : 1;
  std::int64_t channels = groups * one_of(random, std::array<std::int64_t, 7>{1, 2, 3, 5, 8, 16, 33});
  if (algorithm == "fft") channels = std::min<std::int64_t>(channels, 12);
  const std::int64_t outputs = groups * one_of(random, std::array<std::int64_t, 7>{1, 2, 3, 7, 16, 20, 41});
  const std::int64_t batch = pick(random, 1, 2), kernel = algorithm == "winograd" ? 3 : 0;
  const std::int64_t largest = algorithm == "fft" ? 14 : 19;
  const Axis h = random_axis(random, !im2col, kernel, largest),
             w = random_axis(random, !im2col, kernel, largest);
  a.inputs = {fmt::format("X:{}:{}x{}x{}x{}", dtype, batch, h.size, w.size, channels),
              fmt::format("W:{}:{}x{}x{}x{}", dtype, outputs, h.kernel, w.kernel, channels / groups)};
  if (random.below(2) == 0) a.inputs.push_back(fmt::format("B:{}:{}", dtype, outputs));
  if (im2col && random.below(3) == 0)
    a.inputs.push_back(fmt::format("R:{}:{}x{}x{}x{}", out, batch, h.out, w.out, outputs));
  a.attributes = {
      "layout=NHWC",
      "algorithm=" + algorithm,
      fmt::format("out_dtype={}", out),
      fmt::format("group={}", groups),
      fmt::format("strides={},{}", h.stride, w.stride),
      fmt::format("dilations={},{}", h.dilation, w.dilation),
      fmt::format("pads={},{},{},{}", h.before, w.before, h.after, w.after),
      fmt::format("activation={}", std::array<const char*, 3>{"none", "relu", "clip"}[random.below(3)])};
  return a;
}

class ConvAlgorithm : public ::testing::TestWithParam<const char*> {};

TEST_P(ConvAlgorithm, EqualsTheScalarModelOnEveryMachine) {
  Random random(testgen::hash(GetParam()), 0);
  std::map<std::string, int> compared, without_room;
  for (int number = 0; number < kProblems; ++number) {
    testgen::CaseArguments arguments = random_problem(random, GetParam(), number);
    for (const char* machine : kMachines) {
      arguments.config = machine;
      const testgen::Case c = testgen::case_from_arguments(arguments);
      app::RunOptions options;
      if (number % 2 == 1) options.jitter = c.suite_seed;
      const report::CaseResult r = app::run_case(app::generated(c), options);
      if (r.verdict == ExitCode::Unsupported) {
        ++without_room[machine];
        EXPECT_EQ(r.message, fmt::format("no tiling fits the memories of {}", machine));
        continue;
      }
      ASSERT_EQ(to_string(r.verdict), to_string(ExitCode::Pass))
          << r.message << fmt::format("\n  {}\n  ", fmt::join(r.notes, "\n  ")) << testgen::reproduce_line(c);
      ++compared[machine];
    }
  }
  for (const char* machine : kMachines)
    fmt::print("bits  conv {:<9} {:<15} {} problems, {} without room\n", GetParam(), machine,
               compared[machine], without_room[machine]);
  EXPECT_EQ(compared["edge16"], kProblems);
  EXPECT_EQ(compared["server128"], kProblems);
  EXPECT_GT(compared["tests/tiny4"], kProblems / 3);
}

INSTANTIATE_TEST_SUITE_P(Algorithms, ConvAlgorithm, ::testing::Values("im2col", "winograd", "fft"),
                         [](const auto& test) { return std::string(test.param); });

// Real data against fp64 within the derived bound; integers to the bit.
TEST(ConvAlgorithms, AreRightOnOrdinaryData) {
  for (const char* algorithm : {"im2col", "winograd", "fft"})
    for (const char* dtype : {"f32", "f16", "bf16"})
      for (const char* mode : {"real", "exact"}) {
        if (algorithm == std::string("fft") && mode == std::string("exact")) continue;
        testgen::CaseArguments a;
        a.op = "conv";
        a.inputs = {fmt::format("X:{}:1x15x17x40", dtype), fmt::format("W:{}:50x3x3x40", dtype),
                    fmt::format("B:{}:50", dtype)};
        a.attributes = {"layout=NHWC", "pads=1,1,1,1", "activation=relu",
                        std::string("algorithm=") + algorithm};
        a.mode = mode;
        for (const char* machine : {"edge16", "server128"}) {
          a.config = machine;
          const testgen::Case c = testgen::case_from_arguments(a);
          const report::CaseResult r = app::run_case(app::generated(c), {});
          EXPECT_EQ(to_string(r.verdict), to_string(ExitCode::Pass))
              << r.message << fmt::format("\n  {}\n  ", fmt::join(r.notes, "\n  "))
              << testgen::reproduce_line(c);
          EXPECT_FALSE(r.goldens.empty());
        }
      }
}

struct Large {
  const char *algorithm, *config;
  std::vector<std::string> inputs;
  const char* pads;
};

// Many blocks, slabs and pieces; rows of tiles that are cut; weights that are transformed in parts.
TEST(ConvAlgorithms, TakeLayersOfNetworks) {
  for (const Large& l : {
           Large{"im2col", "edge16", {"X:bf16:1x56x56x64", "W:bf16:40x3x3x64"}, "1,1,1,1"},
           Large{"im2col", "server128", {"X:f16:2x30x33x96", "W:f16:130x5x5x96"}, "2,2,2,2"},
           Large{"winograd", "edge16", {"X:bf16:1x56x56x64", "W:bf16:64x3x3x64"}, "1,1,1,1"},
           Large{"winograd", "edge16", {"X:f32:1x5x300x40", "W:f32:33x3x3x40"}, "1,0,1,0"},
           Large{"winograd", "edge16", {"X:bf16:1x5x7x700", "W:bf16:20x3x3x700"}, "0,0,0,0"},
           Large{"winograd", "server128", {"X:bf16:3x28x28x128", "W:bf16:200x3x3x128"}, "1,1,1,1"},
           Large{"fft", "edge16", {"X:bf16:1x28x28x64", "W:bf16:64x5x5x64"}, "2,2,2,2"},
           Large{"fft", "edge16", {"X:bf16:1x5x7x150", "W:bf16:20x3x3x150"}, "0,0,0,0"},
           Large{"fft", "server128", {"X:f16:2x29x80x30", "W:f16:70x9x7x30"}, "4,3,4,3"},
       }) {
    testgen::CaseArguments a;
    a.op = "conv";
    a.inputs = l.inputs;
    a.attributes = {"layout=NHWC", std::string("algorithm=") + l.algorithm, std::string("pads=") + l.pads};
    a.mode = "bits";
    a.data = "random";
    a.config = l.config;
    const testgen::Case c = testgen::case_from_arguments(a);
    const report::CaseResult r = app::run_case(app::generated(c), {});
    EXPECT_EQ(to_string(r.verdict), to_string(ExitCode::Pass)) << r.message << testgen::reproduce_line(c);
  }
}

}  // namespace
}  // namespace assay
