#include "testgen/metamorphic/relation.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/suggest.hpp"
#include "testgen/metamorphic/tensors.hpp"

namespace assay::testgen::metamorphic {

const Tensor& Source::input(std::string_view name) const {
  const auto index = ops::find_input(c.problem, name);
  if (!index) fail(ExitCode::Error, "metamorphic: {} has no input '{}'", c.problem.op, name);
  return inputs[*index];
}

bool Relation::applies_to(const Case& c) const {
  const bool of_operator = std::find(operators.begin(), operators.end(), c.problem.op) != operators.end();
  return of_operator && element_count(c.problem.outputs.at(0).shape) > 0 && fits(c);
}

const std::vector<Relation>& all_relations() {
  static const std::vector<Relation> list = [] {
    std::vector<Relation> all;
    for (const auto family : {axis_relations, machine_relations, layout_relations, arithmetic_relations,
                              attention_relations, operator_relations, rewriting_relations})
      for (Relation& relation : family()) all.push_back(std::move(relation));
    return all;
  }();
  return list;
}

const Relation& find_relation(std::string_view name) {
  std::vector<std::string> names;
  for (const Relation& relation : all_relations()) {
    if (relation.name == name) return relation;
    names.emplace_back(relation.name);
  }
  fail(ExitCode::Usage, "unknown relation '{}'; {}", name, expected_one_of(name, names));
}

std::vector<const Relation*> relations_of(const Case& c) {
  std::vector<const Relation*> list;
  for (const Relation& relation : all_relations())
    if (relation.applies_to(c)) list.push_back(&relation);
  return list;
}

ElementRandom random_of(const Relation& relation, const Case& c) {
  return {data_seed(c), hash(relation.name)};
}

FollowUp follow_up(const Case& c, ops::Problem problem, std::vector<Tensor> inputs, std::string what) {
  FollowUp run{c, std::move(inputs), std::move(what)};
  problem.inputs.clear();
  for (const Tensor& tensor : run.inputs) problem.inputs.push_back({tensor.name, tensor.dtype, tensor.shape});
  problem.outputs.clear();
  ops::find_operator(problem.op).infer(problem);
  run.c.problem = std::move(problem);
  return run;
}

std::vector<Tensor> hostile_inputs(const Case& c, const ops::Problem& problem) {
  Case other = c;
  other.problem = problem;
  ops::find_operator(problem.op).infer(other.problem);
  other.mode = golden::Mode::Bits;
  other.data = DataKind::Mixed;
  return make_inputs(other);
}

std::vector<std::string_view> every_operator() {
  std::vector<std::string_view> names;
  for (const ops::Operator* op : ops::all_operators()) names.push_back(op->name());
  return names;
}

FollowUps expect(FollowUp run, Tensor expected) {
  const std::string what = run.what;
  FollowUps derived;
  derived.what = what;
  derived.runs.push_back(std::move(run));
  derived.difference = [expected = std::move(expected), what](const std::vector<Tensor>& outputs) {
    return first_difference(expected, outputs.at(0), what);
  };
  return derived;
}

}  // namespace assay::testgen::metamorphic
