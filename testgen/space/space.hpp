// What a space of problems is: parameters, the values that each may have, constraints that tie them together,
// and how their values become a problem of an operator. One description, from which random cases, directed
// cases and cases for a hole of the coverage are drawn (testgen/space/sampler.hpp).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/machine.hpp"
#include "ops/operator.hpp"
#include "testgen/space/expression.hpp"

namespace assay::testgen {

// Values low to high, drawn as one: `weight` of the parameter's draws fall among them.
struct Corner {
  std::int64_t low = 0, high = 0;
  std::uint32_t weight = 1;
};

struct Parameter {
  std::string name;                  // of an attribute where it is one
  std::vector<Corner> corners;       // all its values
  std::vector<std::string> choices;  // where not empty: what values 0, 1, ... are called
  Expr when = 1;                     // where it matters, by parameters before it; elsewhere it is plain()
  std::int64_t plain() const { return corners.front().low; }
};

struct Constraint {
  Expr holds;
  std::string why;  // what is wrong where it does not
};

class Space;

// The parameters' values of one draw, and what a space reads them by.
class Draw {
 public:
  Draw(const Space& space, const Values& values) : space_(&space), values_(&values) {}
  std::int64_t operator[](const Expr& expression) const { return expression.evaluate(*values_); }
  const std::string& choice(const Expr& parameter) const;
  bool on(const Expr& flag) const { return (*this)[flag] != 0; }
  bool is(const Expr& parameter, std::string_view name) const { return choice(parameter) == name; }
  DType type(const Expr& parameter) const;  // of a choice among type names

 private:
  const Space* space_;
  const Values* values_;
};

// Sizes that matter: the edges of the machine that the problems are for, and how large they may get.
struct SpaceLimits {
  std::vector<std::int64_t> edges{4, 16, 64, 128};  // of its tiles, ascending
  std::int64_t products = 400'000;                  // multiply-adds of a problem
  std::int64_t elements = 60'000;                   // of one tensor
};
SpaceLimits limits_of(const Machine& machine);

class Space {
 public:
  virtual ~Space() = default;

  const std::string& op() const { return op_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  const std::vector<Constraint>& constraints() const { return constraints_; }
  // The parameter `type`: the element type of the main operands.
  const Expr& type() const { return type_; }

  // Of values that meet every constraint: a valid problem, its outputs filled. Throws Error where it is none:
  // the constraints say too little then.
  ops::Problem problem(const Values& values) const;

  // Throws Error(Usage) with the nearest name.
  std::size_t find(std::string_view parameter) const;
  std::size_t find_choice(std::size_t parameter, std::string_view choice) const;

 protected:
  Space(std::string op, SpaceLimits limits);

  const SpaceLimits& limits() const { return limits_; }
  Expr add(Parameter parameter);
  Expr choice(const std::string& name, std::vector<std::string> choices, const Expr& when = 1);
  Expr weighted_choice(const std::string& name, std::vector<std::pair<std::string, std::uint32_t>> choices,
                       const Expr& when = 1);
  Expr flag(const std::string& name, const Expr& when = 1);
  Expr number(const std::string& name, std::int64_t low, std::int64_t high, const Expr& when = 1);
  // A dimension of 1 to `most`: 1, few, around each edge of the machine and its multiples, powers of two,
  // primes, around `blocks` of a kernel, anything.
  Expr size(const std::string& name, std::int64_t most, const Expr& when = 1,
            const std::vector<std::int64_t>& blocks = {});
  void require(Expr holds, std::string why) { constraints_.push_back({std::move(holds), std::move(why)}); }
  // Whether the parameter has one of these names.
  Expr is(const Expr& parameter, std::vector<std::string_view> names) const;
  Expr is_float_type(const Expr& type) const;

 private:
  virtual ops::Problem build(const Draw& draw) const = 0;

  std::string op_;
  SpaceLimits limits_;
  std::vector<Parameter> parameters_;
  std::vector<Constraint> constraints_;
  Expr type_;
};

}  // namespace assay::testgen
