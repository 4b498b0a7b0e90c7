#include "testgen/space/space.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/suggest.hpp"
#include "testgen/operator_examples.hpp"

namespace assay::testgen {
namespace {

template <typename Items, typename NameOf>
std::size_t position(const Items& items, std::string_view name, std::string_view what, NameOf name_of) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < items.size(); ++i) {
    names.push_back(name_of(items[i]));
    if (names.back() == name) return i;
  }
  fail(ExitCode::Usage, "{} has no '{}'; {}", what, name, expected_one_of(name, names));
}

std::vector<std::string> type_names(std::string_view op) {
  std::vector<std::string> names;
  for (const DType type : problem_types(op)) names.emplace_back(to_string(type));
  return names;
}

}  // namespace

const std::string& Draw::choice(const Expr& parameter) const {
  const auto at = static_cast<std::size_t>(parameter.number());
  return space_->parameters()[at].choices[static_cast<std::size_t>((*values_)[at])];
}

DType Draw::type(const Expr& parameter) const { return parse_dtype(choice(parameter), "type"); }

SpaceLimits limits_of(const Machine& machine) {
  SpaceLimits limits;
  limits.edges = {machine.mxu.rows, machine.mxu.cols, machine.vxu.lanes};
  std::sort(limits.edges.begin(), limits.edges.end());
  limits.edges.erase(std::unique(limits.edges.begin(), limits.edges.end()), limits.edges.end());
  return limits;
}

Space::Space(std::string op, SpaceLimits limits)
    : op_(std::move(op)), limits_(std::move(limits)), type_(choice("type", type_names(op_))) {}

ops::Problem Space::problem(const Values& values) const {
  ops::Problem p = build(Draw(*this, values));
  const ops::Operator& spec = ops::find_operator(op_);
  ops::name_inputs(spec, p);
  spec.infer(p);
  return p;
}

std::size_t Space::find(std::string_view parameter) const {
  return position(parameters_, parameter, op_, [](const Parameter& p) { return p.name; });
}

std::size_t Space::find_choice(std::size_t parameter, std::string_view choice) const {
  const Parameter& p = parameters_[parameter];
  return position(p.choices, choice, op_ + "." + p.name, [](const std::string& name) { return name; });
}

Expr Space::add(Parameter parameter) {
  parameters_.push_back(std::move(parameter));
  return Expr::parameter(parameters_.size() - 1);
}

Expr Space::choice(const std::string& name, std::vector<std::string> choices, const Expr& when) {
  std::vector<std::pair<std::string, std::uint32_t>> equal;
  for (std::string& choice : choices) equal.emplace_back(std::move(choice), 1);
  return weighted_choice(name, std::move(equal), when);
}

Expr Space::weighted_choice(const std::string& name,
                            std::vector<std::pair<std::string, std::uint32_t>> choices, const Expr& when) {
  Parameter p{name, {}, {}, when};
  for (auto& [choice, weight] : choices) {
    const auto code = static_cast<std::int64_t>(p.choices.size());
    p.corners.push_back({code, code, weight});
    p.choices.push_back(std::move(choice));
  }
  return add(std::move(p));
}

Expr Space::flag(const std::string& name, const Expr& when) {
  return add({name, {{0, 0, 1}, {1, 1, 1}}, {}, when});
}

Expr Space::number(const std::string& name, std::int64_t low, std::int64_t high, const Expr& when) {
  Parameter p{name, {{low, low, 2}}, {}, when};
  if (high > low) p.corners.push_back({high, high, 1});
  if (high > low + 1) p.corners.push_back({low + 1, high - 1, 2});
  return add(std::move(p));
}

Expr Space::size(const std::string& name, std::int64_t most, const Expr& when,
                 const std::vector<std::int64_t>& blocks) {
  Parameter p{name, {{1, 1, 4}}, {}, when};
  const auto corner = [&](std::int64_t low, std::int64_t high, std::uint32_t weight) {
    if (high <= most) p.corners.push_back({low, high, weight});
  };
  corner(2, std::min<std::int64_t>(9, most), 6);
  for (const std::int64_t edge : limits_.edges)
    for (const std::int64_t near :
         {edge - 1, edge, edge + 1, 2 * edge - 1, 2 * edge, 2 * edge + 1, 3 * edge + 1})
      if (near > 9) corner(near, near, 1);
  for (const std::int64_t prime : {13, 31, 61, 251, 1021}) corner(prime, prime, 1);
  for (const std::int64_t power : {32, 256, 512, 1024, 2048}) corner(power, power, 1);
  for (const std::int64_t block : blocks) {
    corner(block - 1, block + 1, 2);
    corner(block + 2, std::min(block + block / 4, most), 2);
  }
  if (most > 9) {
    corner(10, std::min<std::int64_t>(70, most), 6);
    corner(most, most, 1);
  }
  if (most > 70) corner(71, most, 4);
  return add(std::move(p));
}

Expr Space::is(const Expr& parameter, std::vector<std::string_view> names) const {
  const auto at = static_cast<std::size_t>(parameter.number());
  Expr any = 0;
  for (const std::string_view name : names) {
    const std::vector<std::string>& choices = parameters_[at].choices;
    const auto found = std::find(choices.begin(), choices.end(), name);
    if (found == choices.end()) continue;  // a type that this operator does not take
    any = any || parameter == static_cast<std::int64_t>(found - choices.begin());
  }
  return any;
}

Expr Space::is_float_type(const Expr& type) const {
  return is(type, {"f64", "f32", "f16", "bf16", "e4m3", "e5m2"});
}

}  // namespace assay::testgen
