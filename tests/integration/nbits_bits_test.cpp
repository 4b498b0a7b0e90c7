// BITS mode of matmul_nbits: random shapes, groups and layouts on every machine, bit-equal to the scalar
// model.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>

#include "app/case/case_run.hpp"
#include "base/machine_yaml.hpp"
#include "golden/backend.hpp"
#include "testgen/case.hpp"

namespace assay {
namespace {

constexpr int kProblems = 40;  // per type of B
constexpr std::array kMachines{"edge16", "server128", "tests/tiny4", "tests/wide8x32"};
constexpr std::array kKinds{testgen::DataKind::Random, testgen::DataKind::Subnormal,
                            testgen::DataKind::SignedZero, testgen::DataKind::Special,
                            testgen::DataKind::Mixed};

using Generator = std::mt19937_64;

std::int64_t pick(Generator& random, std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low + 1));
}

ops::Problem random_problem(DType b, Generator& random) {
  constexpr std::array<std::int64_t, 8> kGroups{0, 2, 16, 32, 48, 64, 128, 200};
  constexpr std::array kScales{DType::f32, DType::f16, DType::bf16};
  const std::int64_t m = random() % 4 == 0 ? pick(random, 1, 300) : pick(random, 1, 6);
  const std::int64_t n = 2 * pick(random, 1, random() % 4 == 0 ? 1200 : 80), k = 2 * pick(random, 1, 220);
  const std::int64_t group = kGroups[random() % kGroups.size()];
  const bool transposed = random() % 2 != 0, is_signed = kind_of(b) == DTypeKind::Signed;
  const std::int64_t groups = group == 0 ? 1 : (k + group - 1) / group;
  const auto shape = [&](std::int64_t depth) { return transposed ? Shape{n, depth} : Shape{depth, n}; };
  ops::Problem p;
  p.op = "matmul_nbits";
  p.inputs = {{"A", random() % 2 != 0 ? DType::bf16 : DType::f16, {m, k}},
              {"B", b, shape(k)},
              {"scales", kScales[random() % 3], shape(groups)}};
  if (random() % 2 != 0) p.inputs.push_back({"zeros", is_signed ? DType::s8 : DType::u8, shape(groups)});
  else p.attributes.set("zero", is_signed ? std::int64_t{-3} : std::int64_t{8});
  p.attributes.set("group", group);
  p.attributes.set("transB", std::int64_t{transposed});
  if (random() % 3 == 0) p.attributes.set("out_dtype", std::string("f32"));
  return p;
}

class NbitsBits : public ::testing::TestWithParam<DType> {};

TEST_P(NbitsBits, EqualsTheScalarModelOnEveryMachine) {
  Generator random(0xB175 + static_cast<unsigned>(GetParam()));
  std::map<std::string, Machine> machines;
  for (const char* name : kMachines) machines.emplace(name, find_machine(name));
  for (int i = 0; i < kProblems; ++i) {
    testgen::Case c;
    c.problem = random_problem(GetParam(), random);
    c.mode = golden::Mode::Bits;
    c.data = kKinds[static_cast<std::size_t>(i) % kKinds.size()];
    c.suite_seed = static_cast<std::uint64_t>(i) + 1;
    testgen::validate(c);
    const app::CaseInput generated = app::generated(c);
    const golden::Reference strict = golden::find_backend("strict").evaluate(c.problem, generated.inputs);
    for (const char* machine : kMachines) {
      app::CaseInput input = generated;
      input.c.config = machine;
      app::RunOptions options;
      options.jitter = static_cast<std::uint64_t>(i) / 2 * (i % 2);
      const app::Execution execution =
          app::execute(input, machines.at(machine), options, Cycle(1'000'000'000));
      const std::string line = testgen::reproduce_line(input.c);
      ASSERT_EQ(execution.run.outcome, sim::Outcome::halted) << execution.run.message << "\n" << line;
      ASSERT_EQ(execution.run.findings.size(), 0U) << line;
      ASSERT_EQ(execution.run.kernel_status, 0U) << line;
      ASSERT_EQ(execution.unwritten, "") << line;
      const golden::Comparison comparison =
          golden::compare(execution.outputs.at(0), strict.outputs.at(0), {golden::Mode::Bits});
      ASSERT_TRUE(comparison.passed) << comparison.to_line() << "\n  " << line;
    }
  }
}

// The goldens, which share no arithmetic, with each other.
TEST_P(NbitsBits, TheGoldensAgree) {
  Generator random(0xA6 + static_cast<unsigned>(GetParam()));
  for (int i = 0; i < 25; ++i) {
    testgen::Case c;
    c.problem = random_problem(GetParam(), random);
    c.mode = golden::Mode::Real;
    c.data = testgen::DataKind::Uniform;
    c.suite_seed = static_cast<std::uint64_t>(i) + 1;
    testgen::validate(c);
    const app::CaseInput input = app::generated(c);
    const Tensor bits = *golden::find_backend("strict").evaluate(c.problem, input.inputs).outputs.at(0).bits;
    for (const char* name : {"cpu", "dnnl"}) {
      const golden::Reference reference = golden::find_backend(name).evaluate(c.problem, input.inputs);
      const golden::Comparison comparison =
          golden::compare(bits, reference.outputs.at(0), {golden::Mode::Real});
      ASSERT_TRUE(comparison.passed) << name << ": " << comparison.to_line();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Dtypes, NbitsBits, ::testing::Values(DType::s4, DType::u4, DType::s8, DType::u8),
                         [](const auto& test) { return std::string(to_string(test.param)); });

}  // namespace
}  // namespace assay
