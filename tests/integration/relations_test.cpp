// Every metamorphic relation on random problems of every operator that it names: none is broken, and each was
// judged at least once. Prints how often. The number of rounds is the argument, 1 unless given.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>

#include "app/case/case_run.hpp"
#include "base/machine_yaml.hpp"
#include "testgen/metamorphic/relation.hpp"
#include "testgen/space/random_problem.hpp"
#include "testgen/random.hpp"

namespace assay::app {
namespace {

namespace meta = testgen::metamorphic;
using Outcome = report::RelationVerdict::Outcome;
using testgen::DataKind;

constexpr std::uint64_t kMost = 60'000;        // products of a problem of the quick round
constexpr std::int64_t kMostResults = 10'000;  // and elements of its output
constexpr std::array kMachines{"edge16", "tests/tiny4", "server128", "tests/wide8x32"};
constexpr std::array kHostile{DataKind::Mixed,      DataKind::Special,      DataKind::Random,
                              DataKind::SignedZero, DataKind::Cancellation, DataKind::Subnormal};

int rounds() {
  const char* text = std::getenv("RELATION_ROUNDS");
  return text != nullptr ? std::atoi(text) : 1;
}

struct Counts {
  int held = 0, broken = 0, refused = 0, idle = 0;
  void add(Outcome outcome) {
    ++(outcome == Outcome::Held      ? held
       : outcome == Outcome::Broken  ? broken
       : outcome == Outcome::Refused ? refused
                                     : idle);
  }
};
using Table = std::map<std::string, Counts>;  // by relation

testgen::Case drawn(const std::string& op, DType type, std::uint64_t number, testgen::Generator& random) {
  testgen::Case c;
  const ops::Operator& spec = ops::find_operator(op);
  const auto is_long = [&] {
    return spec.work(c.problem).macs > kMost || element_count(c.problem.outputs[0].shape) > kMostResults;
  };
  do c.problem = testgen::random_problem(op, type, random);
  while (rounds() == 1 && is_long());
  c.config = kMachines[number % kMachines.size()];
  c.mode = golden::Mode::Bits;
  c.data = kHostile[random() % kHostile.size()];
  c.suite_seed = number;
  testgen::validate(c);
  return c;
}

// False: the machine has no room for it.
bool judge(const testgen::Case& c, std::vector<std::string> relations, Table& table) {
  RunOptions options;
  options.goldens = {"none"};
  options.relations = std::move(relations);
  const report::CaseResult result = run_case(generated(c), options);
  if (result.verdict == ExitCode::Unsupported) return false;
  EXPECT_EQ(to_string(result.verdict), to_string(ExitCode::Unverified)) << result.reproduce << "\n"
                                                                        << result.message;
  for (const report::RelationVerdict& verdict : result.relations) {
    table[verdict.relation].add(verdict.outcome);
    EXPECT_NE(verdict.outcome, Outcome::Broken) << verdict.reproduce << "\n"
                                                << verdict.what << "\n"
                                                << verdict.message;
  }
  return true;
}

class Relations : public ::testing::TestWithParam<std::string> {
 protected:
  std::vector<std::string> missing() const {
    std::vector<std::string> names;
    for (const meta::Relation& relation : meta::all_relations()) {
      const auto& known = relation.operators;
      const auto counted = table_.find(std::string(relation.name));
      if (std::find(known.begin(), known.end(), GetParam()) != known.end() &&
          (counted == table_.end() || counted->second.held == 0))
        names.emplace_back(relation.name);
    }
    return names;
  }
  Table table_;
};

// First any problems, with all relations; then as many more as a relation that was not judged needs.
TEST_P(Relations, HoldOnRandomProblems) {
  const std::string& op = GetParam();
  testgen::Generator random(testgen::hash(op));
  const std::vector<DType> types = testgen::problem_types(op);
  std::uint64_t number = 0;
  int problems = 0;
  for (int round = 0; round < rounds(); ++round)
    for (const DType type : types) {
      const testgen::Case c = drawn(op, type, number++, random);
      if (!meta::relations_of(c).empty() && judge(c, {"all"}, table_)) ++problems;
    }
  for (; number < 2000 && !missing().empty(); ++number) {
    const testgen::Case c = drawn(op, types[number % types.size()], number, random);
    for (const std::string& name : missing())
      if (meta::find_relation(name).applies_to(c)) judge(c, {name}, table_);
  }
  for (const auto& [relation, n] : table_)
    fmt::print("{:<14} {:<14} {:>4} held {:>3} refused {:>3} idle {:>3} broken\n", op, relation, n.held,
               n.refused, n.idle, n.broken);
  EXPECT_TRUE(missing().empty()) << fmt::format("not judged: {}", fmt::join(missing(), ", "));
  EXPECT_GT(problems, 0);
}

// The first outputs of a relation's follow-ups, as the machine computes them; empty where one is refused.
std::vector<Tensor> outputs_of(const meta::FollowUps& derived) {
  std::vector<Tensor> outputs;
  for (const meta::FollowUp& run : derived.runs) {
    const CaseInput input{run.c, run.inputs, {}, {}, {}, "", ""};
    try {
      const Execution e = execute(input, find_machine(run.c.config), {}, Cycle(50'000'000));
      if (e.run.outcome != sim::Outcome::halted || e.run.kernel_status != 0) return {};
      outputs.push_back(e.outputs.at(0));
    } catch (const Error&) {
      return {};
    }
  }
  return outputs;
}

// Another exponent, or another integer.
Tensor with_error_at(Tensor tensor, std::size_t element) {
  const std::uint64_t bits = element_bits(tensor.dtype, tensor.bytes.data(), element);
  set_element_bits(tensor.dtype, tensor.bytes.data(), element,
                   bits ^ (std::uint64_t{1} << (bits_of(tensor.dtype) - 3)));
  return tensor;
}

// How many errors of one element, each by itself, the relation notices in the outputs of its follow-ups.
struct Noticed {
  int errors = 0, noticed = 0;
};
Noticed notices(const meta::FollowUps& derived, const std::vector<Tensor>& outputs) {
  Noticed n;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const auto count = static_cast<std::size_t>(outputs[i].elements());
    for (std::size_t at = 0; at < count; at += 1 + count / 8) {
      std::vector<Tensor> wrong = outputs;
      wrong[i] = with_error_at(outputs[i], at);
      ++n.errors;
      n.noticed += derived.difference(wrong).empty() ? 0 : 1;
    }
  }
  return n;
}

// On ordinary numbers, of which every element counts (but those that `append` and `padding` add, and `repeat`
// and `scale` leave out).
TEST_P(Relations, NoticeOneWrongElement) {
  const std::string& op = GetParam();
  testgen::Generator random(testgen::hash(op) + 1);
  const std::vector<DType> types = testgen::problem_types(op);
  std::map<std::string, Noticed> seen;
  for (std::uint64_t number = 0; number < 400; ++number) {
    testgen::Case c = drawn(op, types[number % types.size()], number, random);
    // Of quantised operators small ones, so that results are not all saturated.
    c.data = op.rfind("qlinear", 0) == 0 ? DataKind::Subnormal : DataKind::Cancellation;
    for (const meta::Relation* relation : meta::relations_of(c)) {
      Noticed& total = seen[std::string(relation->name)];
      if (total.errors >= 24) continue;
      const CaseInput input = generated(c);
      const meta::FollowUps source{{{c, input.inputs, "", false}}, {}, ""};
      const std::vector<Tensor> own = outputs_of(source);
      if (own.empty()) continue;
      testgen::ElementRandom choices = meta::random_of(*relation, c);
      const meta::FollowUps derived = relation->derive({c, input.inputs, own[0]}, choices);
      const std::vector<Tensor> outputs = outputs_of(derived);
      if (outputs.empty()) continue;
      EXPECT_EQ(derived.difference(outputs), "") << relation->name << " " << testgen::reproduce_line(c);
      const Noticed n = notices(derived, outputs);
      total.errors += n.errors;
      total.noticed += n.noticed;
    }
  }
  for (const meta::Relation& relation : meta::all_relations()) {
    if (std::find(relation.operators.begin(), relation.operators.end(), op) == relation.operators.end())
      continue;
    const Noticed n = seen[std::string(relation.name)];
    fmt::print("{:<14} {:<14} {:>3} of {:>3} errors noticed\n", op, relation.name, n.noticed, n.errors);
    EXPECT_GE(4 * n.noticed, std::max(4, n.errors)) << relation.name;
  }
}

std::vector<std::string> operators() {
  std::vector<std::string> names;
  for (const ops::Operator* op : ops::all_operators())
    if (op->name() != "user") names.emplace_back(op->name());
  return names;
}

INSTANTIATE_TEST_SUITE_P(All, Relations, ::testing::ValuesIn(operators()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace assay::app
