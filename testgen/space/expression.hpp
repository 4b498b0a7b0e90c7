// Integer expressions over the parameters of a space: what its constraints are made of. The sampler evaluates
// them on every draw; the solver hands them to Z3. Values are exact while they stay below 2^63.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <vector>

namespace assay::testgen {

// The value of each parameter, by its position in the space.
using Values = std::vector<std::int64_t>;

// A number, a parameter or an operation; comparisons and connectives are 1 or 0. / and % are those of whole
// numbers, for operands that are never negative and divisors above 0.
class Expr {
 public:
  enum class Kind : std::uint8_t {
    Number,
    Parameter,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Equal,
    Less,
    And,
    Or,
    Not,
    If
  };
  struct Node;

  Expr(std::int64_t number = 0);
  Expr(int number) : Expr(std::int64_t{number}) {}
  static Expr parameter(std::size_t position);
  static Expr make(Kind kind, std::vector<Expr> operands);

  Kind kind() const;
  std::int64_t number() const;  // of a Number its value, of a Parameter its position
  const std::vector<Expr>& operands() const;

  std::int64_t evaluate(const Values& values) const;
  bool holds(const Values& values) const { return evaluate(values) != 0; }
  // Adds the positions of its parameters.
  void collect(std::set<std::size_t>& parameters) const;

 private:
  std::shared_ptr<const Node> node_;
};

struct Expr::Node {
  Kind kind;
  std::int64_t number;
  std::vector<Expr> operands;
};

inline Expr operator+(const Expr& a, const Expr& b) { return Expr::make(Expr::Kind::Add, {a, b}); }
inline Expr operator-(const Expr& a, const Expr& b) { return Expr::make(Expr::Kind::Subtract, {a, b}); }
inline Expr operator*(const Expr& a, const Expr& b) { return Expr::make(Expr::Kind::Multiply, {a, b}); }
inline Expr operator/(const Expr& a, const Expr& b) { return Expr::make(Expr::Kind::Divide, {a, b}); }
inline Expr operator%(const Expr& a, const Expr& b) { return Expr::make(Expr::Kind::Remainder, {a, b}); }
inline Expr operator==(const Expr& a, const Expr& b) { return Expr::make(Expr::Kind::Equal, {a, b}); }
inline Expr operator<(const Expr& a, const Expr& b) { return Expr::make(Expr::Kind::Less, {a, b}); }
inline Expr operator!(const Expr& a) { return Expr::make(Expr::Kind::Not, {a}); }
inline Expr operator&&(const Expr& a, const Expr& b) { return Expr::make(Expr::Kind::And, {a, b}); }
inline Expr operator||(const Expr& a, const Expr& b) { return Expr::make(Expr::Kind::Or, {a, b}); }
inline Expr operator!=(const Expr& a, const Expr& b) { return !(a == b); }
inline Expr operator>(const Expr& a, const Expr& b) { return b < a; }
inline Expr operator<=(const Expr& a, const Expr& b) { return !(b < a); }
inline Expr operator>=(const Expr& a, const Expr& b) { return !(a < b); }
inline Expr if_else(const Expr& condition, const Expr& then, const Expr& otherwise) {
  return Expr::make(Expr::Kind::If, {condition, then, otherwise});
}
inline Expr implies(const Expr& a, const Expr& b) { return !a || b; }
inline Expr minimum(const Expr& a, const Expr& b) { return if_else(a < b, a, b); }
inline Expr maximum(const Expr& a, const Expr& b) { return if_else(a < b, b, a); }
inline Expr divided_up(const Expr& a, const Expr& b) { return (a + b - 1) / b; }

}  // namespace assay::testgen
