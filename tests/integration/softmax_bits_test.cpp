// BITS mode for softmax: rows that fit and rows that do not, along any axis, hostile data, every dtype,
// bit-equal to the scalar model of the contract on every machine; REAL mode beside it. Prints how often each
// way was taken.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>

#include "app/case/case_run.hpp"
#include "base/machine_yaml.hpp"
#include "golden/backend.hpp"
#include "ops/softmax/softmax_plan.hpp"
#include "ops/softmax/softmax_spec.hpp"
#include "sim/host_module.hpp"
#include "testgen/case.hpp"

namespace assay {
namespace {

constexpr int kShapes = 60;  // of each dtype
constexpr std::array kMachines{"edge16", "server128", "tpuv1", "tests/tiny4", "tests/wide8x32"};
constexpr std::array kKinds{testgen::DataKind::Special,   testgen::DataKind::Cancellation,
                            testgen::DataKind::Subnormal, testgen::DataKind::SignedZero,
                            testgen::DataKind::Random,    testgen::DataKind::Mixed,
                            testgen::DataKind::Uniform};
// Around stripes, lanes and blocks.
constexpr std::array<std::int64_t, 24> kLengths{1,    2,    3,    31,   32,   33,   63,   64,
                                                65,   100,  127,  128,  129,  255,  257,  1000,
                                                1023, 1024, 1025, 1088, 2048, 2500, 3072, 5000};

using Generator = std::mt19937_64;  // its sequence is defined by the standard

std::int64_t pick(Generator& random, std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low + 1));
}

// Rank 1 to 4, the axis anywhere; about 20,000 elements at most.
ops::Problem problem_of(DType dtype, int index, Generator& random) {
  ops::Problem problem;
  problem.op = "softmax";
  const std::int64_t length = kLengths[static_cast<std::size_t>(index) % kLengths.size()];
  const std::int64_t rank = pick(random, 1, 4), axis = pick(random, 0, rank - 1);
  std::int64_t room = std::max<std::int64_t>(1, 20000 / length);
  Shape shape;
  for (std::int64_t d = 0; d < rank; ++d) {
    const std::int64_t dim = d == axis ? length : pick(random, 1, std::min<std::int64_t>(room, 60));
    if (d != axis) room /= dim;
    shape.push_back(dim);
  }
  problem.inputs = {{"X", dtype, shape}};
  problem.attributes.set("axis", random() % 2 != 0 ? axis : axis - rank);
  return problem;
}

// Which way the kernel goes.
std::string way_of(const ops::Problem& problem, const Machine& machine) {
  const ops::SoftmaxForm form = ops::softmax_form(problem);
  const auto element = static_cast<std::uint32_t>(size_of(problem.inputs[0].dtype));
  const assay_machine described = sim::describe(machine);
  softmax::Plan plan;
  softmax::make_plan({form.outer, form.length, form.inner, element}, described, plan);
  return fmt::format("{} {}", plan.by_columns ? "columns" : "rows", plan.resident ? "resident" : "in pieces");
}

class SoftmaxBits : public ::testing::TestWithParam<DType> {
 protected:
  void compare_everywhere(const ops::Problem& problem, testgen::DataKind data,
                          const std::vector<std::string>& machines) {
    testgen::Case c;
    c.problem = problem;
    c.mode = golden::Mode::Bits;
    c.data = data;
    testgen::validate(c);
    const app::CaseInput input = app::generated(c);
    const golden::Reference strict = golden::find_backend("strict").evaluate(c.problem, input.inputs);
    for (const std::string& name : machines) {
      c.config = name;
      const Machine machine = find_machine(name);
      const app::Execution run = app::execute(input, machine, {}, Cycle(1'000'000'000));
      const std::string line = testgen::reproduce_line(c);
      ASSERT_EQ(run.run.outcome, sim::Outcome::halted) << run.run.message << "\n  " << line;
      ASSERT_EQ(run.run.kernel_status, 0U) << line;
      ASSERT_TRUE(run.run.findings.empty()) << to_string(run.run.findings[0].kind) << "\n  " << line;
      ASSERT_EQ(run.unwritten, "") << line;
      const golden::Comparison comparison =
          golden::compare(run.outputs.at(0), strict.outputs.at(0), {golden::Mode::Bits});
      ASSERT_TRUE(comparison.passed) << comparison.to_line() << "\n  " << line;
      ++ways_[way_of(c.problem, machine)];
    }
  }

  std::map<std::string, int> ways_;
};

TEST_P(SoftmaxBits, EqualTheScalarModelOnEveryMachine) {
  Generator random(0x50F7 + static_cast<unsigned>(GetParam()));
  const std::vector<std::string> all(kMachines.begin(), kMachines.end());
  for (int i = 0; i < kShapes; ++i)
    compare_everywhere(problem_of(GetParam(), i, random), kKinds[static_cast<std::size_t>(i) % kKinds.size()],
                       all);
  for (const auto& [way, count] : ways_)
    fmt::print("bits  {:<5} {:<17} {} runs\n", to_string(GetParam()), way, count);
  EXPECT_EQ(ways_.size(), 4U);
}

// Where the order in which blocks are added up shows: data whose sums round.
TEST_P(SoftmaxBits, RowsOfSeveralBlocks) {
  const std::vector<std::string> all(kMachines.begin(), kMachines.end());
  for (const std::int64_t length : {1100, 2048, 2500, 3072, 3500, 4096, 5000, 7168})
    compare_everywhere({"softmax", {}, {{"X", GetParam(), {3, length}}}, {}}, testgen::DataKind::Uniform,
                       all);
  compare_everywhere({"softmax", {}, {{"X", GetParam(), {700, 3100}}}, {}}, testgen::DataKind::Normal,
                     {"server128"});
}

TEST_P(SoftmaxBits, RowsLongerThanTheScratchpad) {
  ops::Problem row{"softmax", {}, {{"X", GetParam(), {2, 150'001}}}, {}};
  compare_everywhere(row, testgen::DataKind::Mixed, {"edge16", "tests/wide8x32"});
  ops::Problem column{"softmax", {}, {{"X", GetParam(), {20'001, 3}}}, {}};
  column.attributes.set("axis", std::int64_t{0});
  compare_everywhere(column, testgen::DataKind::Mixed, {"edge16", "tests/wide8x32"});
  EXPECT_EQ(ways_.count("rows in pieces"), 1U);
  EXPECT_EQ(ways_.count("columns in pieces"), 1U);
}

// REAL mode: both goldens accept every element and every row's sum.
TEST_P(SoftmaxBits, PassesTheGoldensOnOrdinaryData) {
  for (const char* machine : {"edge16", "server128"})
    for (const auto& [shape, axis] : {std::pair(Shape{33, 1000}, -1), std::pair(Shape{3, 7000}, 1),
                                      std::pair(Shape{2, 1500, 9}, 1), std::pair(Shape{100'000}, 0)})
      for (const testgen::DataKind data : {testgen::DataKind::Uniform, testgen::DataKind::Normal}) {
        testgen::Case c;
        c.problem = {"softmax", {}, {{"X", GetParam(), shape}}, {}};
        c.problem.attributes.set("axis", std::int64_t{axis});
        c.config = machine;
        c.data = data;
        testgen::validate(c);
        const report::CaseResult r = app::run_case(app::generated(c), {});
        EXPECT_EQ(r.verdict, ExitCode::Pass) << r.text << ": " << r.message;
        EXPECT_EQ(r.goldens.size(), 2U);
      }
}

INSTANTIATE_TEST_SUITE_P(Dtypes, SoftmaxBits, ::testing::Values(DType::f32, DType::f16, DType::bf16),
                         [](const auto& test) { return std::string(to_string(test.param)); });

}  // namespace
}  // namespace assay
