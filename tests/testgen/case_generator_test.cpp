// Cases on request: as asked for, each valid, the same for the same request.
#include "testgen/case_generator.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "../support/expect_error.hpp"
#include "base/machine_yaml.hpp"
#include "ops/gemm/gemm_spec.hpp"
#include "testgen/case_yaml.hpp"
#include "testgen/space/spaces/spaces.hpp"

namespace assay::testgen {
namespace {

using test::expect_error;

CaseRequest request(std::vector<std::string> operators, NamedPins pins = {}) {
  CaseRequest r;
  r.operators = std::move(operators);
  r.pins = std::move(pins);
  return r;
}

TEST(CaseGenerator, EveryOperatorModeKindAndMachineComes) {
  CaseRequest r;
  r.configs = {"edge16", "tests/tiny4"};
  CaseGenerator generator(r);
  std::set<std::string> operators, configs, modes, kinds, ids;
  for (int i = 0; i < 3000; ++i) {
    const Case c = generator.random();
    operators.insert(c.problem.op);
    configs.insert(c.config);
    modes.insert(std::string(golden::to_string(c.mode)));
    kinds.insert(std::string(to_string(c.data)));
    ids.insert(case_id(c));
  }
  EXPECT_EQ(operators.size(), ops::all_operators().size());
  EXPECT_EQ(configs.size(), 2U);
  EXPECT_EQ(modes.size(), 3U);
  EXPECT_EQ(kinds.size(), data_kinds(golden::Mode::Bits).size());
  EXPECT_GT(ids.size(), 2500U);
  EXPECT_EQ(generator.statistics().valid, 3000U);
  EXPECT_EQ(generator.statistics().rejected, 0U);
}

TEST(CaseGenerator, TheTextOfACaseReadsBackToIt) {
  CaseGenerator generator({});
  for (int i = 0; i < 400; ++i) {
    const Case c = generator.random(), again = parse_case_yaml(write_case_yaml(c), "drawn");
    EXPECT_EQ(case_id(c), case_id(again)) << canonical_text(c);
    EXPECT_EQ(data_seed(c), data_seed(again));
  }
}

TEST(CaseGenerator, TheSameRequestGivesTheSameCases) {
  CaseRequest other;
  other.seed = 2;
  CaseGenerator a({}), b({}), c(other);
  int different = 0;
  for (int i = 0; i < 200; ++i) {
    const std::string text = canonical_text(a.random());
    EXPECT_EQ(text, canonical_text(b.random()));
    different += text != canonical_text(c.random()) ? 1 : 0;
  }
  EXPECT_GT(different, 150);
}

TEST(CaseGenerator, KeepsToWhatIsAskedFor) {
  CaseRequest r = request({"gemm", "matmul"}, {{"k", "17..20"}, {"type", "f16"}});
  r.mode = golden::Mode::Real;
  r.data = DataKind::Sorted;
  CaseGenerator generator(r);
  for (int i = 0; i < 100; ++i) {
    const Case c = generator.random();
    const ops::GemmForm form = ops::gemm_form(c.problem);
    EXPECT_GE(form.k, 17U);
    EXPECT_LE(form.k, 20U);
    EXPECT_EQ(c.problem.inputs[0].dtype, DType::f16);
    EXPECT_EQ(c.mode, golden::Mode::Real);
    EXPECT_EQ(c.data, DataKind::Sorted);
  }
}

// Sizes around the tiles of the machine that cases are for, not of another.
TEST(CaseGenerator, DirectedCasesReachTheEdgesOfTheMachine) {
  CaseRequest r = request({"gemm"});
  r.configs = {"edge16"};
  std::set<std::uint64_t> ms;
  for (const Case& c : CaseGenerator(r).directed()) ms.insert(ops::gemm_form(c.problem).m);
  for (const std::uint64_t m : {1U, 15U, 16U, 17U, 31U, 32U, 33U, 600U}) EXPECT_EQ(ms.count(m), 1U) << m;
}

TEST(CaseGenerator, DirectedCasesHaveEveryChoice) {
  for (const std::string op : {"conv", "attention", "gemm"}) {
    CaseGenerator generator(request({op}));
    const std::vector<Case> cases = generator.directed();
    const auto space = make_space(op, limits_of(find_machine("edge16")));
    std::set<std::pair<std::string, std::int64_t>> ends;
    for (const Parameter& p : space->parameters())
      for (const Corner& corner : p.corners) {
        ends.emplace(p.name, corner.low);
        ends.emplace(p.name, corner.high);
      }
    EXPECT_EQ(cases.size() + generator.statistics().draws.impossible, ends.size()) << op;
    EXPECT_LT(generator.statistics().draws.impossible, ends.size() / 20) << op;
    const ops::Operator& spec = ops::find_operator(op);
    for (const ops::AttributeSpec& attribute : spec.attributes())
      for (const std::string& choice : attribute.choices) {
        bool found = false;
        for (const Case& c : cases) {
          const ops::AttributeValue* value = c.problem.attributes.find(attribute.name);
          found = found || ops::text_of(value == nullptr ? attribute.fallback : *value) == choice;
        }
        EXPECT_TRUE(found) << op << " " << attribute.name << "=" << choice;
      }
  }
}

TEST(CaseGenerator, WithPinsOrNot) {
  CaseGenerator generator(request({"conv"}));
  EXPECT_TRUE(generator.with("conv", {{"algorithm", "winograd"}, {"kernel0", "3"}}));
  EXPECT_FALSE(generator.with("conv", {{"algorithm", "winograd"}, {"kernel0", "5"}}));
  EXPECT_EQ(generator.statistics().draws.impossible, 1U);
}

TEST(CaseGenerator, RefusesWhatItCannotGive) {
  expect_error(ExitCode::Unsupported, "'gem'", [] { CaseGenerator(request({"gem"})); });
  expect_error(ExitCode::Usage, "gemm has no 'rank'", [] {
    CaseGenerator(request({"gemm"}, {{"rank", "2"}}));
  });
  expect_error(ExitCode::Usage, "unknown configuration 'edge17'", [] {
    CaseRequest r;
    r.configs = {"edge17"};
    CaseGenerator{r};
  });
  CaseRequest r = request({"softmax"});
  r.mode = golden::Mode::Exact;
  expect_error(ExitCode::Usage, "softmax: no case is as asked for", [&] { CaseGenerator(r).random(); });
  CaseRequest unfit;
  unfit.mode = golden::Mode::Real;
  unfit.data = DataKind::Special;
  expect_error(ExitCode::Usage, "data 'special' does not fit mode real", [&] { CaseGenerator{unfit}; });
}

}  // namespace
}  // namespace assay::testgen
