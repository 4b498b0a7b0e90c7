// BITS mode over the machines: GEMM on random shapes and hostile data, bit-equal to the scalar model of
// the contract on every machine and in every dataflow. Prints how many shapes each combination saw.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>
#include <set>

#include "app/case/case_run.hpp"
#include "base/machine_yaml.hpp"
#include "golden/backend.hpp"
#include "ops/gemm/gemm_spec.hpp"
#include "testgen/case.hpp"

namespace assay {
namespace {

// Shapes per dtype: eight-bit floats and u8 go the ways of the others but for what they are widened to.
int shapes_of(DType dtype) { return size_of(dtype) == 1 && dtype != DType::s8 ? 60 : 210; }
constexpr std::array kMachines{"edge16", "server128", "tpuv1", "tests/tiny4", "tests/wide8x32"};
constexpr std::array kDataflows{"ws", "os", "as"};
constexpr std::array kKinds{testgen::DataKind::Random,    testgen::DataKind::Cancellation,
                            testgen::DataKind::Subnormal, testgen::DataKind::SignedZero,
                            testgen::DataKind::Special,   testgen::DataKind::Mixed};
// Each array size of the machines above, doubled ones for chained types, and its neighbours.
constexpr std::array<std::int64_t, 28> kEdges{1,  2,  3,  4,   5,   7,   8,   9,   15,  16, 17, 31, 32,  33,
                                              63, 64, 65, 127, 128, 129, 255, 256, 257, 11, 23, 48, 100, 300};

using Generator = std::mt19937_64;  // its sequence is defined by the standard

std::int64_t pick(Generator& random, std::int64_t bound) {
  return static_cast<std::int64_t>(random() % bound);
}

// Every dimension visits every edge in turn, the other two drawn at random within a budget of MACs.
using Dims = std::array<std::int64_t, 3>;

ops::Problem shape_of(DType dtype, int index, Generator& random, std::set<Dims>& seen) {
  Dims dims{};
  do {
    for (auto& dim : dims) dim = kEdges[static_cast<std::size_t>(pick(random, kEdges.size()))];
    dims[static_cast<std::size_t>(index) % 3] = kEdges[static_cast<std::size_t>(index) / 3 % kEdges.size()];
    if (index == 0) dims = {1, 1, 1};
  } while (dims[0] * dims[1] * dims[2] > 3'000'000 || !seen.insert(dims).second);
  const auto [m, n, k] = dims;
  const bool trans_a = random() % 2 != 0, trans_b = random() % 2 != 0;
  const bool fp8 = dtype == DType::e4m3 || dtype == DType::e5m2, integer = !is_float(dtype);
  DType b_dtype = dtype;
  if (fp8) b_dtype = random() % 2 != 0 ? DType::e4m3 : DType::e5m2;
  if (dtype == DType::u8) b_dtype = random() % 2 != 0 ? DType::u8 : DType::s8;
  ops::Problem problem;
  problem.op = "gemm";
  problem.inputs = {{"A", dtype, trans_a ? Shape{k, m} : Shape{m, k}},
                    {"B", b_dtype, trans_b ? Shape{n, k} : Shape{k, n}}};
  const std::array<Shape, 6> bias{Shape{m, n}, Shape{n}, Shape{1, n}, Shape{m, 1}, Shape{1}, Shape{}};
  const std::size_t choice = static_cast<std::size_t>(pick(random, 10));
  if (choice < bias.size()) problem.inputs.push_back({"C", integer ? DType::s32 : dtype, bias[choice]});
  problem.attributes.set("transA", std::int64_t{trans_a});
  problem.attributes.set("transB", std::int64_t{trans_b});
  if (random() % 2 != 0) problem.attributes.set("alpha", integer ? -3.0F : 1.3F);
  if (random() % 2 != 0) problem.attributes.set("beta", integer ? 5.0F : -0.7F);
  if (!integer && random() % 4 == 0) problem.attributes.set("out_dtype", std::string("f32"));
  constexpr std::array kActivations{"relu", "clip", "tanh", "sigmoid", "silu", "gelu", "gelu_tanh"};
  if (!integer && index % 3 == 0)
    problem.attributes.set("activation", std::string(kActivations[static_cast<std::size_t>(index) / 3 % 7]));
  constexpr std::array kOutputs{"auto", "f16", "bf16", "e4m3", "e5m2"};
  if (fp8 && problem.attributes.find("out_dtype") == nullptr)
    problem.attributes.set("out_dtype", std::string(kOutputs[static_cast<std::size_t>(pick(random, 5))]));
  if (random() % 3 == 0) {
    ops::gemm_operator().infer(problem);
    problem.inputs.push_back({"R", problem.outputs[0].dtype, {m, n}});
  }
  return problem;
}

class Bits : public ::testing::TestWithParam<DType> {};

TEST_P(Bits, GemmEqualsTheScalarModelOnEveryMachineAndDataflow) {
  const DType dtype = GetParam();
  Generator random(0xA55A + static_cast<unsigned>(dtype));
  std::map<std::string, int> compared;
  std::set<Dims> seen;  // no shape is counted twice
  std::map<std::string, Machine> machines;
  for (const char* name : kMachines) machines.emplace(name, find_machine(name));
  for (int i = 0; i < shapes_of(dtype); ++i) {
    testgen::Case c;
    c.problem = shape_of(dtype, i, random, seen);
    c.mode = golden::Mode::Bits;
    c.data = kKinds[static_cast<std::size_t>(i) % kKinds.size()];
    c.suite_seed = static_cast<std::uint64_t>(i) + 1;
    testgen::validate(c);
    const app::CaseInput generated = app::generated(c);
    const golden::Reference strict = golden::find_backend("strict").evaluate(c.problem, generated.inputs);
    for (const char* machine : kMachines) {
      for (const char* dataflow : kDataflows) {
        app::CaseInput input = generated;
        input.c.config = machine;
        input.c.problem.attributes.set("dataflow", std::string(dataflow));
        app::RunOptions options;
        options.jitter = static_cast<std::uint64_t>(i) / 2 * (i % 2);  // every other shape is shaken
        const app::Execution execution =
            app::execute(input, machines.at(machine), options, Cycle(1'000'000'000));
        ASSERT_EQ(execution.run.outcome, sim::Outcome::halted) << execution.run.message;
        ASSERT_EQ(execution.run.findings.size(), 0U) << testgen::reproduce_line(input.c);
        ASSERT_EQ(execution.run.kernel_status, 0U) << testgen::reproduce_line(input.c);
        ASSERT_EQ(execution.unwritten, "") << testgen::reproduce_line(input.c);
        const golden::Comparison comparison =
            golden::compare(execution.outputs.at(0), strict.outputs.at(0), {golden::Mode::Bits});
        ASSERT_TRUE(comparison.passed) << comparison.to_line() << "\n  " << testgen::reproduce_line(input.c);
        ++compared[fmt::format("{:<5} {:<15} {}", to_string(dtype), machine, dataflow)];
      }
    }
  }
  EXPECT_EQ(compared.size(), kMachines.size() * kDataflows.size());
  for (const auto& [combination, shapes] : compared) {
    fmt::print("bits  {}  {} shapes\n", combination, shapes);
    EXPECT_EQ(shapes, shapes_of(dtype)) << combination;
  }
}

// Batches, each with a residual of its own; some activations.
TEST(ResidualBits, MatmulWithResidualEqualsTheScalarModel) {
  Generator random(7);
  int runs = 0;
  for (int i = 0; i < 40; ++i) {
    const auto dim = [&] { return kEdges[static_cast<std::size_t>(pick(random, 20))]; };
    const std::int64_t m = dim(), n = dim(), k = std::min<std::int64_t>(dim(), 65),
                       batch = 1 + pick(random, 4);
    constexpr std::array kTypes{DType::f32, DType::bf16, DType::f16, DType::s8};
    const DType type = kTypes[static_cast<std::size_t>(i) % kTypes.size()];
    testgen::Case c;
    c.problem.op = "matmul";
    c.problem.inputs = {{"A", type, {2, batch, m, k}}, {"B", type, {batch, k, n}}};
    if (is_float(type) && i % 3 == 0) c.problem.attributes.set("activation", std::string("silu"));
    testgen::validate(c);
    c.problem.inputs.push_back({"R", c.problem.outputs[0].dtype, c.problem.outputs[0].shape});
    c.mode = golden::Mode::Bits;
    c.data = kKinds[static_cast<std::size_t>(i) % kKinds.size()];
    testgen::validate(c);
    for (const char* machine : kMachines) {
      c.config = machine;
      c.problem.attributes.set("dataflow", std::string(kDataflows[static_cast<std::size_t>(runs) % 3]));
      app::RunOptions options;
      options.jitter = static_cast<std::uint64_t>(i) / 2 * (i % 2);
      const report::CaseResult result = app::run_case(app::generated(c), options);
      ASSERT_EQ(to_string(result.verdict), to_string(ExitCode::Pass))
          << result.text << ": " << result.message;
      ++runs;
    }
  }
  fmt::print("bits  matmul with a residual: {} runs\n", runs);
}

INSTANTIATE_TEST_SUITE_P(Dtypes, Bits,
                         ::testing::Values(DType::f32, DType::f16, DType::bf16, DType::s8, DType::u8,
                                           DType::e4m3, DType::e5m2),
                         [](const auto& test) { return std::string(to_string(test.param)); });

}  // namespace
}  // namespace assay
