// The model's reader, its conditions and its counts.
#include "testgen/coverage/model.hpp"

#include <gmock/gmock.h>

#include "../../support/expect_error.hpp"
#include "app/coverage/case_coverage.hpp"

namespace assay::coverage {
namespace {

using ::testing::HasSubstr;

Model model_of(const std::string& text) { return Model::parse(text, "m.yaml", app::coverage_schema()); }

// A group of one point, from its YAML in flow style.
std::string group(const std::string& points, const std::string& more = "") {
  return "covergroups:\n  - {name: g, sample: case, doc: a group, points: {" + points + "}" + more + "}\n";
}

void expect_error(const std::string& part, const std::string& text) {
  test::expect_error(ExitCode::Usage, part, [&] { model_of(text); });
}

Features sample(const std::vector<std::pair<std::string, double>>& numbers,
                const std::vector<std::pair<std::string, std::string>>& words = {}) {
  Features f(app::coverage_schema()[Scope::Case]);
  for (const auto& [name, value] : numbers) f.number(name, value);
  for (const auto& [name, value] : words) f.word(name, value);
  return f;
}

bool accepts(const std::string& bin, double m) {
  const Model model = model_of(group("m: {doc: rows, bins: {b: " + bin + "}}"));
  return model.hit_by(model.bin("g/m/b"), sample({{"m", m}, {"rows", 16}, {"cols", 8}}));
}

TEST(CoverageCondition, NumbersRangesAndClasses) {
  EXPECT_TRUE(accepts("3", 3));
  EXPECT_FALSE(accepts("3", 4));
  EXPECT_TRUE(accepts("[3, 5]", 5));
  EXPECT_FALSE(accepts("[3, 5]", 4));
  EXPECT_TRUE(accepts("2..4", 2) && accepts("2..4", 4) && accepts("..4", -7) && accepts("4..", 1e9));
  EXPECT_FALSE(accepts("2..4", 1) || accepts("2..4", 5) || accepts("..4", 5) || accepts("4..", 3));
  EXPECT_TRUE(accepts("prime", 2) && accepts("prime", 97));
  EXPECT_FALSE(accepts("prime", 1) || accepts("prime", 91) || accepts("prime", 0));
  EXPECT_TRUE(accepts("power_of_two", 1) && accepts("power_of_two", 64));
  EXPECT_FALSE(accepts("power_of_two", 0) || accepts("power_of_two", 12));
  EXPECT_TRUE(accepts("odd", 7) && accepts("even", 0) && !accepts("odd", 8) && !accepts("even", 9));
}

TEST(CoverageCondition, NamesOfTheMachineStandForItsNumbers) {
  EXPECT_TRUE(accepts("rows", 16) && accepts("rows-1", 15) && accepts("2*rows+1", 33) &&
              accepts("cols..rows", 9));
  EXPECT_FALSE(accepts("rows", 15) || accepts("2*rows", 33) || accepts("cols..rows", 17) ||
               accepts("cols..rows", 7));
  EXPECT_TRUE(accepts("multiple of cols", 24) && accepts("remainder 1 of cols", 17) &&
              accepts("remainder -1 of cols", 23));
  EXPECT_FALSE(accepts("multiple of cols", 25) || accepts("remainder 1 of cols", 18));
  EXPECT_TRUE(accepts("{is: prime, and: rows+1..}", 17));
  EXPECT_FALSE(accepts("{is: prime, and: rows+1..}", 13) || accepts("{is: prime, and: rows+1..}", 18));
}

TEST(CoverageCondition, AFeatureThatTheSampleLacksHitsNothing) {
  const Model model = model_of(group("k: {doc: depth, bins: {b: 1..}}"));
  EXPECT_FALSE(model.hit_by(model.bin("g/k/b"), sample({{"m", 3}})));
  const Model symbol = model_of(group("m: {doc: rows, bins: {b: rows}}"));
  EXPECT_FALSE(symbol.hit_by(symbol.bin("g/m/b"), sample({{"m", 16}})));
}

TEST(CoverageCondition, NumbersToTryAreAccepted) {
  const Model model =
      model_of(group("m: {doc: rows, bins: {a: rows-1, b: 2*rows+1.., c: remainder 1 of cols, d: prime}}"));
  const Features machine = sample({{"m", 1}, {"rows", 16}, {"cols", 8}});
  const auto numbers = [&](const char* bin) { return model.asks(model.bin(bin)).back()->numbers(machine); };
  EXPECT_EQ(numbers("g/m/a"), std::vector<std::int64_t>{15});
  EXPECT_THAT(numbers("g/m/b"), ::testing::Contains(33));
  EXPECT_THAT(numbers("g/m/c"), ::testing::Contains(17));
  EXPECT_THAT(numbers("g/m/d"), ::testing::Contains(13));
}

TEST(CoverageModel, PointsAndCrossesAreHitTogether) {
  const Model model =
      model_of(group("m: {doc: rows, bins: {one: 1, more: 2..}}, mode: {doc: mode, bins: all}",
                     ", crosses: {x: {doc: both, of: [m, mode]}}"));
  EXPECT_EQ(model.size(), 5U + 6U);
  EXPECT_EQ(model.cross_bins(), 6U);
  Sampler sampler(model);
  sampler.sample(Scope::Case, sample({{"m", 1}}, {{"mode", "bits"}}));
  EXPECT_TRUE(sampler.hit(model.bin("g/m/one")) && sampler.hit(model.bin("g/mode/bits")) &&
              sampler.hit(model.bin("g/x/one*bits")));
  EXPECT_FALSE(sampler.hit(model.bin("g/m/more")) || sampler.hit(model.bin("g/x/more*bits")));
  EXPECT_EQ(sampler.bins().size(), 3U);
  // m of one sample and mode of another make no combination.
  sampler.sample(Scope::Case, sample({{"m", 2}}));
  sampler.sample(Scope::Case, sample({}, {{"mode", "real"}}));
  EXPECT_TRUE(sampler.hit(model.bin("g/m/more")) && sampler.hit(model.bin("g/mode/real")));
  EXPECT_FALSE(sampler.hit(model.bin("g/x/more*real")));
  sampler.clear();
  EXPECT_TRUE(sampler.bins().empty());
}

TEST(CoverageModel, AConditionOfGroupOrPointKeepsOthersOut) {
  const Model model = model_of(
      "covergroups:\n"
      "  - {name: g, sample: case, doc: d, when: {op: gemm}, points: {m: {doc: d, bins: {any: 1..}}, k: "
      "{doc: d, when: {m: 2..}, bins: {any: 1..}}}}\n");
  Sampler sampler(model);
  sampler.sample(Scope::Case, sample({{"m", 5}, {"k", 5}}, {{"op", "add"}}));
  EXPECT_TRUE(sampler.bins().empty());
  sampler.sample(Scope::Case, sample({{"m", 1}, {"k", 5}}, {{"op", "gemm"}}));
  EXPECT_TRUE(sampler.hit(model.bin("g/m/any")));
  EXPECT_FALSE(sampler.hit(model.bin("g/k/any")));
  EXPECT_EQ(model.ask_text(model.bin("g/k/any")), "op = gemm, m = 2.., k = 1..");
}

TEST(CoverageModel, ASampleMayHaveSeveralValuesOfAFeature) {
  const Model model = model_of(group("stride: {doc: d, bins: {one: 1, two: 2, three: 3}}"));
  Sampler sampler(model);
  sampler.sample(Scope::Case, sample({{"stride", 1}, {"stride", 3}}));
  EXPECT_TRUE(sampler.hit(model.bin("g/stride/one")) && sampler.hit(model.bin("g/stride/three")));
  EXPECT_FALSE(sampler.hit(model.bin("g/stride/two")));
}

TEST(CoverageModel, ExcludedCombinationsAreNoBinsAndUnreachableOnesSayWhy) {
  const Model model = model_of(group(
      "m: {doc: d, bins: {one: 1, two: {is: 2, unreachable: there is no two}}}, mode: {doc: d, bins: all}",
      ", crosses: {x: {doc: d, of: [m, mode], exclude: [{mode: real, because: not asked for}], "
      "unreachable: [{m: one, mode: exact, because: one is never exact}]}}"));
  EXPECT_FALSE(model.find("g/x/one*real"));
  EXPECT_EQ(model.bins()[model.bin("g/x/one*exact")].unreachable, "one is never exact");
  EXPECT_EQ(model.bins()[model.bin("g/x/two*bits")].unreachable, "there is no two");
  EXPECT_EQ(model.bins()[model.bin("g/x/one*bits")].unreachable, "");
}

TEST(CoverageModel, ErrorsNameFileLineAndTheNearestChoice) {
  expect_error("m.yaml:2: covergroup: unknown key 'nam'; expected one of name",
               "covergroups:\n  - {nam: g}\n");
  expect_error("missing key 'doc'", "covergroups:\n  - {name: g, sample: case}\n");
  expect_error("'cases'; expected one of case",
               "covergroups:\n  - {name: g, sample: cases, doc: d, points: {}}\n");
  expect_error("unknown feature 'dtipe'; did you mean 'dtype'?", group("dtipe: {doc: d, bins: all}"));
  expect_error("'bfloat' is no value of feature 'dtype'", group("dtype: {doc: d, bins: [bfloat]}"));
  expect_error("'rowz' is neither a number nor a feature that is one; did you mean 'rows'?",
               group("m: {doc: d, bins: {b: rowz-1}}"));
  expect_error("'4..2' is an empty range", group("m: {doc: d, bins: {b: 4..2}}"));
  expect_error("no set of bins is called 'extend'", group("m: {doc: d, bins: extend(rows)}"));
  expect_error("feature 'config' has no table of values", group("config: {doc: d, bins: all}"));
  expect_error("a name without '/'", group("m: {doc: d, bins: {a/b: 1}}"));
  expect_error("key 'b' is given twice", group("m: {doc: d, bins: {b: 1, b: 2}}"));
  expect_error("no bins", group("m: {doc: d, bins: []}"));
  expect_error("a reason in words is expected", group("m: {doc: d, bins: {b: {is: 1, unreachable: no}}}"));
  expect_error("the group has no point 'n'",
               group("m: {doc: d, bins: {b: 1}}", ", crosses: {x: {doc: d, of: [m, n]}}"));
  expect_error("a cross is of two points",
               group("m: {doc: d, bins: {b: 1}}", ", crosses: {x: {doc: d, of: [m]}}"));
  expect_error("expected one of engine_reaches_memory, operator_takes_type",
               group("op: {doc: d, bins: all}, mode: {doc: d, bins: all}",
                     ", crosses: {x: {doc: d, of: [op, mode], exclude_by: magic}}"));
  expect_error("no bin 'two'",
               group("m: {doc: d, bins: {b: 1}}, mode: {doc: d, bins: all}",
                     ", crosses: {x: {doc: d, of: [m, mode], exclude: [{m: two, because: not asked for}]}}"));
  expect_error(
      "'g' is given twice",
      "covergroups:\n  - &g {name: g, sample: case, doc: d, points: {m: {doc: d, bins: {b: 1}}}}\n  - *g\n");
  expect_error(
      "lacks {op}",
      "covergroups:\n  - {name: g, each: operator, sample: case, doc: d, expand: [{table: attributes}]}\n");
  expect_error("needs each: operator",
               "covergroups:\n  - {name: g, sample: case, doc: d, expand: [{table: attributes}]}\n");
  expect_error("not valid YAML", "covergroups: [");
  test::expect_error(ExitCode::Usage, "no coverage model",
                     [] { Model::read("/nonexistent", app::coverage_schema()); });
}

TEST(CoverageModel, AFieldOrChoiceOfATableIsABinByItself) {
  const Model model = model_of(
      "covergroups:\n"
      "  - {name: 'a.{op}', each: operator, sample: case, doc: d, expand: [{table: attributes}, {table: "
      "optional_inputs}]}\n"
      "  - {name: f, sample: command, doc: d, when: {instruction: vxu.pass}, expand: [{features: "
      "'vxu.*'}]}\n");
  for (const ops::Operator* op : ops::all_operators())
    for (const ops::AttributeSpec& spec : op->attributes())
      for (const std::string& choice : spec.choices)
        EXPECT_TRUE(model.find("a." + std::string(op->name()) + "/" + spec.name + "/" + choice))
            << op->name() << " " << spec.name;
  EXPECT_TRUE(model.find("f/vxu.function/gelu_tanh") && model.find("f/vxu.saturate/1") &&
              model.find("f/vxu.rows/256-"));
  EXPECT_FALSE(model.find("f/vxu.rows/0"));
  EXPECT_TRUE(model.find("a.gemm/has.C/no") && model.find("a.gemm/alpha/other"));
}

// --- the model that ships ---

TEST(ShippedModel, HasEnoughBins) {
  const Model& model = app::coverage_model();
  std::size_t reachable = 0, crosses = 0;
  for (const BinInfo& bin : model.bins()) {
    if (!bin.unreachable.empty()) continue;
    ++reachable;
    crosses += bin.of_cross ? 1 : 0;
  }
  EXPECT_GE(reachable, 1500U);
  EXPECT_GE(crosses, 500U);
  EXPECT_EQ(model.cross_bins() > crosses, true);
}

TEST(ShippedModel, EveryOperatorTypeAndInstructionFieldIsInIt) {
  const Model& model = app::coverage_model();
  for (const ops::Operator* op : ops::all_operators())
    EXPECT_TRUE(model.find("operators/op/" + std::string(op->name())));
  for (const Feature& f : app::coverage_schema()[Scope::Command].all()) {
    if (f.name.find('.') == std::string::npos || f.name.rfind("dma.", 0) != 0) continue;
    EXPECT_NO_THROW(model.bins_under("isa.dma_in/" + f.name)) << f.name;
  }
  EXPECT_FALSE(model.find("operators/op_x_dtype/softmax*s8")) << "not a type of softmax";
}

TEST(ShippedModel, UnknownNamesAreRefusedWithTheNearest) {
  test::expect_error(ExitCode::Usage, "did you mean 'gemm/m/one'?",
                     [] { app::coverage_model().bin("gemm/m/onne"); });
  test::expect_error(ExitCode::Usage, "did you mean 'gemm'?",
                     [] { app::coverage_model().bins_under("gem"); });
}

}  // namespace
}  // namespace assay::coverage
