#include "testgen/space/expression.hpp"

namespace assay::testgen {

Expr::Expr(std::int64_t number) : node_(std::make_shared<Node>(Node{Kind::Number, number, {}})) {}

Expr Expr::parameter(std::size_t position) {
  Expr e(0);
  e.node_ = std::make_shared<Node>(Node{Kind::Parameter, static_cast<std::int64_t>(position), {}});
  return e;
}

Expr Expr::make(Kind kind, std::vector<Expr> operands) {
  Expr e(0);
  e.node_ = std::make_shared<Node>(Node{kind, 0, std::move(operands)});
  return e;
}

Expr::Kind Expr::kind() const { return node_->kind; }
std::int64_t Expr::number() const { return node_->number; }
const std::vector<Expr>& Expr::operands() const { return node_->operands; }

std::int64_t Expr::evaluate(const Values& values) const {
  const auto at = [&](std::size_t i) { return node_->operands[i].evaluate(values); };
  switch (node_->kind) {
    case Kind::Number: return node_->number;
    case Kind::Parameter: return values[static_cast<std::size_t>(node_->number)];
    case Kind::Add: return at(0) + at(1);
    case Kind::Subtract: return at(0) - at(1);
    case Kind::Multiply: return at(0) * at(1);
    case Kind::Divide: return at(0) / at(1);
    case Kind::Remainder: return at(0) % at(1);
    case Kind::Equal: return at(0) == at(1);
    case Kind::Less: return at(0) < at(1);
    case Kind::And: return at(0) != 0 && at(1) != 0;
    case Kind::Or: return at(0) != 0 || at(1) != 0;
    case Kind::Not: return at(0) == 0;
    case Kind::If: return at(0) != 0 ? at(1) : at(2);
  }
  return 0;
}

void Expr::collect(std::set<std::size_t>& parameters) const {
  if (kind() == Kind::Parameter) parameters.insert(static_cast<std::size_t>(number()));
  for (const Expr& operand : operands()) operand.collect(parameters);
}

}  // namespace assay::testgen
