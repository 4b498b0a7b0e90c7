#include "testgen/space/solver.hpp"

#include <z3++.h>

#include <algorithm>

namespace assay::testgen {
namespace {

// Of one question, in Z3's own units: some milliseconds, some seconds.
constexpr unsigned kLittleWork = 40'000, kMuchWork = 8'000'000;

}  // namespace

struct Solver::Z3 {
  z3::context context;

  z3::expr number(std::int64_t value) { return context.int_val(value); }
  static z3::expr truth(const z3::expr& e) { return e.is_bool() ? e : e != 0; }
  static z3::expr integer(const z3::expr& e) {
    return e.is_bool() ? z3::ite(e, e.ctx().int_val(1), e.ctx().int_val(0)) : e;
  }

  // With the free parameters as variables and the others as the numbers that they are.
  z3::expr of(const Expr& e, const std::vector<z3::expr>& parameters) {
    const auto at = [&](std::size_t i) { return of(e.operands()[i], parameters); };
    const auto whole = [&](std::size_t i) { return integer(at(i)); };
    const auto condition = [&](std::size_t i) { return truth(at(i)); };
    switch (e.kind()) {
      case Expr::Kind::Number: return number(e.number());
      case Expr::Kind::Parameter: return parameters[static_cast<std::size_t>(e.number())];
      case Expr::Kind::Add: return whole(0) + whole(1);
      case Expr::Kind::Subtract: return whole(0) - whole(1);
      case Expr::Kind::Multiply: return whole(0) * whole(1);
      case Expr::Kind::Divide: return whole(0) / whole(1);
      case Expr::Kind::Remainder: return z3::mod(whole(0), whole(1));
      case Expr::Kind::Equal: return whole(0) == whole(1);
      case Expr::Kind::Less: return whole(0) < whole(1);
      case Expr::Kind::And: return condition(0) && condition(1);
      case Expr::Kind::Or: return condition(0) || condition(1);
      case Expr::Kind::Not: return !condition(0);
      case Expr::Kind::If: return z3::ite(condition(0), whole(1), whole(2));
    }
    return number(0);
  }

  // One of the corners' values.
  z3::expr within(const z3::expr& x, const std::vector<Corner>& corners) {
    z3::expr any = context.bool_val(false);
    std::int64_t low = corners.front().low, high = corners.front().high;
    for (const Corner& c : corners) {
      any = any || (x >= number(c.low) && x <= number(c.high));
      low = std::min(low, c.low);
      high = std::max(high, c.high);
    }
    return any && x >= number(low) && x <= number(high);  // bounds that Z3 need not look for
  }
};

Solver::Solver(const Space& space) : z3_(std::make_unique<Z3>()), space_(space) {}
Solver::~Solver() = default;

Solver::Answer Solver::repair(const Values& values, const std::set<std::size_t>& free, const Pins& pins,
                              ElementRandom& random, Effort effort) {
  Z3& z = *z3_;
  z3::solver solver(z.context, "QF_NIA");
  z3::params limits(z.context);
  limits.set("rlimit", effort == Effort::Little ? kLittleWork : kMuchWork);
  solver.set(limits);
  std::vector<z3::expr> parameters;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Parameter& p = space_.parameters()[i];
    parameters.push_back(free.count(i) != 0 ? z.context.int_const(p.name.c_str()) : z.number(values[i]));
    if (free.count(i) == 0) continue;
    const auto pin = pins.find(i);
    const z3::expr values_of =
        z.within(parameters[i], pin == pins.end() ? p.corners : std::vector<Corner>{pin->second});
    const z3::expr matters = Z3::truth(z.of(p.when, parameters));
    solver.add(values_of && (matters || parameters[i] == z.number(p.plain())));
  }
  for (const Constraint& c : space_.constraints()) solver.add(Z3::truth(z.of(c.holds, parameters)));
  for (const auto& [at, pin] : pins)
    if (must_matter(space_.parameters()[at], pin))
      solver.add(Z3::truth(z.of(space_.parameters()[at].when, parameters)));
  const z3::check_result first = solver.check();
  if (first != z3::sat) return {std::nullopt, first == z3::unsat};

  // Each in turn at its drawn value, or at another of its corners, if the others still find theirs.
  std::vector<std::size_t> order(free.begin(), free.end());
  for (std::size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[random.below(static_cast<std::uint32_t>(i))]);
  Values result = values;
  z3::model model = solver.get_model();
  const auto keep = [&](const z3::expr& wish) {
    solver.push();
    solver.add(wish);
    if (solver.check() != z3::sat) {
      solver.pop();
      return false;
    }
    model = solver.get_model();
    return true;
  };
  for (const std::size_t i : order) {
    if (keep(parameters[i] == z.number(values[i]))) continue;
    const std::vector<Corner>& corners = space_.parameters()[i].corners;
    const Corner& other = corners[random.below(static_cast<std::uint32_t>(corners.size()))];
    keep(parameters[i] >= z.number(other.low) && parameters[i] <= z.number(other.high));
  }
  for (const std::size_t i : order) result[i] = model.eval(parameters[i], true).get_numeral_int64();
  return {result, false};
}

}  // namespace assay::testgen
