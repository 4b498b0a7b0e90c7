// Einsum on whole machines: random equations over random shapes, to the bit, and by the bound.
#include <gtest/gtest.h>

#include <array>

#include "app/case/case_run.hpp"
#include "testgen/case_arguments.hpp"
#include "testgen/space/random_problem.hpp"

namespace assay {
namespace {

TEST(Einsum, RandomEquationsEqualStrictAndKeepTheBound) {
  int summed = 0;
  testgen::Generator random(11);
  for (std::uint64_t i = 0; i < 120; ++i) {
    testgen::Case c;
    c.problem = testgen::random_problem("einsum", i % 3 == 0 ? DType::f32 : DType::f64, random);
    c.config = std::array{"edge16", "server128", "tests/tiny4"}[i % 3];
    c.mode = i % 2 == 0 ? golden::Mode::Bits : golden::Mode::Real;
    c.data = testgen::default_data_kind(c.mode);
    c.suite_seed = i;
    testgen::validate(c);
    const report::CaseResult r = app::run_case(app::generated(c), {});
    EXPECT_EQ(r.verdict, ExitCode::Pass) << r.text << ": " << r.message;
    summed += r.scalar_operations > 0;
  }
  EXPECT_GT(summed, 60);
}

TEST(Einsum, ExactDataOfF64MayGrowBeyondWhatF32Holds) {
  testgen::CaseArguments a;
  a.op = "einsum";
  a.inputs = {"Inputs_0:f64:3x70000", "Inputs_1:f64:70000"};
  a.attributes = {"equation=ij,j->i"};
  a.config = "edge16";
  a.mode = "exact";
  const report::CaseResult r = app::run_case(app::generated(testgen::case_from_arguments(a)), {});
  EXPECT_EQ(r.verdict, ExitCode::Pass) << r.message;
}

TEST(Einsum, ItsRoofIsTheHosts) {
  testgen::CaseArguments a;
  a.op = "einsum";
  a.inputs = {"Inputs_0:f64:8x16", "Inputs_1:f64:16x8"};
  a.attributes = {"equation=ij,jk"};
  a.config = "server128";
  const report::CaseResult r = app::run_case(app::generated(testgen::case_from_arguments(a)), {});
  EXPECT_EQ(r.roofline.binding, "host");
  EXPECT_EQ(r.roofline.attainable, 8U * 16 * 8 * 4);  // fp_cycles
  EXPECT_EQ(r.bytes_moved, (2U * 8 * 16 * 8 + 64) * 8);
  std::uint64_t lost = 0;
  for (const report::Loss& loss : r.losses) lost += loss.cycles;
  EXPECT_EQ(lost, r.cycles - r.roofline.attainable);
}

}  // namespace
}  // namespace assay
