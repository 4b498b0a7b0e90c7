// BITS mode for the elementwise operators: random shapes that broadcast in every pattern, hostile data, every
// dtype, bit-equal to the scalar model of the contract on every machine. Prints what each combination saw.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>

#include "app/case/case_run.hpp"
#include "base/machine_yaml.hpp"
#include "golden/backend.hpp"
#include "ops/elementwise/elementwise_spec.hpp"
#include "testgen/case.hpp"
#include "testgen/random.hpp"

namespace assay {
namespace {

constexpr int kShapes = 24;  // of each operator and dtype
constexpr std::array kMachines{"edge16", "server128", "tpuv1", "tests/tiny4", "tests/wide8x32"};
// Integers take Cancellation and Special as their extremes: 0, 1, MIN, MAX and their neighbours.
constexpr std::array kKinds{testgen::DataKind::Special,   testgen::DataKind::Cancellation,
                            testgen::DataKind::Subnormal, testgen::DataKind::SignedZero,
                            testgen::DataKind::Random,    testgen::DataKind::Mixed};

using Generator = std::mt19937_64;  // its sequence is defined by the standard

std::int64_t pick(Generator& random, std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low + 1));
}

// An output shape of any rank whose dimensions are 1, small or long; at most 20,000 elements.
Shape output_shape(Generator& random) {
  Shape shape;
  std::int64_t count = 1;
  for (std::int64_t rank = pick(random, 0, 8); rank > 0; --rank) {
    const std::int64_t kind = pick(random, 0, 9);
    std::int64_t dim = kind < 2 ? 1 : kind < 8 ? pick(random, 2, 9) : pick(random, 10, 3000);
    if (count * dim > 20000) dim = 1;
    count *= dim;
    shape.push_back(dim);
  }
  return shape;
}

// Leading dimensions dropped, others made 1: a shape that broadcasts to `out`.
Shape input_shape(const Shape& out, Generator& random) {
  Shape shape = out;
  if (random() % 3 == 0) return shape;
  const auto drop = static_cast<std::ptrdiff_t>(pick(random, 0, static_cast<std::int64_t>(shape.size())));
  if (random() % 2 != 0) shape.erase(shape.begin(), shape.begin() + drop);
  for (std::int64_t& dim : shape)
    if (random() % 3 == 0) dim = 1;
  return shape;
}

ops::Problem problem_of(const ops::Operator& op, DType dtype, Generator& random) {
  ops::Problem problem;
  problem.op = std::string(op.name());
  const auto most = static_cast<std::int64_t>(std::min<std::size_t>(op.input_names().size(), 5));
  const std::int64_t inputs = pick(random, static_cast<std::int64_t>(op.required_inputs()), most);
  const Shape out = output_shape(random);
  for (std::int64_t i = 0; i < inputs; ++i)
    problem.inputs.push_back({"", dtype, inputs == 1 ? out : input_shape(out, random)});
  return problem;
}

class ElementwiseBits : public ::testing::TestWithParam<const ops::Operator*> {};

TEST_P(ElementwiseBits, EqualTheScalarModelOnEveryMachine) {
  Generator random(testgen::hash(GetParam()->name()));
  std::map<std::string, Machine> machines;
  for (const char* name : kMachines) machines.emplace(name, find_machine(name));
  std::map<std::string, int> compared;
  const std::vector<DType> dtypes{DType::f32, DType::f16, DType::bf16, DType::s8,
                                  DType::u8,  DType::s32, DType::e4m3, DType::e5m2};
  for (const DType dtype : dtypes)
    for (int i = 0; i < kShapes; ++i) {
      testgen::Case c;
      c.problem = problem_of(*GetParam(), dtype, random);
      c.mode = golden::Mode::Bits;
      c.data = kKinds[static_cast<std::size_t>(i) % kKinds.size()];
      c.suite_seed = static_cast<std::uint64_t>(i) + 1;
      testgen::validate(c);
      const app::CaseInput input = app::generated(c);
      const golden::Reference strict = golden::find_backend("strict").evaluate(c.problem, input.inputs);
      for (const auto& [name, machine] : machines) {
        const app::Execution run = app::execute(input, machine, {}, Cycle(100'000'000));
        const auto line = [&, machine_name = name] {
          testgen::Case here = c;
          here.config = machine_name;
          return testgen::reproduce_line(here);
        };
        ASSERT_EQ(run.run.outcome, sim::Outcome::halted) << run.run.message << "\n  " << line();
        ASSERT_EQ(run.run.kernel_status, 0U) << line();
        ASSERT_TRUE(run.run.findings.empty()) << to_string(run.run.findings[0].kind) << "\n  " << line();
        ASSERT_EQ(run.unwritten, "") << line();
        const golden::Comparison comparison =
            golden::compare(run.outputs.at(0), strict.outputs.at(0), {golden::Mode::Bits});
        ASSERT_TRUE(comparison.passed) << comparison.to_line() << "\n  " << line();
        ++compared[fmt::format("{:<5} {:<15}", to_string(dtype), name)];
      }
    }
  ASSERT_EQ(compared.size(), dtypes.size() * kMachines.size());
  for (const auto& [combination, shapes] : compared) {
    fmt::print("bits  {:<5} {} {} shapes\n", GetParam()->name(), combination, shapes);
    EXPECT_EQ(shapes, kShapes) << combination;
  }
}

INSTANTIATE_TEST_SUITE_P(Operators, ElementwiseBits, ::testing::ValuesIn(ops::elementwise_operators()),
                         [](const auto& test) { return std::string(test.param->name()); });

}  // namespace
}  // namespace assay
