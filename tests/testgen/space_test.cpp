// Spaces of problems: what is drawn is valid, varied and as asked; what cannot be is proved.
#include "testgen/space/space.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "../support/expect_error.hpp"
#include "base/error.hpp"
#include "testgen/space/sampler.hpp"
#include "testgen/space/spaces/spaces.hpp"

namespace assay::testgen {
namespace {

using test::expect_error;

class OperatorSpace : public ::testing::TestWithParam<const ops::Operator*> {
 protected:
  std::string op{GetParam()->name()};
  std::unique_ptr<Space> space = make_space(op);
};

TEST_P(OperatorSpace, EveryDrawIsAValidProblem) {
  constexpr std::uint64_t kDraws = 2000;
  Sampler sampler(*space, 1);
  std::set<std::string> texts;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    const auto values = sampler.draw();
    ASSERT_TRUE(values.has_value());
    texts.insert(ops::to_string(space->problem(*values)));
  }
  const DrawStatistics& s = sampler.statistics();
  fmt::print("{:<14} {} drawn, {} different; {} drawn in part again, {} by Z3\n", op, s.drawn, texts.size(),
             s.redrawn, s.solved);
  EXPECT_EQ(s.drawn, kDraws);
  EXPECT_GT(texts.size(), kDraws / 2);
  EXPECT_EQ(s.impossible, 0U);
}

// Each corner of each parameter is there to be had, and a problem has it.
TEST_P(OperatorSpace, EveryCornerCanBeAskedFor) {
  Sampler sampler(*space, 2);
  std::size_t corners = 0;
  for (std::size_t at = 0; at < space->parameters().size(); ++at) {
    for (const Corner& corner : space->parameters()[at].corners) {
      const auto values = sampler.draw({{at, corner}});
      ASSERT_TRUE(values.has_value()) << space->parameters()[at].name << " = " << corner.low;
      EXPECT_GE((*values)[at], corner.low);
      EXPECT_LE((*values)[at], corner.high);
      space->problem(*values);
      ++corners;
    }
  }
  EXPECT_GE(corners, space->parameters().size());
  EXPECT_EQ(sampler.statistics().drawn, corners);
}

TEST_P(OperatorSpace, TheSameSeedDrawsTheSame) {
  Sampler a(*space, 7), b(*space, 7), other(*space, 8);
  int different = 0;
  for (int i = 0; i < 100; ++i) {
    const auto values = a.draw();
    EXPECT_EQ(values, b.draw());
    different += values != other.draw() ? 1 : 0;
  }
  EXPECT_GT(different, 50);
}

INSTANTIATE_TEST_SUITE_P(All, OperatorSpace, ::testing::ValuesIn(ops::all_operators()),
                         [](const auto& test) { return std::string(test.param->name()); });

// Two numbers that hardly ever fit each other by chance.
class LinearSpace final : public Space {
 public:
  LinearSpace() : Space("gemm", {}) {
    a = number("a", 1, 1000);
    b = number("b", 1, 1000);
    never = flag("never");
    require(37 * a == 41 * b + 5, "37 a is not 41 b + 5");
    require(never == 0 || 2 * a == 2 * b + 1, "an even number is not odd");
  }
  ops::Problem build(const Draw& d) const override {
    return {op(), {}, {{"", DType::f32, {d[a], 1}}, {"", DType::f32, {1, d[b]}}}, {}};
  }
  Expr a, b, never;
};

TEST(Sampler, AsksZ3WhereDrawingAgainDoesNotHelp) {
  const LinearSpace space;
  Sampler sampler(space, 1);
  std::set<std::int64_t> found;
  for (int i = 0; i < 20; ++i) {
    const Values values = sampler.draw().value();
    EXPECT_EQ(37 * values[space.find("a")], 41 * values[space.find("b")] + 5);
    found.insert(values[space.find("a")]);
  }
  EXPECT_EQ(sampler.statistics().solved, 20U);
  EXPECT_GT(found.size(), 3U);
}

TEST(Sampler, KnowsWhatCannotBe) {
  const LinearSpace space;
  Sampler sampler(space, 1);
  EXPECT_EQ(sampler.draw(parse_pins(space, {{"never", "1"}})), std::nullopt);
  EXPECT_EQ(sampler.statistics().impossible, 1U);
}

TEST(Pins, AreValuesRangesAndChoices) {
  const auto space = make_space("conv");
  Sampler sampler(*space, 1);
  const Pins pins =
      parse_pins(*space, {{"rank", "3"}, {"in2", "17..20"}, {"type", "bf16"}, {"stride0", "2"}});
  for (int i = 0; i < 50; ++i) {
    const ops::Problem p = space->problem(sampler.draw(pins).value());
    EXPECT_EQ(p.inputs[0].shape.size(), 5U);
    EXPECT_EQ(p.inputs[0].dtype, DType::bf16);
  }
}

// What matters only where something else has a value brings that along.
TEST(Pins, BringWhatTheyDependOn) {
  const auto space = make_space("gemm");
  Sampler sampler(*space, 3);
  for (int i = 0; i < 20; ++i) {
    const ops::Problem p = space->problem(sampler.draw(parse_pins(*space, {{"low", "-2"}})).value());
    EXPECT_EQ(ops::text_of(*p.attributes.find("activation")), "clip");
  }
}

TEST(Pins, AreRefusedByName) {
  const auto space = make_space("gemm");
  const auto parse = [&](const std::string& name, const std::string& value) {
    return [&, name, value] { parse_pins(*space, {{name, value}}); };
  };
  expect_error(ExitCode::Usage, "gemm has no 'mm'", parse("mm", "1"));
  expect_error(ExitCode::Usage, "gemm.activation has no 'rellu'", parse("activation", "rellu"));
  expect_error(ExitCode::Usage, "gemm.m = 0: expected values from 1 to 600", parse("m", "0"));
  expect_error(ExitCode::Usage, "gemm.m = '3..': expected a whole number", parse("m", "3.."));
  expect_error(ExitCode::Usage, "gemm.m = 9..3: expected the smaller value first", parse("m", "9..3"));
}

TEST(Expression, ComputesAsWritten) {
  const Expr x = Expr::parameter(0), y = Expr::parameter(1);
  const Values v{17, 5};
  EXPECT_EQ((x / y).evaluate(v), 3);
  EXPECT_EQ((x % y).evaluate(v), 2);
  EXPECT_EQ(divided_up(x, y).evaluate(v), 4);
  EXPECT_EQ(minimum(x, y).evaluate(v), 5);
  EXPECT_EQ(maximum(x, y).evaluate(v), 17);
  EXPECT_EQ((x * y - 3 + y).evaluate(v), 87);
  EXPECT_TRUE((x > y && !(x <= y) && x >= 17 && x != y).holds(v));
  EXPECT_FALSE((x < y || x == y).holds(v));
  EXPECT_TRUE(implies(x == 1, y == 9).holds(v));
}

}  // namespace
}  // namespace assay::testgen
