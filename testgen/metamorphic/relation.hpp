// Metamorphic relations: what must hold between the results of a case and those of cases derived from it,
// whatever the right results are. They judge beside the goldens, and know nothing of them.
// docs/metamorphic.md has each with its condition.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/tensor.hpp"
#include "testgen/case.hpp"
#include "testgen/random.hpp"

namespace assay::testgen::metamorphic {

// A case that was run: its tensors and its first output, as the machine left it.
struct Source {
  const Case& c;
  const std::vector<Tensor>& inputs;
  const Tensor& output;
  const Tensor& input(std::string_view name) const;  // that must be there
};

// A case to run besides.
struct FollowUp {
  Case c;
  std::vector<Tensor> inputs;
  std::string what;  // "rows 0 to 12", for messages
  // On another machine or by another algorithm, which may refuse what the case's own does.
  bool may_refuse = false;
};

struct FollowUps {
  std::vector<FollowUp> runs;
  // Given the first outputs of the runs in their order: the first difference in one line, or empty where the
  // relation holds. A run that was refused has no output: a tensor without name.
  std::function<std::string(const std::vector<Tensor>& outputs)> difference;
  std::string what;  // what was chosen: "m, n permuted"
};

struct Relation {
  std::string_view name;
  std::string_view says;
  std::vector<std::string_view> operators;  // that it is true of, in the order of all_operators()
  // Whether it says anything of this case, one of those operators.
  bool (*fits)(const Case& c);
  // Deterministic. No runs: these values meet its condition nowhere.
  FollowUps (*derive)(const Source& source, ElementRandom& random);

  bool applies_to(const Case& c) const;
};

const std::vector<Relation>& all_relations();
// Throws Error(Usage) with the nearest name.
const Relation& find_relation(std::string_view name);
std::vector<const Relation*> relations_of(const Case& c);

// The choices that a relation makes for a case: a function of the case's data, on every machine the same.
ElementRandom random_of(const Relation& relation, const Case& c);

// For relations. The follow-up with these tensors, whose names, types and shapes become the problem's inputs;
// throws as Operator::infer().
FollowUp follow_up(const Case& c, ops::Problem problem, std::vector<Tensor> inputs, std::string what);
inline FollowUp follow_up(const Case& c, std::vector<Tensor> inputs, std::string what) {
  return follow_up(c, c.problem, std::move(inputs), std::move(what));
}
// Input tensors of the problem as hostile as their types allow: Inf, NaN, subnormals.
std::vector<Tensor> hostile_inputs(const Case& c, const ops::Problem& problem);
std::vector<std::string_view> every_operator();
inline bool always(const Case& /*c*/) { return true; }
// One run, whose output must be this one to the bit.
FollowUps expect(FollowUp run, Tensor expected);

// The tables of the relations, by family.
std::vector<Relation> axis_relations();
std::vector<Relation> machine_relations();
std::vector<Relation> layout_relations();
std::vector<Relation> arithmetic_relations();
std::vector<Relation> attention_relations();
std::vector<Relation> operator_relations();
std::vector<Relation> rewriting_relations();

}  // namespace assay::testgen::metamorphic
